//! One server for all cases of the suite, each in a database of its own: to start one takes longer than most cases.
//!
//! It lives as long as somebody holds the lock on a file, also when that somebody is killed.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use super::server::{Server, connect};

/// A database on the shared server; the server ends with the last of them.
pub(crate) struct Database {
    url: String,
    _held: File,
}

fn home() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("queue-shared-postgres");
    fs::create_dir_all(&home).unwrap();
    home
}

fn file(name: &str) -> File {
    let path = home().join(name);
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap()
}

/// Holds the server; starts it when it does not run.
#[allow(clippy::zombie_processes)] // whoever ends the server outlives this test
fn hold() -> (File, String) {
    let starting = file("starting");
    starting.lock().unwrap();
    let held = file("held");
    // Waits while the server of before is being ended.
    held.lock_shared().unwrap();
    let address = home().join("address");
    if let Ok(url) = fs::read_to_string(&address) {
        return (held, url);
    }
    let (url, pid, folder) = Server::start().leave();
    fs::write(&address, &url).unwrap();
    // Gets the lock when nobody holds the server any more.
    let end = format!(
        "kill -QUIT {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.02; done; rm -rf '{}' '{}'",
        address.display(),
        folder.display()
    );
    Command::new("flock")
        .arg(home().join("held"))
        .args(["sh", "-c", &end])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (held, url)
}

impl Database {
    pub(crate) async fn start() -> Self {
        let (held, server) = tokio::task::spawn_blocking(hold).await.unwrap();
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("case_{}_{nanos}", std::process::id());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        connect(&server).await.batch_execute(&create).await.unwrap();
        Self {
            url: format!("{}/{name}", server.trim_end_matches("/postgres")),
            _held: held,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
