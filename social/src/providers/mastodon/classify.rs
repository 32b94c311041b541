//! Turns refusals into conditions.

use std::time::Duration;

use super::Mastodon;
use crate::{
    Error,
    http::{Answer, Call, text},
};

/// What a server says while it processes an upload; users are told to wait a moment.
const PROCESSING: &str = "have not finished processing";

impl Mastodon {
    /// A status other than success arrived.
    pub(super) fn refused(&self, answer: &Answer, call: Call) -> Error {
        let complaint = answer.json();
        let (mut said, description) = (text(&complaint, "error"), text(&complaint, "error_description"));
        if !said.is_empty() && !description.is_empty() {
            said = [said, description].join(": ");
        }
        let message = self.caller.message_of(answer, said);
        let report = self.caller.report(answer, &message);
        match answer.status {
            403 if closed(&message) => Error::PauseAccount { report },
            422 if message.contains(PROCESSING) => Error::MediaNotReady {
                report,
                retry_after: answer
                    .not_before(self.caller.clock.now_ms())
                    .or(Some(Duration::from_secs(10))),
            },
            422 if call == Call::Publish && message.contains("already attached") => Error::duplicate(report),
            _ => match self.caller.standard(answer, call, &message) {
                Error::Rejected { report, field: None } => Error::Rejected {
                    field: field(&message),
                    report,
                },
                error => error,
            },
        }
    }
}

fn closed(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["disabled", "suspended", "pending approval", "moved"]
        .iter()
        .any(|word| message.contains(word))
}

/// The part of the post a validation complains of.
fn field(message: &str) -> Option<String> {
    let message = message.to_ascii_lowercase();
    let fields = [
        ("character limit", "text"),
        ("text", "text"),
        ("media", "media"),
        ("language", "language"),
    ];
    let found = fields.iter().find(|(word, _)| message.contains(word))?;
    Some(found.1.to_owned())
}
