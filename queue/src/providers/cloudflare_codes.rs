//! The numbers of Cloudflare Queues' errors. <https://developers.cloudflare.com/queues/reference/error-codes/>

use std::time::Duration;

use crate::Error;

/// The error of a refusal with this number; `None` where the number does not say that nothing happened.
pub(super) fn refusal(provider: &'static str, code: u32, message: String) -> Option<Error> {
    let source = None;
    Some(match code {
        // No such queue, not enabled, no permission, malformed id, disabled.
        10_104..=10_107 | 10_252 => Error::Config { provider, message },
        // Delay, metadata, sizes, JSON.
        10_202..=10_208 => Error::InvalidMessage { provider, message },
        // Overloaded.
        10_250 => Error::Unavailable {
            provider,
            message,
            retry_after: Some(Duration::from_secs(1)),
            source,
        },
        10_251 => Error::Full {
            provider,
            message,
            source,
        },
        // The free plan's operations of the day are used up.
        10_253 => Error::Storage {
            provider,
            message,
            source,
        },
        // Connections lost, internal errors (15000), everything it may say tomorrow.
        _ => return None,
    })
}
