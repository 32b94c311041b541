//! Cloudflare Queues by REST: the suite against a fake of the service, and what only this backend has.

mod behaviour;
mod conformance;
mod fake;
