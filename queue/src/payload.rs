//! Typed payloads that may change: [`Payload`].

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Delivery, Error, Message, Result};

/// A payload with a name and a version, so that a program still reads what older ones sent.
///
/// ```
/// use presswork_queue::{Message, Payload};
/// use serde_json::Value;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct PageReady {
///     page: u64,
///     site: String,
/// }
///
/// impl Payload for PageReady {
///     const KIND: &'static str = "page-ready";
///     const VERSION: u32 = 2;
///
///     fn upcast(version: u32, mut payload: Value) -> Result<Value, String> {
///         if version == 1 {
///             payload["site"] = "main".into(); // there was only one
///         }
///         Ok(payload)
///     }
/// }
///
/// let message = Message::payload(&PageReady { page: 7, site: "main".to_owned() })?;
/// # Ok::<(), presswork_queue::Error>(())
/// ```
pub trait Payload: Serialize + DeserializeOwned {
    /// What tells this payload from others on the same queue.
    const KIND: &'static str;
    /// The version that this program writes; counts up with every change that older programs cannot read.
    const VERSION: u32;

    /// Makes version `version + 1` of what version `version` wrote. Called once for each step up to
    /// [`VERSION`](Self::VERSION).
    ///
    /// # Errors
    /// A sentence for [`Error::Undecodable`], without the content. Unless overridden, no older version is read.
    fn upcast(version: u32, payload: Value) -> Result<Value, String> {
        let _ = payload;
        Err(format!("version {version} is no longer read"))
    }
}

/// The header that holds [`Payload::KIND`].
const KIND: &str = "presswork-kind";
/// The header that holds [`Payload::VERSION`].
const VERSION: &str = "presswork-version";

impl Message {
    /// A message of `payload` as JSON, under its name and version; read back with
    /// [`Delivery::payload`](crate::Delivery::payload).
    ///
    /// # Errors
    /// As [`Message::json`].
    pub fn payload<T: Payload>(payload: &T) -> Result<Self> {
        let message = Self::json(payload)?;
        Ok(message.header(KIND, T::KIND).header(VERSION, T::VERSION.to_string()))
    }
}

impl Delivery {
    /// The name of the payload, if it was sent with one.
    pub fn kind(&self) -> Option<&str> {
        self.headers().get(KIND).map(String::as_str)
    }

    /// The payload, brought up to this program's version.
    ///
    /// # Errors
    /// [`Error::Undecodable`] when it has another name or none, a version newer than this program's, or one that
    /// [`Payload::upcast`] does not read.
    pub fn payload<T: Payload>(&self) -> Result<T> {
        let wrong = |message: String| Error::Undecodable {
            id: self.id().clone(),
            message,
        };
        if let Some(error) = self.undecodable() {
            return Err(error);
        }
        if self.kind() != Some(T::KIND) {
            return Err(wrong(format!("the payload is not a {}", T::KIND)));
        }
        let version = self.headers().get(VERSION).and_then(|version| version.parse().ok());
        let version: u32 = version.ok_or_else(|| wrong("the payload has no version".to_owned()))?;
        if version > T::VERSION {
            let newest = T::VERSION;
            return Err(wrong(format!(
                "version {version} is newer than this program, which reads {newest}"
            )));
        }
        if version == T::VERSION {
            return self.json();
        }
        let mut payload: Value = self.json()?;
        for step in version..T::VERSION {
            payload = T::upcast(step, payload).map_err(wrong)?;
        }
        serde_json::from_value(payload).map_err(|_| {
            wrong(format!(
                "version {version} does not read as version {} after its upcast",
                T::VERSION
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{Lease, envelope};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Page {
        id: u64,
        site: String,
        tags: Vec<String>,
    }

    impl Payload for Page {
        const KIND: &'static str = "page";
        const VERSION: u32 = 3;

        fn upcast(version: u32, mut payload: Value) -> Result<Value, String> {
            match version {
                0 => return Err("version 0 was a draft".to_owned()),
                1 => payload["site"] = "main".into(),
                _ => payload["tags"] = Value::Array(Vec::new()),
            }
            Ok(payload)
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Other;

    impl Payload for Other {
        const KIND: &'static str = "other";
        const VERSION: u32 = 2;
    }

    fn delivered(message: &Message) -> Delivery {
        let text = envelope::encode(message, 0);
        Delivery::from_envelope(Lease::new("1".into(), "1"), None, 0, text.as_bytes())
    }

    fn of(version: &str, body: &str) -> Delivery {
        delivered(&Message::new(body).header(KIND, "page").header(VERSION, version))
    }

    #[test]
    fn older_versions_are_brought_up_step_by_step() {
        let page = Page {
            id: 7,
            site: "main".to_owned(),
            tags: Vec::new(),
        };
        let now = delivered(&Message::payload(&page).unwrap());
        assert_eq!((now.kind(), now.payload::<Page>().unwrap()), (Some("page"), page));
        for (version, body) in [("1", r#"{"id":7}"#), ("2", r#"{"id":7,"site":"main"}"#)] {
            assert_eq!(of(version, body).payload::<Page>().unwrap().tags, Vec::<String>::new());
        }
    }

    #[test]
    fn what_cannot_be_read_says_why_without_the_content() {
        for (version, body, why) in [
            ("4", "{}", "version 4 is newer"),
            ("0", "{}", "was a draft"),
            ("x", "{}", "no version"),
            ("3", "s3cret", "line 1"),
            ("1", r#"{"id":"s3cret"}"#, "after its upcast"),
        ] {
            let error = of(version, body).payload::<Page>().unwrap_err().to_string();
            assert!(error.contains(why) && !error.contains("s3cret"), "{error}");
        }
        let other = delivered(&Message::payload(&Other).unwrap());
        assert!(other.payload::<Page>().unwrap_err().to_string().contains("not a page"));
        let old = delivered(
            &Message::json(&Other)
                .unwrap()
                .header(KIND, "other")
                .header(VERSION, "1"),
        );
        assert!(
            old.payload::<Other>()
                .unwrap_err()
                .to_string()
                .contains("no longer read")
        );
    }
}
