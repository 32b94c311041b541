use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Cursor, Seek, SeekFrom, Write},
    path::Path,
};

/// Bytes that only grow, except that a failed append is taken back.
pub(super) trait Log: Send {
    /// Everything, from the start.
    fn read(&mut self) -> io::Result<Box<dyn BufRead + '_>>;
    /// Adds `line` at the end; it is durable when this returns.
    fn append(&mut self, line: &[u8]) -> io::Result<()>;
    /// Removes everything after `length` bytes, durably.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

#[derive(Default)]
pub(super) struct MemoryLog(Vec<u8>);

impl Log for MemoryLog {
    fn read(&mut self) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(Box::new(Cursor::new(&self.0)))
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(line);
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }
}

/// The lock ends with the file handle, also when the process is killed.
pub(super) struct FileLog(File);

impl FileLog {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        // A file that was just created is durable once its folder is; where folders cannot be synced, nothing is lost.
        if let Some(folder) = path.parent() {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "it is open in another outbox; close that one first",
            )),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Log for FileLog {
    fn read(&mut self) -> io::Result<Box<dyn BufRead + '_>> {
        self.0.seek(SeekFrom::Start(0))?;
        Ok(Box::new(BufReader::new(&mut self.0)))
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.0.write_all(line)?;
        self.0.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        if self.0.metadata()?.len() != length {
            self.0.set_len(length)?;
            self.0.sync_data()?;
        }
        Ok(())
    }
}
