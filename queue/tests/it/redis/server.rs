//! A private Redis server on a free loopback port, ended with the test.

use std::{
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server of the test's own.
pub(crate) struct Server {
    port: u16,
    options: Vec<String>,
    tls: bool,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

/// Whether there is a server to start.
pub(crate) fn available() -> Result<(), String> {
    match Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
    {
        Ok(status) if status.success() => Ok(()),
        _ => Err("redis-server is not installed".to_owned()),
    }
}

impl Server {
    /// Starts one that forgets everything when it ends.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts one with `options` of the configuration.
    pub(crate) fn with(options: &[&str]) -> Self {
        let mut server = Self {
            port: 0,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            tls: false,
            folder: tempfile::tempdir().unwrap(),
            process: None,
        };
        assert!(server.find_a_port(), "redis-server does not start");
        server
    }

    /// Starts one that speaks TLS only; none where it was built without.
    pub(crate) fn with_tls(options: &[&str]) -> Option<Self> {
        let mut server = Self {
            port: 0,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            tls: true,
            folder: tempfile::tempdir().unwrap(),
            process: None,
        };
        server.find_a_port().then_some(server)
    }

    fn find_a_port(&mut self) -> bool {
        // Someone else may take the port between the look and the start.
        (0..10).any(|_| {
            self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            self.launch()
        })
    }

    fn launch(&mut self) -> bool {
        let log = self.folder.path().join("log");
        let mut child = Command::new("redis-server")
            .args(if self.tls {
                ["--port", "0", "--tls-port"]
            } else {
                ["--tcp-backlog", "128", "--port"]
            })
            .args([&self.port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--dir", self.folder.path().to_str().unwrap()])
            .args(["--logfile", log.to_str().unwrap()])
            .args(&self.options)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience && child.try_wait().unwrap().is_none() {
            // Only our own child counts: another server on the port would not be listed in our log.
            let ready = std::fs::read_to_string(&log).is_ok_and(|log| log.contains("Ready to accept connections"));
            if ready && TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                self.process = Some(child);
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(child.kill());
        drop(child.wait());
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server where it stands.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }

    /// Kills it and starts it again on the same port, with what is on its disk.
    pub(crate) fn restart(&mut self) {
        self.kill();
        std::fs::remove_file(self.folder.path().join("log")).unwrap();
        assert!(self.launch(), "redis-server does not start again");
    }

    pub(crate) async fn connection(&self) -> redis::aio::MultiplexedConnection {
        connect(&self.url()).await
    }
}

pub(crate) async fn connect(url: &str) -> redis::aio::MultiplexedConnection {
    let client = redis::Client::open(url).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(30)));
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
