//! A Chat Completions server on loopback, in a process of its own so that its work is not counted.
//!
//! Prints `<base url> <control address>` and serves until killed. The model's name says how it answers: at once, or
//! `paced-N`: N chunks, each but the first after a byte on the control connection; or `held`: never, after it has
//! written a byte on the control connection.

use std::{io::Write, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::{Mutex, Notify},
};

const TEXT: &str = "Rome keeps Central European Time: one hour ahead of UTC in winter, two in summer. The clocks go forward \
                    on the last Sunday of March and back on the last Sunday of October. From New York that is six hours \
                    ahead for most of the year, and five for two short spells in spring and autumn when only one side \
                    has changed. Before noon in New York is the afternoon in Rome; after lunch the offices there are closed.";

const HEADERS: &str = "date: Wed, 25 Nov 2026 04:00:00 GMT\r\nopenai-organization: org-0123456789\r\n\
    openai-processing-ms: 812\r\nopenai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\n\
    x-ratelimit-limit-tokens: 2000000\r\nx-ratelimit-remaining-requests: 9999\r\n\
    x-ratelimit-remaining-tokens: 1999500\r\nx-ratelimit-reset-requests: 6ms\r\nx-ratelimit-reset-tokens: 14ms\r\n\
    x-request-id: req_0123456789abcdef0123456789abcdef\r\n";

#[derive(Clone, Default)]
struct Control {
    stream: Arc<Mutex<Option<TcpStream>>>,
    connected: Arc<Notify>,
}

impl Control {
    async fn with<T>(&self, work: impl AsyncFnOnce(&mut TcpStream) -> T) -> T {
        loop {
            let connected = self.connected.notified();
            if let Some(stream) = &mut *self.stream.lock().await {
                return work(stream).await;
            }
            connected.await;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let side = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, address) = (server.local_addr().unwrap(), side.local_addr().unwrap());
    println!("http://{url}/v1 {address}");
    std::io::stdout().flush().unwrap();
    let control = Control::default();
    let accepting = control.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = side.accept().await {
            stream.set_nodelay(true).unwrap();
            *accepting.stream.lock().await = Some(stream);
            accepting.connected.notify_waiters();
        }
    });
    while let Ok((stream, _)) = server.accept().await {
        stream.set_nodelay(true).unwrap();
        let control = control.clone();
        tokio::spawn(async move {
            // A connection that breaks is a client that has seen enough.
            let _ = serve(BufStream::new(stream), control).await;
        });
    }
}

async fn serve(mut stream: BufStream<TcpStream>, control: Control) -> std::io::Result<()> {
    loop {
        let body = request(&mut stream).await?;
        let model = body
            .split("\"model\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let model = model.unwrap_or_default();
        if let Some(n) = model.strip_prefix("paced-") {
            let n = n.parse().unwrap_or(0);
            control.with(async |pace| chunks(&mut stream, pace, n).await).await?;
        } else if model == "held" {
            control.with(async |arrived| arrived.write_all(b".").await).await?;
            std::future::pending::<()>().await;
        } else {
            let body = format!(
                r#"{{"id":"chatcmpl-0123456789ABCDEFGHIJKLMN","object":"chat.completion","created":1774000000,"model":"gpt-5.4-mini-2026-03-05","choices":[{{"index":0,"message":{{"role":"assistant","content":"{TEXT}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":72,"completion_tokens":98,"total_tokens":170,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}},"service_tier":"default","system_fingerprint":"fp_0123456789"}}"#
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{HEADERS}\r\n",
                body.len()
            );
            stream.write_all((head + &body).as_bytes()).await?;
            stream.flush().await?;
        }
    }
}

/// The body of the next request; every client here sends a length.
async fn request(stream: &mut BufStream<TcpStream>) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head
        .split("content-length:")
        .nth(1)
        .and_then(|rest| rest.split("\r\n").next());
    let length = length.and_then(|length| length.trim().parse().ok());
    let mut body = vec![0; length.expect("a content-length")];
    stream.read_exact(&mut body).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

async fn chunks(stream: &mut BufStream<TcpStream>, pace: &mut TcpStream, n: usize) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n{HEADERS}\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let event = |choices: &str, usage: &str| {
        format!(
            r#"data: {{"id":"chatcmpl-0123456789ABCDEFGHIJKLMN","object":"chat.completion.chunk","created":1774000000,"model":"gpt-5.4-mini-2026-03-05","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{choices}],"usage":{usage}}}"#
        ) + "\n\n"
    };
    let choice = |delta: &str, finish: &str| {
        event(
            &format!(r#"{{"index":0,"delta":{{{delta}}},"logprobs":null,"finish_reason":{finish}}}"#),
            "null",
        )
    };
    send(
        stream,
        &choice(r#""role":"assistant","content":"","refusal":null"#, "null"),
    )
    .await?;
    for _ in 0..n {
        send(stream, &choice(r#""content":" offset""#, "null")).await?;
        pace.read_u8().await?;
    }
    let usage = r#"{"prompt_tokens":72,"completion_tokens":98,"total_tokens":170}"#;
    let end = choice("", "\"stop\"") + &event("", usage) + "data: [DONE]\n\n";
    send(stream, &end).await?;
    stream.write_all(b"0\r\n\r\n").await?;
    stream.flush().await
}

async fn send(stream: &mut BufStream<TcpStream>, data: &str) -> std::io::Result<()> {
    stream
        .write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes())
        .await?;
    stream.flush().await
}
