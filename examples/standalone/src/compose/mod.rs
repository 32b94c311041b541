//! Chooses the providers that the settings name.

mod model;
mod networks;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use presswork_ai_adapter::{Card, LanguageModel};
use presswork_content_store::{ContentStore, FullStore, PostgresStore, SqliteStore};
use presswork_queue::{Consumer, DeadLetters, Inspect, PostgresQueue, Queue, RedisQueue, SqliteQueue};

use presswork_pipeline::Poster;
use presswork_social::SocialTarget;

use crate::exit::BadSettings;
use crate::place::Place;
use crate::settings::Settings;

pub(crate) use model::model;
pub(crate) use targets::{check, targets};

/// Every side of one queue.
pub(crate) trait WholeQueue: Queue + Consumer + DeadLetters + Inspect {}
impl<T: Queue + Consumer + DeadLetters + Inspect> WholeQueue for T {}

/// Opens the content store. With `alone`, leases of a process that died are given back at once: the lock on the data
/// folder says that nobody else holds any. On a server others may hold some, so there they end by time.
///
/// # Errors
/// What the store says.
pub(crate) async fn store(settings: &Settings, alone: bool) -> anyhow::Result<Arc<dyn ContentStore>> {
    Ok(full_store(settings, alone).await?)
}

/// As [`store`], for a person's changes.
///
/// # Errors
/// As [`store`].
pub(crate) async fn full_store(settings: &Settings, alone: bool) -> anyhow::Result<Arc<dyn FullStore>> {
    match &settings.store {
        Place::Sqlite(file) => {
            let store = SqliteStore::open(file)?;
            if alone {
                store.release_leases().await?;
            }
            Ok(Arc::new(store))
        }
        Place::Postgres(url) => Ok(Arc::new(PostgresStore::connect(url.expose()).await?)),
        Place::Redis(_) => Err(BadSettings("a Redis server cannot be the store".into()).into()),
    }
}

/// Opens the queue; `alone` as for [`store`]. On a server, which several sites may share, it bears the site's id.
///
/// # Errors
/// What the queue says.
pub(crate) async fn queue(settings: &Settings, alone: bool) -> anyhow::Result<Arc<dyn WholeQueue>> {
    let poster = &settings.pipeline.poster;
    let (attempts, lease) = (poster.max_attempts, Duration::from_secs(poster.lease_seconds.into()));
    let name = format!("posts-{}", settings.pipeline.site.id);
    match &settings.queue {
        Place::Sqlite(file) => {
            let queue = SqliteQueue::builder(file).name("posts");
            let queue = queue.max_attempts(attempts).lease(lease).build()?;
            if alone {
                queue.release_leases().await?;
            }
            Ok(Arc::new(queue))
        }
        Place::Postgres(url) => {
            let queue = PostgresQueue::connect(url.expose()).name(name);
            Ok(Arc::new(queue.max_attempts(attempts).lease(lease).build().await?))
        }
        Place::Redis(url) => {
            let queue = RedisQueue::connect(url.expose()).name(name);
            Ok(Arc::new(queue.max_attempts(attempts).lease(lease).build().await?))
        }
    }
}

/// What draws the pictures of pages, when the settings want them.
pub(crate) fn cards(settings: &Settings) -> Option<Card> {
    let site = &settings.pipeline.site;
    (site.cards == Some(true)).then(|| Card::new(&site.name))
}

/// A poster to `targets`, with pictures when the settings want them.
pub(crate) fn poster(
    settings: &Settings,
    store: Arc<dyn ContentStore>,
    model: Arc<dyn LanguageModel>,
    targets: Vec<Arc<dyn SocialTarget>>,
) -> Poster {
    let poster = Poster::new(Arc::new(settings.pipeline.clone()), store, model, targets);
    match cards(settings) {
        Some(cards) => poster.cards(Arc::new(cards)),
        None => poster,
    }
}

fn secret(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn bad(field: &str, value: &str, expected: &str) -> anyhow::Error {
    BadSettings(format!("{field} is {value:?}, expected {expected}")).into()
}
