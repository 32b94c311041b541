//! A person's verdict on a page that waits for review.

use presswork_content_store::{ContentStore, Op, Page, Status, Transition};

use crate::generator::announcement;
use crate::{Result, platform};

/// Publishes a page in review and puts its message into the outbox, in one write.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store): `IllegalTransition` when the page is not in review, `StaleVersion` when it
/// changed since it was read.
pub async fn approve(store: &dyn ContentStore, page: &Page) -> Result<Page> {
    let outbox = vec![announcement(page)?];
    settle(
        store,
        page,
        Transition {
            outbox,
            ..Transition::to(Status::Published)
        },
    )
    .await
}

/// Refuses a page in review; `reason` is kept with it.
///
/// # Errors
/// As [`approve`].
pub async fn reject(store: &dyn ContentStore, page: &Page, reason: Option<String>) -> Result<Page> {
    settle(
        store,
        page,
        Transition {
            reason,
            ..Transition::to(Status::Rejected)
        },
    )
    .await
}

async fn settle(store: &dyn ContentStore, page: &Page, change: Transition) -> Result<Page> {
    Ok(store
        .transition(&Op::at(platform::now_ms()), &page.to_ref(), &change)
        .await?)
}
