//! Whole lists from keyset pages.

use std::collections::VecDeque;

use presswork_content_store::{
    ContentStore, Cursor, PageQuery, PageSummary, PostQuery, PostRecord, PostStatus, Status,
};

use crate::settings::Settings;

/// Rows read at a time.
const ROWS: u32 = 500;

/// Every page of the site with that status, in the order of planning.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn pages(
    settings: &Settings,
    store: &dyn ContentStore,
    status: Status,
) -> anyhow::Result<Vec<PageSummary>> {
    let query = PageQuery {
        site: settings.pipeline.site.id.clone(),
        status: Some(status),
    };
    let mut pages = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let list = store.list(&query, after.as_ref(), ROWS).await?;
        pages.extend(list.items);
        match list.next {
            Some(next) => after = Some(next),
            None => return Ok(pages),
        }
    }
}

/// The newest `limit` posts of the site, the newest last, with that status if one is given.
///
/// # Errors
/// When the store cannot be read.
pub(crate) async fn posts(
    settings: &Settings,
    store: &dyn ContentStore,
    status: Option<PostStatus>,
    limit: usize,
) -> anyhow::Result<VecDeque<PostRecord>> {
    let query = PostQuery {
        site: Some(settings.pipeline.site.id.clone()),
        status,
        ..PostQuery::default()
    };
    // Ids grow with time and lists only go forward: read all, keep the end.
    let mut posts = VecDeque::new();
    let mut after: Option<Cursor> = None;
    loop {
        let list = store.list_posts(&query, after.as_ref(), ROWS).await?;
        posts.extend(list.items);
        posts.drain(..posts.len().saturating_sub(limit));
        match list.next {
            Some(next) => after = Some(next),
            None => return Ok(posts),
        }
    }
}
