//! Servers that a figure starts for itself and ends with itself.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// A child that dies with its owner.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program of this workspace that prints its addresses on one line.
pub fn start(program: &Path) -> Result<(Server, Vec<String>)> {
    let mut child = Command::new(program).stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("no output")?;
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    Ok((server, line.split_whitespace().map(str::to_owned).collect()))
}

/// A private Redis on a free port of the loopback, without persistence.
pub struct Redis {
    _server: Server,
    port: u16,
}

impl Redis {
    pub fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .args(["--dir", &std::env::temp_dir().to_string_lossy()])
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server does not start")?;
        let server = Server(child);
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(Self { _server: server, port });
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("redis-server does not answer")
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Empties it.
    pub fn flush(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"FLUSHALL\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(())
    }

    /// The commands that clients send while `work` runs, by name; what a script does inside the server is not counted.
    pub fn commands(&self, work: impl FnOnce() -> Result<()>) -> Result<BTreeMap<String, u64>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let mut writer = stream.try_clone()?;
        writer.write_all(b"MONITOR\r\n")?;
        let mut reader = BufReader::new(stream);
        reader.read_line(&mut String::new())?;
        work()?;
        // What the monitor sees last, so that everything before it was read.
        TcpStream::connect(("127.0.0.1", self.port))?.write_all(b"ECHO presswork-bench-end\r\n")?;
        let mut counts = BTreeMap::new();
        loop {
            let mut line = Vec::new();
            reader.read_until(b'\n', &mut line)?;
            let line = String::from_utf8_lossy(&line);
            if line.contains("presswork-bench-end") {
                return Ok(counts);
            }
            let name = line.split('"').nth(1).unwrap_or_default().to_ascii_uppercase();
            if !line.contains(" lua]") {
                *counts.entry(name).or_default() += 1;
            }
        }
    }
}

/// A private Postgres on a free port of the loopback, in a folder of its own, with the server's own defaults.
pub struct Postgres {
    server: Option<Server>,
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    pub fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("presswork-bench-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut this = Self {
            server: None,
            folder,
            port,
        };
        let data = this.folder.join("data");
        // The server refuses to run as root.
        let root = Command::new("id").arg("-u").output()?.stdout.starts_with(b"0");
        if root {
            Command::new("chown").arg("postgres").arg(&this.folder).status()?;
        }
        let command = |name: &str| {
            let program = PathBuf::from("/usr/lib/postgresql/15/bin").join(name);
            let program = if program.exists() { program } else { name.into() };
            if !root {
                return Command::new(program);
            }
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"])
                .arg(program);
            command
        };
        let mut init = command("initdb");
        init.arg("-D")
            .arg(&data)
            .args(["-U", "bench", "-A", "trust", "-E", "UTF8", "--no-instructions"]);
        if !init
            .stdout(Stdio::null())
            .status()
            .context("initdb does not start")?
            .success()
        {
            bail!("initdb failed");
        }
        let mut server = command("postgres");
        server
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&this.folder)
            .args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        this.server = Some(Server(server.stderr(Stdio::null()).stdout(Stdio::null()).spawn()?));
        for _ in 0..100 {
            let mut ready = command("pg_isready");
            ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            if ready.status()?.success() {
                return Ok(this);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("postgres does not answer")
    }

    pub fn url(&self) -> String {
        format!("postgres://bench@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(Server(child)) = &self.server {
            // SIGINT is the fast shutdown; a kill would leave its children.
            let _ = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            for _ in 0..50 {
                if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        drop(self.server.take());
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
