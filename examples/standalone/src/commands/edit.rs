//! `presswork edit`, `rename` and `delete`: a person's changes to one page.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use presswork_content_store::{Edit, Field, FullStore, Op, Page, Redirect};
use presswork_pipeline::edits;
use serde_json::json;

use crate::cli::Common;
use crate::exit::{BadSettings, Outcome};
use crate::settings::Settings;
use crate::{compose, export, output};

/// What is changed; the rest stays.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("wish").required(true).multiple(true))]
pub(crate) struct Wish {
    /// The title.
    #[arg(long, group = "wish")]
    title: Option<String>,
    /// The description.
    #[arg(long, group = "wish")]
    description: Option<String>,
    /// A file with the whole body as HTML; it is sanitised.
    #[arg(long, value_name = "FILE", group = "wish")]
    body: Option<PathBuf>,
    /// A keyword, the most important first; all of them are replaced.
    #[arg(long = "keyword", value_name = "TEXT", group = "wish")]
    keywords: Vec<String>,
    /// An opening line for posts; all of them are replaced.
    #[arg(long = "hook", value_name = "TEXT", group = "wish")]
    hooks: Vec<String>,
    /// A field that a model may write again: title, description, keywords, body_html, hooks.
    #[arg(long, value_name = "FIELD", group = "wish")]
    unlock: Vec<String>,
    /// Why; kept with the page.
    #[arg(long)]
    reason: Option<String>,
}

impl Wish {
    fn edit(&self) -> anyhow::Result<Edit> {
        let body = self.body.as_ref().map(|file| {
            std::fs::read_to_string(file).map_err(|error| BadSettings(format!("{}: {error}", file.display())))
        });
        let field = |name: &String| {
            Field::parse(name).ok_or_else(|| {
                let known: Vec<_> = Field::ALL.into_iter().map(Field::as_str).collect();
                BadSettings(format!("--unlock is {name:?}, expected one of {}", known.join(", ")))
            })
        };
        let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
        Ok(Edit {
            title: self.title.clone(),
            description: self.description.clone(),
            keywords: some(&self.keywords),
            body_html: body.transpose()?,
            hooks: some(&self.hooks),
            unlock: self.unlock.iter().map(field).collect::<Result<_, _>>()?,
            reason: self.reason.clone(),
            ..Edit::default()
        })
    }
}

/// Changes a page. What a person wrote, no later draft writes over.
///
/// # Errors
/// When there is no such page, it was never drafted, or the whole does not pass the gates: nothing is changed then.
pub(crate) async fn edit(common: &Common, slug: &str, wish: &Wish) -> anyhow::Result<Outcome> {
    let edit = wish.edit()?;
    change(common, slug, edit, "edited").await
}

/// Moves a page to another address; the old one leads there.
///
/// # Errors
/// As [`edit`], and when the address is taken.
pub(crate) async fn rename(common: &Common, slug: &str, to: &str) -> anyhow::Result<Outcome> {
    let edit = Edit {
        slug: Some(to.to_owned()),
        ..Edit::default()
    };
    change(common, slug, edit, "renamed").await
}

async fn change(common: &Common, slug: &str, edit: Edit, done: &str) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let store = compose::full_store(&settings, false).await?;
    let page = find(&settings, store.as_ref(), slug).await?;
    let page = match edits::edit(store.as_ref(), &settings.pipeline, &page, edit).await? {
        Ok(page) => page,
        Err(report) => anyhow::bail!("{slug} is not changed: {}", report.summary()),
    };
    export::write(&settings, store.as_ref()).await?;
    if common.json {
        output::json(&json!({ done: page.slug, "version": page.version }))?;
    } else {
        output::text(&format!("{done}: {}", settings.pipeline.site.page_url(&page.slug)))?;
    }
    Ok(Outcome::Done)
}

/// Deletes a page for good; its address says that it is gone. Posts stay where they are.
///
/// # Errors
/// When there is no such page, or `yes` is not said: nothing is changed then.
pub(crate) async fn delete(common: &Common, slug: &str, yes: bool) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let store = compose::full_store(&settings, false).await?;
    let page = find(&settings, store.as_ref(), slug).await?;
    if !yes {
        let message = format!("{slug} would be deleted with all its versions, for good; say so with --yes");
        return Err(BadSettings(message).into());
    }
    store.delete(&Op::now(), &page.to_ref()).await?;
    export::write(&settings, store.as_ref()).await?;
    let site = &settings.pipeline.site;
    let marked = store.redirect(&site.id, &site.locale, slug).await? == Some(Redirect::Gone);
    if common.json {
        output::json(&json!({ "deleted": slug, "may_come_back": !marked }))?;
    } else if marked {
        output::text(&format!(
            "deleted: {slug}; imports leave its topic out, `presswork import FILE --deleted` plans it again"
        ))?;
    } else {
        output::text(&format!(
            "deleted: {slug}; it was never public, so the next import of its topic plans it again: `presswork review reject` keeps it away"
        ))?;
    }
    Ok(Outcome::Done)
}

async fn find(settings: &Settings, store: &dyn FullStore, slug: &str) -> anyhow::Result<Page> {
    let site = &settings.pipeline.site;
    if let Some(page) = store.get_by_slug(&site.id, &site.locale, slug).await? {
        return Ok(page);
    }
    match store.redirect(&site.id, &site.locale, slug).await? {
        Some(Redirect::To(now)) => anyhow::bail!("page {slug:?} is {now:?} now"),
        Some(Redirect::Gone) => anyhow::bail!("page {slug:?} was deleted"),
        None => None.with_context(|| format!("no page {slug:?}")),
    }
}
