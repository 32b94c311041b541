//! `presswork.toml`, the environment and the flags, in that order.

use std::path::{Path, PathBuf};

use anyhow::Context;
use presswork_pipeline::Config;
use presswork_pipeline::config::{GateConfig, GeneratorConfig, ModelConfig, PosterConfig, SiteConfig, TargetConfig};
use serde::Deserialize;

use crate::cli::Common;
use crate::environment;
use crate::exit::BadSettings;
use crate::place::{Kind, Place};

/// Everything the program was told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What the pipeline needs.
    pub(crate) pipeline: Config,
    /// Folder for everything the program writes.
    pub(crate) data: PathBuf,
    /// Where the content store is.
    pub(crate) store: Place,
    /// Where the queue is.
    pub(crate) queue: Place,
    /// The topics file; `None` means the built-in sample.
    pub(crate) topics: Option<PathBuf>,
    /// Templates of the offline writer; `None` means the built-in sample's.
    pub(crate) templates: Option<PathBuf>,
    /// The schedule and the local site.
    pub(crate) serve: ServeConfig,
    /// Whether neither a site nor topics are set and the built-in sample is used.
    pub(crate) sample: bool,
}

/// The `[serve]` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServeConfig {
    /// Cron expression of the generator, five fields.
    pub(crate) schedule: String,
    /// IANA time zone of the schedule.
    pub(crate) time_zone: String,
    /// Address of the local site.
    pub(crate) listen: std::net::SocketAddr,
    /// Seconds to finish what is under way after Ctrl-C.
    pub(crate) drain_seconds: u64,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            schedule: "0 6 * * *".into(),
            time_zone: "UTC".into(),
            listen: std::net::SocketAddr::from(([127, 0, 0, 1], 8080)),
            drain_seconds: 30,
        }
    }
}

/// The file, field by field, so that an unknown one is refused with its line.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    store: Option<String>,
    queue: Option<String>,
    topics: Option<PathBuf>,
    templates: Option<PathBuf>,
    site: Option<SiteConfig>,
    generator: GeneratorConfig,
    gates: GateConfig,
    poster: PosterConfig,
    model: ModelConfig,
    #[serde(rename = "target")]
    targets: Vec<TargetConfig>,
    serve: ServeConfig,
}

impl Settings {
    /// Reads the file, then the environment, then the flags. Paths of the file are relative to its folder, paths of the
    /// environment and of flags to the current one.
    ///
    /// # Errors
    /// [`BadSettings`] with file, line and field, or with the variable.
    pub(crate) fn load(common: &Common) -> anyhow::Result<Self> {
        environment::known()?;
        let path = common.config.clone().unwrap_or_else(|| PathBuf::from("presswork.toml"));
        let (file, folder, found) = match std::fs::read_to_string(&path) {
            Ok(text) => (parse(&path, &text)?, path.parent().unwrap_or(Path::new("")), true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && common.config.is_none() => {
                (File::default(), Path::new(""), false)
            }
            Err(error) => return Err(BadSettings(format!("{}: {error}", path.display())).into()),
        };
        // A file that describes another site must name its topics; only the sample site brings its own.
        let sample = file.site.is_none() && file.topics.is_none();
        let data = match (&common.data, file.data) {
            (Some(data), _) => data.clone(),
            (None, Some(data)) if data.as_os_str().is_empty() => {
                return Err(BadSettings(format!("{}: data is empty, expected a folder", path.display())).into());
            }
            (None, data) => folder.join(data.unwrap_or_else(|| "presswork-data".into())),
        };
        let place = |kind: Kind, field: &str, variable: &str, file: Option<String>, default: &str| {
            let env = std::env::var(variable).ok().filter(|value| !value.is_empty());
            match (env, file) {
                (Some(url), _) => Place::parse(kind, variable, &url, Path::new("")),
                (None, Some(url)) => Place::parse(kind, field, &url, folder)?.no_password(field, variable),
                (None, None) => Ok(Place::Sqlite(data.join(default))),
            }
        };
        let store = place(Kind::Store, "store", "PRESSWORK_STORE", file.store, "content.db")?;
        let queue = place(Kind::Queue, "queue", "PRESSWORK_QUEUE", file.queue, "queue.db")?;
        let mut targets = file.targets;
        for target in &mut targets {
            target.path = target.path.take().map(|path| folder.join(path).display().to_string());
        }
        let mut site = file.site.unwrap_or_default();
        site.cards.get_or_insert(true);
        let pipeline = Config {
            site,
            generator: file.generator,
            gates: file.gates,
            poster: file.poster,
            model: file.model,
            targets,
        };
        Ok(Self {
            pipeline: environment::overlay(pipeline, found.then_some(path.as_path()))?,
            store,
            queue,
            topics: file.topics.map(|topics| folder.join(topics)),
            templates: file.templates.map(|templates| folder.join(templates)),
            serve: file.serve,
            sample,
            data,
        })
    }

    /// Makes the data folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn make_data_folder(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("cannot make the data folder {}", self.data.display()))
    }

    /// For commands that only look at what is there, in files of this machine.
    ///
    /// # Errors
    /// [`BadSettings`] when there is no data folder, unless store and queue are on servers.
    pub(crate) fn need_data_folder(&self) -> anyhow::Result<()> {
        if self.data.is_dir() || (self.store.file().is_none() && self.queue.file().is_none()) {
            return Ok(());
        }
        let message = format!(
            "there is no data folder {}; `presswork` makes it, --data names another",
            self.data.display()
        );
        Err(BadSettings(message).into())
    }
}

fn parse(path: &Path, text: &str) -> anyhow::Result<File> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        BadSettings(format!("{}:{line}: {}", path.display(), error.message())).into()
    })
}
