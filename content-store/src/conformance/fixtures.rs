//! Pages and posts to try things on.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Harness, LosesAnswers};
use crate::{
    Claim, Content, Error, FullStore, NewOutbox, NewPage, NewSpend, Op, OutboxClaim, Page, PageId, PageQuery, Pages,
    PostClaim, PostKey, PostOutcome, PostRecord, PostStatus, Result, SavePage, Status, Transition,
};

pub(super) type Store = Arc<dyn FullStore>;

/// The time at which cases start.
pub(super) const NOW: i64 = 1_790_000_000_000;
pub(super) const LEASE: Duration = Duration::from_secs(60);
pub(super) const LEASE_MS: i64 = 60_000;

/// A new op, some milliseconds after the start.
pub(super) fn op(after: i64) -> Op {
    Op::at(NOW + after)
}

pub(super) fn losing<H: Harness>(harness: &H) -> LosesAnswers<Store> {
    LosesAnswers::new(harness.store())
}

/// The write was made and its answer lost.
pub(super) fn lost<T: std::fmt::Debug>(answer: Result<T>) {
    assert!(matches!(answer, Err(Error::OutcomeUnknown { .. })), "{answer:?}");
    assert!(answer.unwrap_err().is_retryable());
}

pub(super) fn topic(site: &str, n: usize) -> NewPage {
    NewPage {
        site: site.to_owned(),
        locale: "en".to_owned(),
        slug: format!("page-{n}"),
        row_key: format!("row {n}"),
        primary_keyword: format!("keyword {n}"),
        topic: json!({ "n": n, "name": "Zürich", "at": [47.37, 8.54], "none": null }),
    }
}

pub(super) fn content(n: usize) -> Content {
    Content {
        title: format!("Title {n}"),
        description: "What it is about".to_owned(),
        keywords: vec!["one".to_owned(), "two, three".to_owned()],
        body_html: format!("<p>Body {n}</p>"),
        image_prompt: String::new(),
        hooks: vec!["Look: 'this'".to_owned()],
        canonical_url: format!("https://example.com/page-{n}"),
        quality: json!({ "passed": true, "score": 0.25 }),
        model: "template".to_owned(),
        word_count: 2,
    }
}

pub(super) fn message(n: usize) -> NewOutbox {
    NewOutbox {
        topic: "pages".to_owned(),
        payload: json!({ "n": n }),
    }
}

pub(super) fn cost(micros: Option<u64>) -> NewSpend {
    NewSpend {
        page_id: None,
        campaign: String::new(),
        purpose: "draft".to_owned(),
        provider: "openai".to_owned(),
        model: "small".to_owned(),
        input_tokens: Some(100),
        output_tokens: None,
        cost_micros: micros,
        outcome: "ok".to_owned(),
    }
}

pub(super) fn save_to(to: Status) -> SavePage {
    SavePage {
        content: content(1),
        to,
        outbox: Vec::new(),
        spend: Vec::new(),
    }
}

pub(super) fn claim_on(site: &str, limit: u32) -> Claim {
    Claim {
        site: site.to_owned(),
        owner: "writer".to_owned(),
        limit,
        lease: LEASE,
        max_attempts: 3,
    }
}

pub(super) fn all(site: &str) -> PageQuery {
    PageQuery {
        site: site.to_owned(),
        status: None,
    }
}

pub(super) fn outbox_claim(owner: &str, limit: u32) -> OutboxClaim {
    OutboxClaim {
        owner: owner.to_owned(),
        limit,
        lease: LEASE,
        max_attempts: 3,
    }
}

pub(super) async fn planned(store: &Store, site: &str) -> Page {
    store.plan(&op(0), &[topic(site, 1)]).await.unwrap();
    store.get_by_slug(site, "en", "page-1").await.unwrap().unwrap()
}

pub(super) async fn claimed(store: &Store, site: &str) -> Page {
    planned(store, site).await;
    store.claim(&op(0), &claim_on(site, 1)).await.unwrap().remove(0)
}

pub(super) async fn saved(store: &Store, site: &str, to: Status) -> Page {
    let page = claimed(store, site).await;
    store.save(&op(0), &page.to_ref(), &save_to(to)).await.unwrap()
}

/// The page of a site of its own, at that status.
pub(super) async fn page_at(store: &Store, site: &str, status: Status) -> Page {
    let (page, to) = match status {
        Status::Planned => return planned(store, site).await,
        Status::Generating => return claimed(store, site).await,
        Status::Draft | Status::InReview | Status::Published => {
            return saved(store, site, status).await;
        }
        Status::Approved | Status::Rejected => (saved(store, site, Status::Draft).await, status),
        Status::Stale => (saved(store, site, Status::Published).await, status),
        Status::Failed => (claimed(store, site).await, status),
        Status::Archived => (planned(store, site).await, status),
    };
    store
        .transition(&op(0), &page.to_ref(), &Transition::to(to))
        .await
        .unwrap()
}

/// A published page with `n` messages in the outbox.
pub(super) async fn with_messages(store: &Store, n: usize) -> Page {
    let page = claimed(store, "site").await;
    let save = SavePage {
        outbox: (0..n).map(message).collect(),
        ..save_to(Status::Published)
    };
    store.save(&op(0), &page.to_ref(), &save).await.unwrap()
}

pub(super) fn key(page_id: PageId, account: &str) -> PostKey {
    PostKey {
        page_id,
        target: "mastodon".to_owned(),
        account: account.to_owned(),
        campaign: String::new(),
    }
}

pub(super) async fn post_claimed(store: &Store, key: &PostKey) -> PostRecord {
    match store.claim_post(&op(0), key, "poster", LEASE).await.unwrap() {
        PostClaim::Claimed(post) => post,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn post_armed(store: &Store, key: &PostKey) -> PostRecord {
    let post = post_claimed(store, key).await;
    store
        .arm_post(&op(0), &post.to_ref(), "Hello", &json!({ "media": [1] }), LEASE)
        .await
        .unwrap()
}

pub(super) fn outcome(status: PostStatus) -> PostOutcome {
    let error = "said no".to_owned();
    match status {
        PostStatus::Posted => PostOutcome::Posted {
            remote_id: "42".to_owned(),
            url: Some("https://example.social/42".to_owned()),
        },
        PostStatus::Retry => PostOutcome::Retry {
            error,
            not_before_ms: NOW + 5_000,
        },
        PostStatus::Rejected => PostOutcome::Rejected { error },
        PostStatus::Unknown => PostOutcome::Unknown {
            evidence: json!({ "sent": true }),
            error,
            not_before_ms: NOW + 5_000,
        },
        PostStatus::Parked => PostOutcome::Parked { error },
        PostStatus::Claimed | PostStatus::InFlight => panic!("no outcome"),
    }
}

pub(super) const OUTCOMES: [PostStatus; 5] = [
    PostStatus::Posted,
    PostStatus::Retry,
    PostStatus::Rejected,
    PostStatus::Unknown,
    PostStatus::Parked,
];

/// A post of that page at that status.
pub(super) async fn post_at(store: &Store, key: &PostKey, status: PostStatus) -> PostRecord {
    if status == PostStatus::Claimed {
        return post_claimed(store, key).await;
    }
    let post = post_armed(store, key).await;
    if status == PostStatus::InFlight {
        return post;
    }
    store
        .settle_post(&op(0), &post.to_ref(), &outcome(status))
        .await
        .unwrap()
}
