//! The writer with its group commit, and the readers.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use futures_channel::oneshot;
use rusqlite::Connection;

use super::classify;
use super::connection::{Prepared, roll_back};
use crate::sql::{Origin, Row, Statement};
use crate::{Error, Result};

/// Changes in one commit. More would only make the first of them wait longer.
const GROUP: usize = 64;

type Rows = Vec<Vec<Row>>;

struct Job {
    statements: Vec<Statement>,
    reply: oneshot::Sender<Result<Rows>>,
}

impl Job {
    fn answer(self, answer: Result<Rows>) {
        // A caller that has gone away does not want to know.
        let _ = self.reply.send(answer);
    }
}

#[derive(Debug)]
pub(super) struct Threads {
    origin: Origin,
    writer: Option<Sender<Job>>,
    readers: Option<Sender<Job>>,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(origin: &Origin, writer: Connection, readers: Vec<Connection>) -> Result<Self> {
        let (to_writer, jobs) = channel();
        let (to_readers, questions) = channel();
        let mut threads = Self {
            origin: origin.clone(),
            writer: Some(to_writer),
            readers: Some(to_readers),
            handles: Vec::new(),
        };
        let ours = origin.clone();
        threads.spawn(move || write_all(&ours, &writer, &jobs))?;
        let questions = Arc::new(Mutex::new(questions));
        for reader in readers {
            let (ours, questions) = (origin.clone(), Arc::clone(&questions));
            threads.spawn(move || read_all(&ours, &reader, &questions))?;
        }
        Ok(threads)
    }

    fn spawn(&mut self, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let handle = Builder::new()
            .name("content-store".to_owned())
            .spawn(work)
            .map_err(|error| {
                let message = format!("no thread could be started: {error}");
                let place = self.origin.place.to_string();
                Error::Unavailable {
                    store: self.origin.store,
                    place,
                    message,
                    source: Some(Arc::new(error)),
                }
            })?;
        self.handles.push(handle);
        Ok(())
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Result<Rows> {
        self.ask(self.writer.as_ref(), statements).await
    }

    pub(super) async fn read(&self, statements: Vec<Statement>) -> Result<Rows> {
        self.ask(self.readers.as_ref(), statements).await
    }

    async fn ask(&self, thread: Option<&Sender<Job>>, statements: Vec<Statement>) -> Result<Rows> {
        let (reply, answer) = oneshot::channel();
        let sent = thread.is_some_and(|thread| thread.send(Job { statements, reply }).is_ok());
        match (sent, answer.await) {
            (true, Ok(answer)) => answer,
            (true, Err(_)) | (false, _) => Err(classify::stopped(&self.origin)),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // The writer, which was started first, closes its connection last and alone: only then does SQLite fold the WAL
        // into the file.
        drop(self.readers.take());
        let readers = self.handles.split_off(self.handles.len().min(1));
        readers.into_iter().for_each(|handle| drop(handle.join()));
        drop(self.writer.take());
        self.handles.drain(..).for_each(|handle| drop(handle.join()));
    }
}

fn write_all(origin: &Origin, connection: &Connection, jobs: &Receiver<Job>) {
    let mut prepared = Prepared::new(connection);
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        group.extend(jobs.try_iter().take(GROUP - 1));
        if let Some(lost) = write_group(origin, &mut prepared, group) {
            // SQLite gave up the whole transaction for the fault of one. Nothing of it is written, so each may try alone.
            for job in lost {
                if let Some(lost) = write_group(origin, &mut prepared, vec![job]) {
                    for job in lost {
                        job.answer(Err(classify::stopped(origin)));
                    }
                }
            }
        }
    }
}

/// Writes a group in one transaction and answers it. Gives the group back when the transaction was lost to one of
/// several.
fn write_group(origin: &Origin, prepared: &mut Prepared<'_>, group: Vec<Job>) -> Option<Vec<Job>> {
    let connection = prepared.connection();
    if let Err(error) = prepared.step("BEGIN IMMEDIATE") {
        roll_back(connection);
        refuse(group, classify::refused(origin, error));
        return None;
    }
    let alone = group.len() == 1;
    let mut answers = Vec::with_capacity(group.len());
    for job in &group {
        let answer = if alone {
            prepared.run(&job.statements)
        } else {
            savepoint(prepared, job)
        };
        if connection.is_autocommit() && !alone {
            return Some(group);
        }
        answers.push(answer.map_err(|error| classify::refused(origin, error)));
    }
    if alone && answers.iter().any(Result::is_err) {
        roll_back(connection);
    } else if let Err(error) = prepared.step("COMMIT") {
        roll_back(connection);
        refuse(group, classify::commit_failed(origin, error));
        return None;
    }
    for (job, answer) in group.into_iter().zip(answers) {
        job.answer(answer);
    }
    None
}

fn savepoint(prepared: &mut Prepared<'_>, job: &Job) -> rusqlite::Result<Rows> {
    prepared.step("SAVEPOINT op")?;
    let answer = prepared.run(&job.statements);
    let connection = prepared.connection();
    if answer.is_err() && !connection.is_autocommit() {
        prepared.step("ROLLBACK TO op")?;
    }
    if !connection.is_autocommit() {
        prepared.step("RELEASE op")?;
    }
    answer
}

fn refuse(group: Vec<Job>, error: Error) {
    for job in group {
        job.answer(Err(error.clone()));
    }
}

fn read_all(origin: &Origin, connection: &Connection, questions: &Mutex<Receiver<Job>>) {
    let mut prepared = Prepared::new(connection);
    loop {
        // Only the taking of a question is exclusive; the lock is free again before it is answered.
        let question = questions.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = question else { return };
        let answer = prepared
            .run(&job.statements)
            .map_err(|error| classify::refused(origin, error));
        job.answer(answer);
    }
}
