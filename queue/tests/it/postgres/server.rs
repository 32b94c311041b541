//! A private PostgreSQL server on a free loopback port, ended with the test.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server of the test's own.
pub(crate) struct Server {
    port: u16,
    settings: Vec<String>,
    folder: tempfile::TempDir,
    process: Option<Child>,
}

/// Where the programs are, if they are.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// Whether there is a server to start.
pub(crate) fn available() -> Result<(), String> {
    match programs() {
        Some(_) => Ok(()),
        None => Err("PostgreSQL is not installed".to_owned()),
    }
}

/// Root may not run the server; then its own user does.
fn user() -> Option<(u32, u32)> {
    let me = fs::metadata("/proc/self").map(|of| std::os::unix::fs::MetadataExt::uid(&of));
    if me.is_ok_and(|uid| uid != 0) {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = users.lines().find(|line| line.starts_with("postgres:"));
    let mut numbers = entry.unwrap_or("nobody:x:65534:65534").split(':').skip(2);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn command(program: &str) -> Command {
    let mut command = Command::new(programs().unwrap().join(program));
    if let Some((uid, gid)) = user() {
        command.uid(uid).gid(gid);
    }
    // A group of its own: what ends the test's does not end a server that others use.
    command.process_group(0).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn give(path: &Path) {
    if let Some((uid, gid)) = user() {
        chown(path, Some(uid), Some(gid)).unwrap();
    }
}

/// Fresh databases, made once per version of the programs and copied from there.
fn template() -> PathBuf {
    let version = Command::new(programs().unwrap().join("postgres"))
        .arg("--version")
        .output()
        .unwrap();
    let version = String::from_utf8_lossy(&version.stdout).replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let template = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("queue-{version}"));
    if !template.exists() {
        let making = tempfile::Builder::new()
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        give(making.path());
        let data = making.path().join("data");
        let options = [
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "--wal-segsize=1",
        ];
        let made = command("initdb").arg("-D").arg(&data).args(options).status().unwrap();
        assert!(made.success(), "initdb failed");
        // Whoever is second throws its own away.
        drop(fs::rename(&data, &template));
    }
    template
}

impl Server {
    /// Starts one with an empty database.
    pub(crate) fn start() -> Self {
        Self::with(None)
    }

    /// Starts one that speaks TLS to whoever asks for it.
    pub(crate) fn with_tls(certificate: &Path, key: &Path) -> Self {
        Self::with(Some((certificate, key)))
    }

    /// Starts one that writes every statement into its log.
    pub(crate) fn that_logs() -> Self {
        let mut server = Self::copied();
        let settings = [
            "logging_collector=on",
            "log_directory=.",
            "log_filename=statements",
            "log_statement=all",
        ];
        server.settings = settings.map(str::to_owned).to_vec();
        server.find_a_port();
        server
    }

    /// How many statements that hold `text` are in the log.
    pub(crate) fn logged(&self, text: &str) -> usize {
        let log = fs::read_to_string(self.folder.path().join("data").join("statements")).unwrap_or_default();
        log.matches(text).count()
    }

    fn with(tls: Option<(&Path, &Path)>) -> Self {
        let mut server = Self::copied();
        if let Some((certificate, key)) = tls {
            server.settings = vec!["ssl=on".to_owned()];
            for (name, from) in [("ssl_cert_file", certificate), ("ssl_key_file", key)] {
                let file = server.folder.path().join(name);
                fs::copy(from, &file).unwrap();
                // The server wants its key to be its own.
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
                give(&file);
                server.settings.push(format!("{name}={}", file.display()));
            }
        }
        server.find_a_port();
        server
    }

    /// A fresh database, not started yet.
    fn copied() -> Self {
        let folder = tempfile::tempdir().unwrap();
        give(folder.path());
        let copied = Command::new("cp")
            .arg("-a")
            .arg(template())
            .arg(folder.path().join("data"))
            .status();
        assert!(copied.unwrap().success());
        Self {
            port: 0,
            settings: Vec::new(),
            folder,
            process: None,
        }
    }

    fn find_a_port(&mut self) {
        // Someone else may take the port between the look and the start.
        for _ in 0..10 {
            self.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if self.launch() {
                return;
            }
        }
        panic!("postgres does not start");
    }

    fn launch(&mut self) -> bool {
        let data = self.folder.path().join("data");
        // The file is the server's own word that it is ready, and on which port.
        let pid = data.join("postmaster.pid");
        drop(fs::remove_file(&pid));
        let mut child = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"])
            .args([
                "-c",
                "unix_socket_directories=",
                "-c",
                "fsync=off",
                "-c",
                "max_wal_size=64MB",
            ])
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]))
            .args(["-c", "shared_buffers=16MB", "-c", "autovacuum_naptime=5s"])
            .spawn()
            .unwrap();
        let patience = Instant::now() + Duration::from_secs(60);
        while Instant::now() < patience && child.try_wait().unwrap().is_none() {
            if fs::read_to_string(&pid).is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"))
            {
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
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Ends the server at once, as a crash would: what is committed is in its log.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGQUIT ends its children too; SIGKILL would leave them.
            drop(Command::new("kill").args(["-QUIT", &process.id().to_string()]).status());
            drop(process.wait());
        }
    }

    /// Ends it at once and starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "postgres does not start again");
    }

    pub(crate) async fn connection(&self) -> tokio_postgres::Client {
        connect(&self.url()).await
    }

    /// Leaves the server to others: its URL, its process and its folder.
    pub(crate) fn leave(mut self) -> (String, u32, PathBuf) {
        let pid = self.process.take().map_or(0, |process| process.id());
        self.folder.disable_cleanup(true);
        (self.url(), pid, self.folder.path().to_owned())
    }
}

pub(crate) async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
