//! Certificates of an authority of the test's own, made with `openssl`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A certificate for `localhost`, by name alone, and the authority that signed it.
pub(crate) struct Certificates {
    folder: tempfile::TempDir,
}

/// Whether certificates can be made.
pub(crate) fn available() -> Result<(), String> {
    match Command::new("openssl").arg("version").stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err("openssl is not installed, so no certificates can be made".to_owned()),
    }
}

/// Nothing of the system's own settings.
const SETTINGS: &str = "[req]
distinguished_name = name
prompt = no
[name]
CN = made for a test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
subjectAltName = DNS:localhost
";

impl Certificates {
    pub(crate) fn make() -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(this.path("settings"), SETTINGS).unwrap();
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let request = |more: &[&str]| {
            let mut command = this.openssl("req");
            command.args(["-new", "-config", "settings"]).args(curve).args(more);
            assert!(command.status().unwrap().success());
        };
        request(&[
            "-x509",
            "-days",
            "2",
            "-extensions",
            "authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        request(&["-keyout", "server.key", "-out", "server.csr"]);
        let mut sign = this.openssl("x509");
        sign.args([
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-set_serial",
            "7",
            "-days",
            "2",
        ]);
        sign.args(["-extfile", "settings", "-extensions", "server", "-out", "server.pem"]);
        assert!(sign.status().unwrap().success());
        this
    }

    fn openssl(&self, what: &str) -> Command {
        let mut command = Command::new("openssl");
        command.arg(what).current_dir(self.folder.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.path("server.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path("server.key")
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
