//! A server that writes bytes as it is told, below the level of HTTP libraries, which are too polite for this.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Where it listens, and how much it got rid of.
pub(crate) struct Server {
    pub(crate) url: String,
    written: Arc<AtomicUsize>,
}

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    written: Arc<AtomicUsize>,
}

impl Server {
    /// Serves every connection with `serve`, told its number from 0, once the request has been read.
    pub(crate) async fn start<F, Fut>(serve: F) -> Self
    where
        F: Fn(usize, Line) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let written = Arc::new(AtomicUsize::new(0));
        let counter = written.clone();
        tokio::spawn(async move {
            let serve = Arc::new(serve);
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (serve, written) = (serve.clone(), counter.clone());
                tokio::spawn(async move {
                    if read_request(&mut stream).await.is_some() {
                        serve(number, Line { stream, written }).await;
                    }
                });
            }
        });
        Self { url, written }
    }

    /// How many bytes it could write, those in the sockets' buffers included.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }
}

/// Reads a whole request, so that closing the connection is no reset by accident.
async fn read_request(stream: &mut TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                return Some(());
            }
        }
    }
}

impl Line {
    /// Writes, and says whether the client still takes it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        let is_taken = self.stream.write_all(bytes).await.is_ok();
        if is_taken {
            self.written.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        is_taken
    }

    /// Writes the same again and again until the client hangs up, or took this many bytes.
    pub(crate) async fn flood(&mut self, bytes: &[u8], most: usize) {
        let mut written = 0;
        while written < most && self.write(bytes).await {
            written += bytes.len();
        }
    }

    /// Ends the connection as it is done in order.
    pub(crate) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends it by a reset, which loses what the client has not read.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}

/// A head with these headers besides the status.
pub(crate) fn head(status: u16, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}\r\n").into_bytes()
}
