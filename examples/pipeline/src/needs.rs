//! Settings that must be there, asked for one by one and reported all at once.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::config::Config;

/// Collects what a program needs, and everything that is wrong with it, so that one line names it all.
///
/// ```
/// use presswork_pipeline::needs::Needs;
///
/// let mut need = Needs::default();
/// let vars = |name: &str| (name == "MASTODON_URL").then(|| "https://mastodon.example".to_owned());
/// let url = need.found("the var MASTODON_URL", vars("MASTODON_URL"));
/// let token = need.found("the secret MASTODON_ACCESS_TOKEN", None::<String>);
/// let ready = need.whole(url.zip(token));
/// assert_eq!(ready.unwrap_err(), "missing: the secret MASTODON_ACCESS_TOKEN");
/// ```
#[derive(Debug, Default)]
pub struct Needs {
    missing: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Needs {
    /// The thing, or a note that it is missing. `what` says what it is and how it is called.
    pub fn found<T>(&mut self, what: &str, thing: Option<T>) -> Option<T> {
        if thing.is_none() {
            self.missing.insert(what.to_owned());
        }
        thing
    }

    /// What was made of the settings, or a note why it could not be.
    pub fn made<T, E: Display>(&mut self, made: Result<T, E>) -> Option<T> {
        made.map_err(|error| self.wrong.push(error.to_string())).ok()
    }

    /// Notes a setting that is there and that nothing reads.
    pub fn unused(&mut self, name: &str, value: Option<&str>, why: &str) {
        if value.is_some() {
            self.wrong.push(format!("{name} has no effect here: {why}"));
        }
    }

    /// The pipeline's settings under the names of [`KEYS`](crate::config::KEYS).
    pub fn config(&mut self, lookup: impl Fn(&str) -> Option<String>) -> Option<Config> {
        self.made(Config::from_lookup(lookup))
    }

    /// The whole, or one line with everything that is missing or wrong.
    ///
    /// # Errors
    /// That line.
    pub fn whole<T>(&self, whole: Option<T>) -> Result<T, String> {
        match whole {
            Some(whole) if self.missing.is_empty() && self.wrong.is_empty() => Ok(whole),
            _ => Err(self.sentence()),
        }
    }

    /// One line with everything that is missing or wrong.
    #[must_use]
    pub fn sentence(&self) -> String {
        let missing: Vec<&str> = self.missing.iter().map(String::as_str).collect();
        let missing = (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")));
        let parts: Vec<&str> = missing.iter().chain(&self.wrong).map(String::as_str).collect();
        parts.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_in_one_line() {
        let mut need = Needs::default();
        assert_eq!(need.found("the var B", Some(1)), Some(1));
        assert_eq!(need.found::<u8>("the var C", None), None);
        assert_eq!(need.found::<u8>("the var A", None), None);
        assert_eq!(need.found::<u8>("the var C", None), None);
        let config = need.config(|name| (name == "PAGES_PER_RUN").then(|| "many".to_owned()));
        assert!(config.is_none());
        need.unused("X", None, "nothing reads it");
        assert_eq!(
            need.sentence(),
            "missing: the var A, the var C; PAGES_PER_RUN is \"many\", expected a whole number"
        );
    }

    #[test]
    fn a_setting_that_nothing_reads_is_wrong_though_nothing_is_missing() {
        let mut need = Needs::default();
        assert_eq!(need.whole(Some(1)), Ok(1));
        need.unused("POSTER_CONCURRENCY", Some("4"), "nothing runs at once");
        let why = "POSTER_CONCURRENCY has no effect here: nothing runs at once";
        assert_eq!(need.whole(Some(1)), Err(why.to_owned()));
    }
}
