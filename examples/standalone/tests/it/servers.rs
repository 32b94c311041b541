//! Postgres and Redis servers of a test's own, on free loopback ports, ended with the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server process and the folder with its data.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Postgres's children end when their postmaster is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Redis server that never evicts, or `None` where none is installed.
pub(crate) fn redis() -> Option<Server> {
    let program = program("redis-server", &[])?;
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let child = Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Some(up(child, port, format!("redis://127.0.0.1:{port}"), folder))
}

/// A Postgres server that trusts loopback, or `None` where none is installed.
pub(crate) fn postgres() -> Option<Server> {
    let folders: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    let (initdb, postgres) = (program("initdb", &folders)?, program("postgres", &folders)?);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Postgres refuses to run as root.
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|ran| ran.stdout == b"0\n");
    if root {
        let owner = Command::new("chown").arg("nobody").arg(folder.path()).status().unwrap();
        assert!(owner.success());
    }
    let as_user = |program: &Path| {
        let mut command = Command::new(if root { Path::new("setpriv") } else { program });
        if root {
            command.args(["--reuid=nobody", "--clear-groups"]).arg(program);
        }
        command.current_dir(folder.path());
        command
    };
    let ran = as_user(&initdb)
        .args(["--auth=trust", "--username=presswork", "--no-sync", "-D"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let port = free_port();
    let child = as_user(&postgres)
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", "", "-F"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("postgres://presswork@127.0.0.1:{port}/postgres");
    Some(up(child, port, url, folder))
}

fn up(child: Child, port: u16, url: String, folder: tempfile::TempDir) -> Server {
    let server = Server {
        child,
        url,
        _folder: folder,
    };
    let started = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "the server does not listen"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

fn program(name: &str, more: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // The real program, not a wrapper in front of it.
    let found = more
        .iter()
        .chain(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
