//! [`FileBlobs`]: one file for each blob.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use futures_channel::oneshot;

use super::{BlobEntry, BlobKey, BlobStore};
use crate::{Error, Result, text};

const STORE: &str = "file-blobs";

/// What a write that was cut off left behind is taken away after this time.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3_600);

/// Blobs in a folder: `ab/ab12…` for a key that begins with `ab`. Any number of processes may share it.
///
/// A put writes another file beside it, flushes that to the disk and renames it: a file of that name is always whole.
/// Each call takes a thread for its time and needs no runtime.
#[derive(Clone, Debug)]
pub struct FileBlobs {
    folder: Arc<Path>,
}

impl FileBlobs {
    /// Blobs in this folder, which is made if it is not there. Files of writes that were cut off more than a day ago go.
    ///
    /// # Errors
    /// [`ReadOnly`](Error::ReadOnly), [`Full`](Error::Full), [`Unavailable`](Error::Unavailable): it cannot be made or read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder: PathBuf = folder.into();
        let cleaned = fs::create_dir_all(half_written(&folder)).and_then(|()| {
            for entry in fs::read_dir(half_written(&folder))? {
                let file = entry?.path();
                // Another process may be done with it by now.
                let age = written(&file)?.and_then(|at| at.elapsed().ok());
                if age.is_some_and(|age| age > LEFT_BEHIND) {
                    gone_is_fine(fs::remove_file(file))?;
                }
            }
            Ok(())
        });
        cleaned.map_err(|error| failed(&folder, error))?;
        Ok(Self { folder: folder.into() })
    }

    /// Runs work that waits for the disk on a thread of its own.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let folder = Arc::clone(&self.folder);
        let started = std::thread::Builder::new()
            .name("file-blobs".to_owned())
            .spawn(move || reply.send(work(&folder)));
        let done = match started {
            Ok(_) => answer
                .await
                .unwrap_or_else(|_| Err(io::Error::other("its thread ended"))),
            Err(error) => Err(error),
        };
        done.map_err(|error| failed(&self.folder, error))
    }
}

#[async_trait]
impl BlobStore for FileBlobs {
    async fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<()> {
        let (key, bytes) = (key.clone(), bytes.to_vec());
        self.run(move |folder| {
            let path = path(folder, &key);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent)?;
            let half = half_written(folder).join(crate::OpId::new().to_string());
            let written = File::create_new(&half).and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_all()?;
                fs::rename(&half, &path)
            });
            if written.is_err() {
                gone_is_fine(fs::remove_file(&half))?;
            }
            written?;
            // The names have to reach the disk too. Not every system opens a folder.
            for folder in [parent, folder] {
                if let Ok(folder) = File::open(folder) {
                    folder.sync_all()?;
                }
            }
            Ok(())
        })
        .await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Vec<u8>>> {
        let key = key.clone();
        self.run(move |folder| match fs::read(path(folder, &key)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        let key = key.clone();
        self.run(move |folder| gone_is_fine(fs::remove_file(path(folder, &key))))
            .await
    }

    async fn list<'a>(&self, after: Option<&'a BlobKey>, limit: u32) -> Result<Vec<BlobEntry>> {
        let limit = text::rows(limit)?;
        let after = after.cloned();
        self.run(move |folder| {
            let mut shelves = BTreeSet::new();
            for shelf in fs::read_dir(folder)? {
                shelves.insert(shelf?.file_name());
            }
            let mut found = Vec::new();
            for shelf in shelves {
                let begins = shelf.to_string_lossy();
                let before = after.as_ref().is_some_and(|after| *begins < after.as_str()[..2]);
                if begins.len() != 2 || before {
                    continue;
                }
                let mut keys = BTreeSet::new();
                for file in fs::read_dir(folder.join(&shelf))? {
                    keys.extend(file?.file_name().to_str().and_then(|name| BlobKey::parse(name).ok()));
                }
                for key in keys.into_iter().filter(|key| Some(key) > after.as_ref()) {
                    if found.len() == limit {
                        return Ok(found);
                    }
                    if let Some(at) = written(&path(folder, &key))? {
                        let put_at_ms = millis(at);
                        found.push(BlobEntry { key, put_at_ms });
                    }
                }
            }
            Ok(found)
        })
        .await
    }
}

fn path(folder: &Path, key: &BlobKey) -> PathBuf {
    folder.join(&key.as_str()[..2]).join(key.as_str())
}

fn half_written(folder: &Path) -> PathBuf {
    folder.join("half-written")
}

fn gone_is_fine(answer: io::Result<()>) -> io::Result<()> {
    match answer {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// When the file was last written; `None` when it is not there any more.
fn written(file: &Path) -> io::Result<Option<SystemTime>> {
    match fs::metadata(file).and_then(|file| file.modified()) {
        Ok(at) => Ok(Some(at)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn failed(folder: &Path, error: io::Error) -> Error {
    let place = folder.display().to_string();
    let message = error.to_string();
    let kind = error.kind();
    let source: crate::Source = Arc::new(error);
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full {
            store: STORE,
            place,
            source,
        },
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Error::ReadOnly {
            store: STORE,
            place,
            source,
        },
        _ => Error::Unavailable {
            store: STORE,
            place,
            message,
            source: Some(source),
        },
    }
}
