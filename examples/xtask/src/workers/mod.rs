//! The two Workers: built for wasm32, and run on workerd.

mod build;
mod dev;
mod e2e;
mod each;
mod figures;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

pub(crate) use build::build;
pub(crate) use dev::dev;
pub(crate) use e2e::e2e;
pub(crate) use each::each;

/// A package that becomes a Worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worker {
    pub(crate) package: &'static str,
    /// Below `examples`.
    folder: &'static str,
    /// The networks it knows without more words; `None` when it posts to none.
    targets: Option<&'static str>,
}

/// The model that both know without more words.
const MODEL: &str = "openai";

impl Worker {
    const fn new(package: &'static str, folder: &'static str, targets: Option<&'static str>) -> Self {
        Self {
            package,
            folder,
            targets,
        }
    }

    /// Its features for cargo.
    fn features(self, model: Option<&str>, targets: Option<&str>) -> Result<String> {
        let model = model.unwrap_or(MODEL);
        match (self.targets, targets) {
            (Some(without), targets) => Ok(format!("{model},{}", targets.unwrap_or(without))),
            (None, None) => Ok(model.to_owned()),
            (None, Some(_)) => bail!(
                "{} posts to no network; `--targets` goes with social-poster",
                self.package
            ),
        }
    }

    /// Where it is built to.
    fn build_folder(self, root: &Path) -> PathBuf {
        root.join("examples").join(self.folder).join("build")
    }
}

/// The Workers that are deployed.
pub(crate) const WORKERS: &[Worker] = &[
    Worker::new("pseo-generator", "pseo-generator", None),
    Worker::new("social-poster", "social-poster", Some("mastodon")),
];

/// The Worker that runs the conformance suites.
const SUITES: Worker = Worker::new("presswork-suites", "e2e/suites", None);

/// The poster with the networks that the suite plays besides Mastodon.
const NETWORKS: Worker = Worker::new("social-poster", "e2e/networks", Some("bluesky,x"));
