//! The import of the fake: a file is announced, put at an address with a right of its own, ingested, and asked after.
//! <https://developers.cloudflare.com/api/resources/d1/subresources/database/methods/import/>

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use serde_json::{Value, json};
use wiremock::{Request, ResponseTemplate};

use super::fake::{State, refusal};

const BOOKMARK: &str = "00000085-0000001c-00004dda-0123456789abcdef0123456789abcdef";
const SIGNATURE: &str = "X-Amz-Signature=s3cret";

#[derive(Default)]
pub(crate) struct Files {
    stored: BTreeMap<String, Vec<u8>>,
    /// Polls left before the end of the import is told, and the end.
    running: Option<(u32, Value)>,
    /// The next upload is stored with other bytes.
    pub(crate) garble: bool,
    /// The next upload is refused, as R2 refuses when it is busy.
    pub(crate) busy: bool,
    /// The next file is to be put at this address.
    pub(crate) elsewhere: Option<&'static str>,
    /// The next file is taken no further than this many statements.
    pub(crate) stop_after: Option<usize>,
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wrapped(result: Value) -> Value {
    json!({ "success": true, "errors": [], "messages": [], "result": result })
}

impl State {
    /// As R2 takes a presigned PUT: by the signature in the address, and by no other right beside it.
    pub(super) fn upload(&self, name: &str, request: &Request) -> ResponseTemplate {
        let signed = request.url.query() == Some(SIGNATURE);
        if request.method.as_str() != "PUT" || !signed || request.headers.contains_key("authorization") {
            return ResponseTemplate::new(400).set_body_string("<Error><Code>InvalidArgument</Code></Error>");
        }
        let mut files = self.files.lock().unwrap();
        if std::mem::take(&mut files.busy) {
            return ResponseTemplate::new(503).set_body_string("<Error><Code>ServiceUnavailable</Code></Error>");
        }
        let mut bytes = request.body.clone();
        if std::mem::take(&mut files.garble) {
            bytes.truncate(bytes.len() / 2);
        }
        let etag = format!("\"{}\"", md5(&bytes));
        files.stored.insert(name.to_owned(), bytes);
        ResponseTemplate::new(200).insert_header("etag", etag)
    }

    pub(super) fn import(&self, body: &[u8], host: &str) -> (u16, Value) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut files = self.files.lock().unwrap();
        match text("action") {
            "init" => {
                let name = format!("{}.sql", text("etag"));
                // There already, and whole.
                if files.stored.get(&name).is_some_and(|file| md5(file) == text("etag")) {
                    return self.begin(&mut files, &name);
                }
                let address = match files.elsewhere.take() {
                    Some(address) => address.to_owned(),
                    None => format!("http://{host}/upload/{name}?{SIGNATURE}"),
                };
                (
                    200,
                    wrapped(json!({ "success": true, "type": "import", "filename": name, "upload_url": address })),
                )
            }
            "ingest" => match files.stored.get(text("filename")) {
                Some(file) if md5(file) == text("etag") => self.begin(&mut files, text("filename")),
                _ => (400, refusal(7500, "The uploaded file does not match the etag")),
            },
            "poll" if text("current_bookmark") == BOOKMARK => match files.running.take() {
                Some((0, end)) => (200, wrapped(end)),
                Some((left, end)) => {
                    files.running = Some((left - 1, end));
                    (202, active())
                }
                None => (400, refusal(7500, "Not currently importing anything.")),
            },
            _ => (400, refusal(7400, "The request is malformed")),
        }
    }

    fn begin(&self, files: &mut Files, name: &str) -> (u16, Value) {
        let sql = String::from_utf8(files.stored[name].clone()).unwrap();
        let connection = self.connection.lock().unwrap();
        let mut done = 0;
        let mut end = None;
        for statement in statements(&sql) {
            if files.stop_after == Some(done) {
                files.stop_after = None;
                end = Some("D1 DB reset because its code was updated.".to_owned());
                break;
            }
            let ran = if statement.len() > 100_000 {
                Err("statement too long: SQLITE_TOOBIG".to_owned())
            } else {
                connection
                    .execute_batch(statement)
                    .map_err(|error| format!("{error}: SQLITE_ERROR"))
            };
            if let Err(words) = ran {
                end = Some(words);
                break;
            }
            done += 1;
        }
        let end = match end {
            Some(error) => {
                json!({ "success": false, "type": "import", "status": "error", "error": error, "messages": [] })
            }
            None => json!({
                "success": true, "type": "import", "status": "complete", "at_bookmark": BOOKMARK, "messages": [],
                "result": { "final_bookmark": BOOKMARK, "num_queries": done, "meta": {} },
            }),
        };
        files.running = Some((1, end));
        (200, active())
    }
}

fn active() -> Value {
    wrapped(json!({
        "success": true, "type": "import", "status": "active", "at_bookmark": BOOKMARK, "messages": ["Processed 10 queries."],
    }))
}

/// Statements end at a semicolon outside of a literal.
fn statements(sql: &str) -> Vec<&str> {
    let (mut found, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, byte) in sql.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b';' if !quoted => {
                found.push(sql[start..=at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}
