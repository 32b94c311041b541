//! The trace a message belongs to: [`TraceContext`]. <https://www.w3.org/TR/trace-context/>

use crate::{Delivery, Message};

/// The header of the W3C recommendation that names trace and span.
const PARENT: &str = "traceparent";
/// Its header for what tracing systems add.
const STATE: &str = "tracestate";

/// Which trace and span a message was sent from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

impl TraceContext {
    /// Reads the value of a `traceparent` header: `00-` trace id `-` span id `-` flags. `None` when it is none.
    pub fn parse(parent: &str) -> Option<Self> {
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let mut parts = parent.splitn(5, '-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // A later version may add parts; the first has none.
        let more = parts.next().is_some();
        let valid = hex(version, 2) && version != "ff" && (version != "00" || !more);
        let valid = valid && hex(trace, 32) && !zero(trace) && hex(span, 16) && !zero(span) && hex(flags, 2);
        valid.then(|| Self {
            parent: parent.to_owned(),
            state: None,
        })
    }

    /// Adds the value of the `tracestate` header.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// The value of the `traceparent` header.
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// The value of the `tracestate` header.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The id of the trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.parent.get(3..35).unwrap_or_default()
    }

    /// The id of the span that sent the message: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        self.parent.get(36..52).unwrap_or_default()
    }
}

impl Message {
    /// Says which trace the message belongs to; it travels in the headers `traceparent` and `tracestate`.
    #[must_use]
    pub fn trace(mut self, trace: &TraceContext) -> Self {
        self = self.header(PARENT, trace.parent());
        match trace.state() {
            Some(state) => self.header(STATE, state),
            None => self,
        }
    }
}

impl Delivery {
    /// The trace the message belongs to, if it was sent with a valid one.
    pub fn trace(&self) -> Option<TraceContext> {
        let trace = TraceContext::parse(self.headers().get(PARENT)?)?;
        Some(match self.headers().get(STATE) {
            Some(state) => trace.with_state(state),
            None => trace,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_recommendation_calls_valid_is_read() {
        let trace = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(trace.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace.span_id(), "b7ad6b7169203331");
        assert!(TraceContext::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later").is_some());
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319🦀-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
