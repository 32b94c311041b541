use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use super::{TokenSet, TokenStore, refuse_empty};
use crate::{Error, Report, Result};

/// Tokens in a JSON file that only its owner can read (mode 0600 on Unix).
///
/// A change is written to a second file beside it, brought to the disk, and moved over the first, under a lock that
/// other processes see. A file that others can read is refused.
#[derive(Clone, Debug)]
pub struct FileTokens {
    path: PathBuf,
}

impl FileTokens {
    /// A store in the file at `path`; its folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(extension);
        name.into()
    }

    fn read(&self) -> io::Result<BTreeMap<String, String>> {
        let text = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            text => text?,
        };
        refuse_shared(&self.path)?;
        // Serde's own message would quote the file.
        serde_json::from_str(&text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no token file"))
    }

    fn replace(&self, name: &str, expected: Option<&TokenSet>, new: &TokenSet) -> io::Result<bool> {
        let lock = owner_only()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.beside(".lock"))?;
        lock.lock()?;
        let mut kept = self.read()?;
        if kept.get(name).and_then(|json| TokenSet::from_json(json)).as_ref() != expected {
            return Ok(false);
        }
        kept.insert(name.to_owned(), new.expose_json());
        let next = self.beside(".next");
        match std::fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = owner_only().create_new(true).write(true).open(&next)?;
        serde_json::to_writer(&mut file, &kept)?;
        file.flush()?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        sync_folder(&self.path)?;
        Ok(true)
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io {
            report: Report::new("tokens", format!("cannot use the token file {}", self.path.display())),
            source,
        }
    }
}

#[async_trait]
impl TokenStore for FileTokens {
    async fn load(&self, name: &str) -> Result<Option<TokenSet>> {
        let kept = self.read().map_err(|error| self.failed(error))?;
        match kept.get(name) {
            None => Ok(None),
            Some(json) => match TokenSet::from_json(json) {
                Some(tokens) => Ok(Some(tokens)),
                None => Err(self.failed(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it holds no tokens where it should",
                ))),
            },
        }
    }

    async fn swap(&self, name: &str, expected: Option<&TokenSet>, new: &TokenSet) -> Result<bool> {
        refuse_empty(new)?;
        self.replace(name, expected, new).map_err(|error| self.failed(error))
    }
}

#[cfg(unix)]
fn owner_only() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn owner_only() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn refuse_shared(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata(path)?.mode() & 0o077 != 0 {
        let message = "others can read it; expected mode 0600";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Brings the move itself to the disk, where folders can be opened.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or(Path::new("."))) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}
