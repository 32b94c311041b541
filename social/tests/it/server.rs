//! A loopback HTTP/1.1 server. It answers one request per connection and does not say so, as some servers of the Fediverse do;
//! others close what was idle for as long as they like. Whatever is sent on such a connection has no answer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A part of a multipart body.
    pub(crate) fn part(&self, name: &str) -> Option<Vec<u8>> {
        let boundary = self
            .header("content-type")?
            .strip_prefix("multipart/form-data; boundary=")?;
        let start = find(&self.body, format!("name=\"{name}\"").as_bytes())?;
        let rest = &self.body[start..];
        let rest = &rest[find(rest, b"\r\n\r\n")? + 4..];
        Some(rest[..find(rest, format!("\r\n--{boundary}").as_bytes())?].to_vec())
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        let body = std::str::from_utf8(&self.body).unwrap();
        let fields = body.split('&').filter_map(|pair| pair.split_once('='));
        fields.map(|(key, value)| (key.to_owned(), decoded(value))).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// `%XX` as its byte and `+` as a space.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// What the server does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// Half of an answer's body, then the end of the connection.
    CutOff { status: u16, body: Vec<u8> },
    /// The connection breaks without an answer.
    Reset,
    /// The connection stays open without an answer.
    Silence,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::Answer {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": message }))
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    /// The same answer with `leak` in every field and header of this name.
    pub(crate) fn with_in(mut self, field: &str, leak: &str) -> Self {
        let Self::Answer { headers, body, .. } = &mut self else {
            return self;
        };
        for (_, value) in headers.iter_mut().filter(|(name, _)| *name == field) {
            value.push_str(leak);
        }
        if let Ok(mut json) = serde_json::from_slice(body) {
            leak_into(&mut json, field, leak);
            *body = json.to_string().into_bytes();
        }
        self
    }
}

fn leak_into(json: &mut serde_json::Value, field: &str, leak: &str) {
    if let Some(fields) = json.as_object_mut() {
        for (name, value) in fields {
            match value {
                serde_json::Value::String(text) if name == field => *text = format!("{text} {leak}"),
                value => leak_into(value, field, leak),
            }
        }
    } else if let Some(items) = json.as_array_mut() {
        items.iter_mut().for_each(|item| leak_into(item, field, leak));
    }
}

pub(crate) type Answerer = Arc<dyn Fn(Request) -> Reply + Send + Sync>;

/// Binds `address` and answers until the handle is aborted.
pub(crate) async fn serve(address: SocketAddr, answer: Answerer) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            tokio::spawn(connection(stream, answer.clone()));
        }
    });
    (address, task)
}

async fn connection(mut stream: TcpStream, answer: Answerer) {
    let Some(request) = read(&mut stream).await else {
        return;
    };
    let (status, headers, body, length) = match answer(request) {
        Reply::Answer { status, headers, body } => {
            let length = body.len();
            (status, headers, body, length)
        }
        Reply::CutOff { status, body } => {
            let length = body.len();
            (status, Vec::new(), body[..length / 2].to_vec(), length)
        }
        Reply::Reset => {
            // Everything was read, so a plain close ends the connection in order and without an answer.
            return;
        }
        Reply::Silence => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return;
        }
    };
    let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&body).await;
    if body.len() == length {
        // Until the client has the answer and closes, or wants more.
        let _ = stream.read(&mut [0]).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = find(&bytes, b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(key, value)| (key.to_owned(), decoded(value))).collect();
    let path = path.to_owned();
    let mut request = Request {
        method,
        path,
        query,
        headers,
        body: bytes[head_end + 4..].to_vec(),
    };
    let chunked = request.header("transfer-encoding").is_some();
    assert!(!chunked, "bodies are sent with their length");
    let length = request
        .header("content-length")
        .map_or(0, |value| value.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
