//! The two Workers: built for wasm32, and run on workerd.

mod build;
mod dev;
mod e2e;
mod figures;

use std::path::{Path, PathBuf};

pub(crate) use build::build;
pub(crate) use dev::dev;
pub(crate) use e2e::e2e;

/// A package that becomes a Worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worker {
    pub(crate) package: &'static str,
    /// Below `examples`.
    folder: &'static str,
}

impl Worker {
    const fn new(package: &'static str, folder: &'static str) -> Self {
        Self { package, folder }
    }

    /// Where it is built to.
    fn build_folder(self, root: &Path) -> PathBuf {
        root.join("examples").join(self.folder).join("build")
    }
}

/// The Workers that are deployed.
pub(crate) const WORKERS: &[Worker] = &[
    Worker::new("pseo-generator", "pseo-generator"),
    Worker::new("social-poster", "social-poster"),
];

/// The Worker that runs the conformance suites.
const SUITES: Worker = Worker::new("presswork-suites", "e2e/suites");
