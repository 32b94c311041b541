//! What is left when a step between the body and its row fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use presswork_content_store::{
    BlobEntry, BlobKey, BlobStore, Claim, Content, Edit, Editing, Error, FullStore, MemoryBlobs, MemoryStore, NewPage,
    Op, Page, PageRef, Pages, Result, SavePage, Status, Transition, WithBlobs, limits,
};

#[derive(Debug, Default)]
struct Shaky {
    blobs: MemoryBlobs,
    no_put: AtomicBool,
    no_get: AtomicBool,
}

impl Shaky {
    fn works(broken: &AtomicBool) -> Result<()> {
        if broken.load(Ordering::SeqCst) {
            return Err(Error::Unavailable {
                store: "shaky",
                place: "nowhere".to_owned(),
                message: "down".to_owned(),
                source: None,
            });
        }
        Ok(())
    }

    async fn keys(&self) -> Vec<BlobKey> {
        let listed = self.blobs.list(None, 1_000).await.unwrap();
        listed.into_iter().map(|entry| entry.key).collect()
    }
}

#[async_trait]
impl BlobStore for Shaky {
    async fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<()> {
        Self::works(&self.no_put)?;
        self.blobs.put(key, bytes).await
    }
    async fn get(&self, key: &BlobKey) -> Result<Option<Vec<u8>>> {
        if self.no_get.load(Ordering::SeqCst) {
            // As a folder that may not be read: time does not mend it, and still the change was made.
            return Err(Error::ReadOnly {
                store: "shaky",
                place: "nowhere".to_owned(),
                source: Arc::new(std::io::Error::other("denied")),
            });
        }
        self.blobs.get(key).await
    }
    async fn delete(&self, key: &BlobKey) -> Result<()> {
        self.blobs.delete(key).await
    }
    async fn list<'a>(&self, after: Option<&'a BlobKey>, limit: u32) -> Result<Vec<BlobEntry>> {
        self.blobs.list(after, limit).await
    }
}

type Store = WithBlobs<Arc<MemoryStore>, Arc<Shaky>>;

fn store() -> (Store, Arc<Shaky>) {
    let blobs = Arc::new(Shaky::default());
    (WithBlobs::new(Arc::default(), Arc::clone(&blobs)), blobs)
}

fn large(letter: &str) -> String {
    letter.repeat(limits::BODY + 1)
}

fn save(body_html: &str) -> SavePage {
    SavePage {
        content: Content {
            title: "Title".to_owned(),
            body_html: body_html.to_owned(),
            ..Content::default()
        },
        to: Status::Draft,
        outbox: Vec::new(),
        spend: Vec::new(),
    }
}

async fn claimed(store: &dyn FullStore, name: &str) -> Page {
    let topic = NewPage {
        site: name.to_owned(),
        locale: "en".to_owned(),
        slug: name.to_owned(),
        row_key: name.to_owned(),
        primary_keyword: name.to_owned(),
        topic: name.into(),
    };
    store.plan(&Op::now(), &[topic]).await.unwrap();
    claim(store, name).await
}

async fn claim(store: &dyn FullStore, name: &str) -> Page {
    let claim = Claim {
        site: name.to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease: Duration::from_secs(60),
        max_attempts: 9,
    };
    store.claim(&Op::now(), &claim).await.unwrap().remove(0)
}

fn body(page: Page) -> String {
    page.content.unwrap().body_html
}

#[tokio::test]
async fn a_body_that_cannot_be_put_leaves_the_row_alone() {
    let (store, blobs) = store();
    let page = claimed(&store, "site").await;
    let (op, save) = (Op::now(), save(&large("a")));
    blobs.no_put.store(true, Ordering::SeqCst);
    let answer = store.save(&op, &page.to_ref(), &save).await;
    assert!(matches!(answer, Err(Error::Unavailable { .. })), "{answer:?}");
    assert!(!store.did_it_land(&op.id).await.unwrap());
    assert_eq!(store.get(&page.id).await.unwrap().unwrap(), page);
    blobs.no_put.store(false, Ordering::SeqCst);
    let saved = store.save(&op, &page.to_ref(), &save).await.unwrap();
    assert_eq!(body(saved), large("a"));
}

#[tokio::test]
async fn bodies_that_cannot_be_read_after_a_change_leave_it_unknown() {
    let (store, blobs) = store();
    let page = claimed(&store, "site").await;
    let (op, save) = (Op::now(), save(&large("a")));
    blobs.no_get.store(true, Ordering::SeqCst);
    let answer = store.save(&op, &page.to_ref(), &save).await;
    assert!(matches!(answer, Err(Error::OutcomeUnknown { .. })), "{answer:?}");
    let read = store.get(&page.id).await;
    assert!(matches!(read, Err(Error::ReadOnly { .. })), "{read:?}");
    blobs.no_get.store(false, Ordering::SeqCst);
    let saved = store.save(&op, &page.to_ref(), &save).await.unwrap();
    assert_eq!((saved.version, body(saved)), (page.version + 1, large("a")));
}

#[tokio::test]
async fn a_body_that_is_gone_or_changed_is_corrupt() {
    let (store, blobs) = store();
    let page = claimed(&store, "site").await;
    store
        .save(&Op::now(), &page.to_ref(), &save(&large("a")))
        .await
        .unwrap();
    let key = blobs.keys().await.remove(0);
    for bytes in [Some(large("b")), Some("short".to_owned()), None] {
        match &bytes {
            Some(bytes) => blobs.put(&key, bytes.as_bytes()).await.unwrap(),
            None => blobs.delete(&key).await.unwrap(),
        }
        let answer = store.get(&page.id).await;
        assert!(
            matches!(answer, Err(Error::Corrupt { store: "blobs", .. })),
            "{answer:?}"
        );
    }
}

/// Nobody can make a row name a blob by writing what rows say.
#[tokio::test]
async fn a_body_that_looks_like_a_mark_is_a_body() {
    let (store, blobs) = store();
    let page = claimed(&store, "site").await;
    let other = claimed(&store, "other").await;
    let saved = store
        .save(&Op::now(), &page.to_ref(), &save(&large("a")))
        .await
        .unwrap();
    let row = store.inner().get(&saved.id).await.unwrap().unwrap();
    let mark = body(row);
    assert!(mark.len() < 200, "{}", mark.len());
    let copied = store.save(&Op::now(), &other.to_ref(), &save(&mark)).await.unwrap();
    assert_eq!(body(copied), mark);
    assert_eq!(blobs.keys().await.len(), 2);
}

#[tokio::test]
async fn sweeping_takes_what_no_row_names_and_nothing_else() {
    let (store, blobs) = store();
    let page = claimed(&store, "site").await;
    // The process ended before the row was written, as far as the blobs can tell.
    let nowhere = PageRef {
        version: page.version + 7,
        ..page.to_ref()
    };
    let answer = store.save(&Op::now(), &nowhere, &save(&large("o"))).await;
    assert!(matches!(answer, Err(Error::StaleVersion { .. })), "{answer:?}");

    let saved = store
        .save(&Op::now(), &page.to_ref(), &save(&large("a")))
        .await
        .unwrap();
    let edit = Edit {
        body_html: Some(large("b")),
        word_count: Some(1),
        ..Edit::default()
    };
    let edited = store.edit(&Op::now(), &saved.to_ref(), &edit).await.unwrap();
    assert_eq!(body(edited.clone()), large("b"));
    let small = store
        .save(&Op::now(), &claimed(&store, "small").await.to_ref(), &save("small"))
        .await;
    assert_eq!(body(small.unwrap()), "small");

    let orphan = BlobKey::of(large("o").as_bytes());
    assert_eq!(blobs.keys().await.len(), 3);
    assert_eq!(store.sweep(0).await.unwrap(), 0, "all are younger");
    let listed = blobs.list(None, 1_000).await.unwrap();
    let put_at_ms = listed.iter().find(|entry| entry.key == orphan).unwrap().put_at_ms;
    assert_eq!(
        store.sweep(put_at_ms).await.unwrap(),
        0,
        "it was put at that time, not before"
    );
    assert_eq!(store.sweep(i64::MAX).await.unwrap(), 1);
    assert!(!blobs.keys().await.contains(&orphan));
    // The page and what it said before.
    assert_eq!(body(store.get(&page.id).await.unwrap().unwrap()), large("b"));
    let before = store.content_at(&page.id, saved.version).await.unwrap().unwrap();
    assert_eq!(before.body_html, large("a"));

    // A planned page keeps what it said, and is written anew.
    let step = |to| Transition {
        to,
        reason: None,
        not_before_ms: None,
        release: false,
        outbox: Vec::new(),
        spend: Vec::new(),
    };
    let rejected = store
        .transition(&Op::now(), &edited.to_ref(), &step(Status::Rejected))
        .await
        .unwrap();
    store
        .transition(&Op::now(), &rejected.to_ref(), &step(Status::Planned))
        .await
        .unwrap();
    let again = claim(&store, "site").await;
    assert_eq!(body(again.clone()), large("b"));
    store.delete(&Op::now(), &again.to_ref()).await.unwrap();
    assert_eq!(store.sweep(i64::MAX).await.unwrap(), 2);
    assert_eq!(blobs.keys().await, []);
}
