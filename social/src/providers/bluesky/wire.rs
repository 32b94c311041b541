use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What creating, renewing and looking at a session have in common.
#[derive(Deserialize)]
pub(super) struct Session {
    pub(super) did: String,
    #[serde(default)]
    pub(super) handle: String,
    #[serde(default, rename = "accessJwt")]
    pub(super) access: String,
    #[serde(default, rename = "refreshJwt")]
    pub(super) refresh: String,
    #[serde(default, rename = "didDoc")]
    pub(super) did_doc: Option<DidDoc>,
}

/// What is read of a [DID document](https://atproto.com/specs/did#did-documents).
#[derive(Deserialize)]
pub(super) struct DidDoc {
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    id: String,
    #[serde(default, rename = "serviceEndpoint")]
    endpoint: Value,
}

impl DidDoc {
    /// The server that holds the account's repository.
    pub(super) fn pds(&self) -> Option<&str> {
        let pds = self
            .service
            .iter()
            .find(|service| service.id.ends_with("#atproto_pds"))?;
        pds.endpoint.as_str()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Uploaded {
    pub(super) blob: Value,
}

/// What is read of `com.atproto.repo.getRecord`.
#[derive(Debug, Deserialize)]
pub(super) struct Record {
    pub(super) uri: String,
    #[serde(default)]
    pub(super) cid: Option<String>,
    #[serde(default)]
    pub(super) value: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Resolved {
    pub(super) did: String,
}

/// The body of a write's success.
#[derive(Debug, Deserialize)]
pub(super) struct Put {
    pub(super) uri: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Applied {
    pub(super) results: Vec<Put>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) error: String,
    pub(super) message: String,
}

/// A reference to one version of a record.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StrongRef {
    pub(super) uri: String,
    pub(super) cid: String,
}
