//! The built-in sample site: one topic per time zone of the public-domain tz database.

/// Topics with their facts.
pub(crate) const TOPICS: &str = include_str!("../sample/topics.csv");
