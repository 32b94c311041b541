//! Being told of new messages: `LISTEN` on a connection of its own.
//! <https://www.postgresql.org/docs/current/sql-notify.html>

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Config, Connection, Socket, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::signal::Signal;

/// Pauses between attempts to connect again.
const PAUSE: Duration = Duration::from_millis(500);

/// The task that listens, from the first wait on until the queue is dropped.
pub(super) struct Listener {
    config: Config,
    tls: MakeRustlsConnect,
    channel: String,
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    /// Rings at every notification, and when listening begins or ends.
    heard: Signal,
    listening: AtomicBool,
}

impl Listener {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect, channel: String) -> Self {
        Self {
            config,
            tls,
            channel,
            shared: Arc::default(),
            task: Mutex::default(),
        }
    }

    pub(super) fn heard(&self) -> &Signal {
        &self.shared.heard
    }

    /// Whether notifications come; if not, a consumer has to look by itself.
    pub(super) fn is_listening(&self) -> bool {
        self.shared.listening.load(Ordering::SeqCst)
    }

    /// Starts the task, if it does not run.
    pub(super) fn start(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (config, tls, shared) = (self.config.clone(), self.tls.clone(), Arc::clone(&self.shared));
        let listen = format!("LISTEN {}", self.channel);
        *task = Some(tokio::spawn(async move {
            loop {
                if let Err(error) = attend(&config, &tls, &listen, &shared).await {
                    tracing::warn!(%error, "not listening; consumers look by themselves until it works again");
                }
                shared.listening.store(false, Ordering::SeqCst);
                shared.heard.notify();
                tokio::time::sleep(PAUSE).await;
            }
        }));
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

/// Listens until the connection ends.
async fn attend(
    config: &Config,
    tls: &MakeRustlsConnect,
    listen: &str,
    shared: &Shared,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(tls.clone()).await?;
    {
        let asking = pin!(client.batch_execute(listen));
        // The connection does its work only while it is polled.
        match select(asking, pin!(hear(&mut connection, shared))).await {
            Either::Left((listening, _)) => listening?,
            Either::Right((ended, _)) => return ended,
        }
    }
    shared.listening.store(true, Ordering::SeqCst);
    // What came before is found by looking once more.
    shared.heard.notify();
    let ended = hear(&mut connection, shared).await;
    drop(client);
    ended
}

async fn hear<T>(connection: &mut Connection<Socket, T>, shared: &Shared) -> Result<(), tokio_postgres::Error>
where
    Connection<Socket, T>: Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        if let AsyncMessage::Notification(_) = message? {
            shared.heard.notify();
        }
    }
    Ok(())
}

const _: fn() = || {
    fn connects<T: MakeTlsConnect<Socket>>() {}
    connects::<MakeRustlsConnect>();
};
