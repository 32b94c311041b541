//! A PostgreSQL server of a test's own: on a free loopback port, in a folder that goes with it.

use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) struct Server {
    binaries: PathBuf,
    folder: TempDir,
    settings: Vec<String>,
    port: u16,
    user: Option<(u32, u32)>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server, or says why there is none.
    pub(crate) async fn start(settings: &[&str]) -> Option<Self> {
        let Some(binaries) = binaries() else {
            println!("skipped: no PostgreSQL server is installed here");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        // The server refuses to run as root.
        let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        let user = root.then(|| account("postgres").or_else(|| account("nobody")).unwrap());
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let mut server = Self {
            binaries,
            folder,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            port: 0,
            user,
            child: None,
        };
        let password = server.folder.path().join("password");
        std::fs::write(&password, "s3cret\n").unwrap();
        let made = server
            .command("initdb")
            .args([
                "-U",
                "presswork",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ])
            .arg("--pwfile")
            .arg(&password)
            .arg("-D")
            .arg(server.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.run().await;
        Some(server)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// The folder of the server, where it may read what [`own`](Self::own)s.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Gives a file to the user that the server runs as.
    pub(crate) fn own(&self, file: &Path) {
        if let Some((uid, gid)) = self.user {
            chown(file, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Starts the server anew with more settings.
    pub(crate) async fn set(&mut self, settings: &[String]) {
        self.kill();
        self.settings.extend_from_slice(settings);
        self.run().await;
    }

    /// Starts the server on the data it has, on the port it had.
    pub(crate) async fn run(&mut self) {
        let first = self.port == 0;
        // After a crash the children of the old server may still hold its memory for a moment.
        for _ in 0..if first { 5 } else { 100 } {
            if self.port == 0 {
                let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                self.port = free.local_addr().unwrap().port();
            }
            let mut command = self.command("postgres");
            command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
            let all = [
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "max_connections=200",
                "logging_collector=off",
            ];
            for setting in all.into_iter().chain(self.settings.iter().map(String::as_str)) {
                command.args(["-c", setting]);
            }
            self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
            if self.answers().await {
                return;
            }
            // Somebody else may have taken the port.
            self.kill();
            if first {
                self.port = 0;
            } else {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        panic!("the server does not start");
    }

    async fn answers(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            if let Some(child) = &mut self.child
                && child.try_wait().unwrap().is_some()
            {
                return false;
            }
            if let Ok((client, connection)) = tokio_postgres::connect(&self.url(""), tokio_postgres::NoTls).await {
                let task = tokio::spawn(connection);
                let answer = client.simple_query("SELECT 1").await;
                task.abort();
                if answer.is_ok() {
                    return true;
                }
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        false
    }

    /// Ends the server at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The server's address with these settings.
    pub(crate) fn url(&self, settings: &str) -> String {
        format!(
            "postgres://presswork:s3cret@127.0.0.1:{}/postgres?sslmode=disable{settings}",
            self.port
        )
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address of a schema of its own, made empty.
    pub(crate) async fn schema(&self, name: &str) -> String {
        self.execute(&format!("CREATE SCHEMA {name}")).await;
        self.url(&format!("&options=-csearch_path%3D{name}"))
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url(""), tokio_postgres::NoTls)
            .await
            .unwrap();
        let task = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        task.abort();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Quit at once, but with its children.
            let told = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
            if told.is_ok_and(|status| status.success()) {
                let _ = child.wait();
            }
        }
        self.kill();
    }
}

fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders
        .into_iter()
        .rev()
        .find(|folder| Path::new(folder).join("initdb").exists())
}

/// User and group of an account.
fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.starts_with(&format!("{name}:")))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
