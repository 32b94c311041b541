//! `presswork resolve`: a person's answer about a post whose outcome nobody could tell.

use anyhow::Context;
use presswork_content_store::{Op, Page, PostOutcome, PostQuery, PostStatus};
use presswork_pipeline::message::PageMessage;
use presswork_queue::{DeadLetterFilter, DeadLetters, MessageId};
use serde_json::json;

use crate::cli::{Answer, Common};
use crate::compose::{self, WholeQueue};
use crate::exit::Outcome;
use crate::output;
use crate::settings::Settings;

/// Dead letters read at a time.
const ROWS: usize = 500;

/// Records whether the parked post of a page is on the network, and puts the page's message back, so that what is left
/// of it is done.
///
/// # Errors
/// When the page or the parked post is not there, or more than one is meant: nothing is changed then. When store or queue
/// cannot be used.
pub(crate) async fn run(common: &Common, slug: &str, target: Option<&str>, answer: &Answer) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let store = compose::store(&settings, false).await?;
    let site = &settings.pipeline.site;
    let page = store
        .get_by_slug(&site.id, &site.locale, slug)
        .await?
        .with_context(|| format!("no page {slug:?}"))?;
    let query = PostQuery {
        page_id: Some(page.id),
        target: target.map(str::to_owned),
        status: Some(PostStatus::Parked),
        ..PostQuery::default()
    };
    let parked = store.list_posts(&query, None, 2).await?.items;
    let post = match parked.as_slice() {
        [post] => post,
        [] => anyhow::bail!("page {slug:?} has no parked post; `presswork posts --status parked` lists them"),
        _ => anyhow::bail!("page {slug:?} has parked posts on several targets; name one with --target"),
    };
    let op = Op::now();
    let outcome = match &answer.posted {
        Some(url) => PostOutcome::Posted {
            remote_id: url.trim_end_matches('/').rsplit('/').next().unwrap_or(url).to_owned(),
            url: Some(url.clone()),
        },
        None => PostOutcome::Retry {
            error: "a person saw that the network does not have the post".into(),
            not_before_ms: op.at_ms,
        },
    };
    store.settle_post(&op, &post.to_ref(), &outcome).await?;
    // Last: a message that comes back finds the answer in the ledger.
    let queue = compose::queue(&settings, false).await?;
    let messages = messages_of(&*queue, &page).await?;
    let redriven = queue.redrive(&DeadLetterFilter::all().ids(messages), false).await?;

    let status = outcome.status();
    if common.json {
        output::json(&json!({
            "slug": slug, "target": post.key.target, "account": post.key.account,
            "status": status, "messages": redriven.ids.len(),
        }))?;
    } else {
        let then = if answer.posted.is_some() {
            ""
        } else {
            "; the next run posts it"
        };
        output::text(&format!("{slug} on {} is {status} now{then}", post.key.target))?;
    }
    Ok(Outcome::Done)
}

/// The dead letters about a page.
async fn messages_of(queue: &dyn WholeQueue, page: &Page) -> anyhow::Result<Vec<MessageId>> {
    let id = page.id.to_string();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let letters = queue.list(&DeadLetterFilter::all(), after.take(), ROWS).await?;
        let last = letters.last().map(|letter| letter.id.clone());
        for letter in letters {
            let message = serde_json::from_slice::<PageMessage>(&letter.body);
            if message.is_ok_and(|message| message.page_id == id) {
                found.push(letter.id);
            }
        }
        match last {
            None => return Ok(found),
            after_this => after = after_this,
        }
    }
}
