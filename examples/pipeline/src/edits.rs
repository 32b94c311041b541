//! What a person changes in a page: it passes the gates that a draft passes.

use presswork_content_store::{Edit, FullStore, Op, Page};

use crate::config::Config;
use crate::draft::PageDraft;
use crate::gates::{self, GateReport};
use crate::{Result, platform, sanitise};

/// Applies `edit` to a page: sanitised, counted, and only when the whole passes the gates. The canonical address follows the
/// slug.
///
/// The answer is the page as it is now, or what keeps the edit from being made.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store): `IllegalTransition` for a page that was never written, `Conflict` for a slug of
/// another page, `StaleVersion` when it changed since it was read.
pub async fn edit(
    store: &dyn FullStore,
    config: &Config,
    page: &Page,
    mut edit: Edit,
) -> Result<std::result::Result<Page, GateReport>> {
    if let (Some(content), true) = (&page.content, !edit.fields().is_empty()) {
        let content = content.clone();
        let draft = sanitise::sanitise(PageDraft {
            title: edit.title.clone().unwrap_or(content.title),
            description: edit.description.clone().unwrap_or(content.description),
            keywords: edit.keywords.clone().unwrap_or(content.keywords),
            body_html: edit.body_html.clone().unwrap_or(content.body_html),
            image_prompt: edit.image_prompt.clone().unwrap_or(content.image_prompt),
            hooks: edit.hooks.clone().unwrap_or(content.hooks),
        });
        let report = gates::check(&draft, &config.gates);
        if !report.passes() {
            return Ok(Err(report));
        }
        // Only what was named is written, and what is written is locked.
        let put = |to: &mut Option<String>, new: String| {
            if to.is_some() {
                *to = Some(new);
            }
        };
        put(&mut edit.title, draft.title);
        put(&mut edit.description, draft.description);
        put(&mut edit.body_html, draft.body_html);
        put(&mut edit.image_prompt, draft.image_prompt);
        edit.keywords = edit.keywords.map(|_| draft.keywords);
        edit.hooks = edit.hooks.map(|_| draft.hooks);
        edit.word_count = edit.body_html.as_ref().map(|_| report.words);
    }
    if let Some(slug) = &edit.slug {
        edit.canonical_url = Some(config.site.page_url(slug));
    }
    let now = Op::at(platform::now_ms());
    Ok(Ok(store.edit(&now, &page.to_ref(), &edit).await?))
}
