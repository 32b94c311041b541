//! `presswork import FILE`.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use presswork_content_store::ContentStore;
use presswork_pipeline::import::{self, Deleted, ImportReport};

use crate::cli::Common;
use crate::exit::Outcome;
use crate::settings::Settings;
use crate::{compose, output, progress, sample};

/// Plans the topics of `file`.
///
/// # Errors
/// With file, line and column when the file cannot be used.
pub(crate) async fn run(common: &Common, file: &Path, deleted: bool) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    regular(file)?;
    settings.make_data_folder()?;
    let store = compose::store(&settings, false).await?;
    let deleted = if deleted { Deleted::PlanAgain } else { Deleted::Skip };
    let report = from_file(&settings, store.as_ref(), file, deleted).await?;
    if common.json {
        output::json(&report)?;
    } else {
        let mut said = format!(
            "{} topics planned, {} updated, {} there already",
            report.created, report.updated, report.existing
        );
        if report.deleted > 0 {
            said.push_str(&format!(
                ", {} left out because their pages were deleted; --deleted plans them again",
                report.deleted
            ));
        }
        output::text(&said)?;
    }
    Ok(Outcome::Done)
}

/// Plans the topics of a file, with a progress bar.
///
/// # Errors
/// As [`run`].
pub(crate) async fn from_file(
    settings: &Settings,
    store: &dyn ContentStore,
    file: &Path,
    deleted: Deleted,
) -> anyhow::Result<ImportReport> {
    regular(file)?;
    let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    let bar = progress::bytes("import", size * 2);
    let on_progress = |bytes| bar.set_position(bytes);
    let name = file.display().to_string();
    let (site, open) = (&settings.pipeline.site, || File::open(file));
    let report = import::import(store, site, &name, open, deleted, &on_progress).await;
    bar.finish_and_clear();
    Ok(report?)
}

/// Topics are read twice, first to check them: a folder, a pipe or a device cannot be. A missing file is named later.
fn regular(file: &Path) -> anyhow::Result<()> {
    if std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        anyhow::bail!("{} is not a regular file", file.display());
    }
    Ok(())
}

/// Plans the topics that the settings name: of their file, or of the built-in sample.
///
/// # Errors
/// As [`run`].
pub(crate) async fn from_settings(settings: &Settings, store: &dyn ContentStore) -> anyhow::Result<ImportReport> {
    match &settings.topics {
        Some(file) => from_file(settings, store, file, Deleted::Skip).await,
        None if settings.sample => {
            let open = || Ok(Cursor::new(sample::TOPICS));
            let site = &settings.pipeline.site;
            Ok(import::import(store, site, "sample topics", open, Deleted::Skip, &|_| {}).await?)
        }
        None => Ok(ImportReport::default()),
    }
}
