use serde_json::json;

use super::Harness;
use super::fixtures::*;
use crate::{
    Content, Edit, Editing, Error, Field, Page, PageRef, Pages, PrunePlan, Redirect, SavePage, Status, Transition,
    Upkeep, limits,
};

fn title(title: &str) -> Edit {
    Edit {
        title: Some(title.to_owned()),
        ..Edit::default()
    }
}

fn slug(slug: &str) -> Edit {
    Edit {
        slug: Some(slug.to_owned()),
        ..Edit::default()
    }
}

async fn redirect(store: &Store, slug: &str) -> Option<Redirect> {
    store.redirect("site", "en", slug).await.unwrap()
}

fn to(slug: &str) -> Option<Redirect> {
    Some(Redirect::To(slug.to_owned()))
}

/// The page written once more, as a writer would, with content 2.
async fn rewritten(store: &Store, page: &Page) -> Page {
    let page = store
        .transition(&op(10), &page.to_ref(), &Transition::to(Status::Rejected))
        .await
        .unwrap();
    store
        .transition(&op(11), &page.to_ref(), &Transition::to(Status::Planned))
        .await
        .unwrap();
    let page = store.claim(&op(12), &claim_on("site", 1)).await.unwrap().remove(0);
    let save = SavePage {
        content: content(2),
        outbox: vec![message(1)],
        spend: vec![cost(Some(3))],
        ..save_to(Status::InReview)
    };
    store.save(&op(13), &page.to_ref(), &save).await.unwrap()
}

pub async fn redirect_tells_moved_from_gone<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    assert_eq!(redirect(&store, "page-1").await, None);
    assert_eq!(redirect(&store, "nowhere").await, None);
    let page = store.edit(&op(1), &page.to_ref(), &slug("moved")).await.unwrap();
    assert_eq!(redirect(&store, "page-1").await, to("moved"));
    for (site, locale) in [("other", "en"), ("site", "de")] {
        assert_eq!(store.redirect(site, locale, "page-1").await.unwrap(), None);
    }
    store.delete(&op(2), &page.to_ref()).await.unwrap();
    assert_eq!(redirect(&store, "page-1").await, Some(Redirect::Gone));
}

pub async fn edit_writes_what_it_names<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    let edit = Edit {
        title: Some("By 'hand'".to_owned()),
        keywords: Some(vec!["ä\"".to_owned()]),
        body_html: Some("<p>Mine, all mine</p>".to_owned()),
        word_count: Some(3),
        reason: Some("ann: dull".to_owned()),
        ..Edit::default()
    };
    let by_hand = op(5);
    let edited = store.edit(&by_hand, &page.to_ref(), &edit).await.unwrap();
    let expected = Content {
        title: "By 'hand'".to_owned(),
        keywords: vec!["ä\"".to_owned()],
        body_html: "<p>Mine, all mine</p>".to_owned(),
        word_count: 3,
        ..content(1)
    };
    assert_eq!(edited.content, Some(expected));
    assert_ne!(edited.content_hash, page.content_hash);
    assert_eq!((edited.version, edited.status), (page.version + 1, Status::Published));
    assert_eq!((edited.modified_at_ms, edited.updated_at_ms), (Some(NOW + 5), NOW + 5));
    assert_eq!(
        (edited.published_at_ms, &edited.slug),
        (page.published_at_ms, &page.slug)
    );
    assert_eq!(store.get(&page.id).await.unwrap(), Some(edited.clone()));
    let revision = store.revisions(&page.id).await.unwrap().pop().unwrap();
    assert_eq!((revision.version, revision.op_id), (edited.version, by_hand.id));
    assert_eq!(revision.reason.as_deref(), Some("ann: dull"));
    assert_eq!(revision.content_hash, edited.content_hash);
    let fields: Vec<_> = content(1)
        .changes(&edited.content.unwrap())
        .iter()
        .map(|change| change.field)
        .collect();
    assert_eq!(fields, [Field::Title, Field::Keywords, Field::BodyHtml]);
    // Words that are there already are locked all the same, and nothing is newer.
    let same = store
        .edit(
            &op(6),
            &PageRef {
                version: edited.version,
                ..page.to_ref()
            },
            &title("By 'hand'"),
        )
        .await;
    assert_eq!(same.unwrap().modified_at_ms, Some(NOW + 5));
}

pub async fn edit_locks_what_it_wrote<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::InReview).await;
    assert_eq!(store.locked(&page.id).await.unwrap(), []);
    let edit = Edit {
        body_html: Some("<p>Mine</p>".to_owned()),
        word_count: Some(1),
        ..title("Mine")
    };
    let page = store.edit(&op(5), &page.to_ref(), &edit).await.unwrap();
    assert_eq!(store.locked(&page.id).await.unwrap(), [Field::Title, Field::BodyHtml]);
    let page = rewritten(&store, &page).await;
    let expected = Content {
        title: "Mine".to_owned(),
        body_html: "<p>Mine</p>".to_owned(),
        word_count: 1,
        ..content(2)
    };
    assert_eq!(
        (page.content.as_ref(), page.status),
        (Some(&expected), Status::InReview)
    );
    assert_eq!(store.outbox_counts().await.unwrap().pending, 1);
    assert_eq!(store.locked(&page.id).await.unwrap(), [Field::Title, Field::BodyHtml]);
}

pub async fn edit_may_unlock<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Draft).await;
    let page = store.edit(&op(5), &page.to_ref(), &title("Mine")).await.unwrap();
    let unlock = Edit {
        unlock: vec![Field::Title, Field::Hooks],
        description: Some("Mine too".to_owned()),
        ..Edit::default()
    };
    let page = store.edit(&op(6), &page.to_ref(), &unlock).await.unwrap();
    assert_eq!(page.content.as_ref().unwrap().title, "Mine", "unlocked, not undone");
    assert_eq!(store.locked(&page.id).await.unwrap(), [Field::Description]);
    let page = rewritten(&store, &page).await;
    let content = page.content.unwrap();
    assert_eq!(
        (content.title.as_str(), content.description.as_str()),
        ("Title 2", "Mine too")
    );
}

pub async fn edit_of_a_published_slug_leaves_a_redirect<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    let edit = Edit {
        canonical_url: Some("https://example.com/moved".to_owned()),
        ..slug("moved")
    };
    let moved = store.edit(&op(5), &page.to_ref(), &edit).await.unwrap();
    assert_eq!(moved.slug, "moved");
    assert_eq!(
        moved.content.as_ref().unwrap().canonical_url,
        "https://example.com/moved"
    );
    assert_eq!(store.get_by_slug("site", "en", "page-1").await.unwrap(), None);
    assert_eq!(
        store.get_by_slug("site", "en", "moved").await.unwrap(),
        Some(moved.clone())
    );
    assert_eq!(redirect(&store, "page-1").await, to("moved"));
    // Planned again as it was, the topic moves nothing back.
    assert_eq!(store.plan(&op(6), &[topic("site", 1)]).await.unwrap().unchanged, 1);
    assert_eq!(redirect(&store, "page-1").await, to("moved"));
    // Its own slug again is no move.
    let again = store.edit(&op(7), &moved.to_ref(), &slug("moved")).await.unwrap();
    assert_eq!(
        (again.slug.as_str(), again.modified_at_ms),
        ("moved", moved.modified_at_ms)
    );
    assert_eq!(redirect(&store, "moved").await, None);

    store.plan(&op(8), &[topic("site", 2)]).await.unwrap();
    let page = store.claim(&op(9), &claim_on("site", 1)).await.unwrap().remove(0);
    let draft = store
        .save(&op(9), &page.to_ref(), &save_to(Status::Draft))
        .await
        .unwrap();
    store
        .edit(&op(9), &draft.to_ref(), &slug("never-public"))
        .await
        .unwrap();
    assert_eq!(redirect(&store, "page-2").await, None);
}

pub async fn redirects_do_not_chain<H: Harness>(h: &H) {
    let store = h.store();
    let mut page = saved(&store, "site", Status::Published).await;
    for (n, next) in ["a", "b", "c"].into_iter().enumerate() {
        page = store.edit(&op(n as i64), &page.to_ref(), &slug(next)).await.unwrap();
    }
    for old in ["page-1", "a", "b"] {
        assert_eq!(redirect(&store, old).await, to("c"), "{old}");
    }
}

pub async fn a_slug_in_use_has_no_redirect<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    let page = store.edit(&op(1), &page.to_ref(), &slug("a")).await.unwrap();
    let back = store.edit(&op(2), &page.to_ref(), &slug("page-1")).await.unwrap();
    assert_eq!(
        (redirect(&store, "page-1").await, redirect(&store, "a").await),
        (None, to("page-1"))
    );
    let mut heir = topic("site", 2);
    heir.slug = "a".to_owned();
    store.plan(&op(3), std::slice::from_ref(&heir)).await.unwrap();
    assert_eq!(redirect(&store, "a").await, None);
    // Free again it leads nowhere: the redirect was dropped, not hidden.
    heir.slug = "b".to_owned();
    assert_eq!(store.plan(&op(4), &[heir]).await.unwrap().updated, 1);
    assert_eq!(redirect(&store, "a").await, None);
    assert_eq!(store.get_by_slug("site", "en", "page-1").await.unwrap(), Some(back));
}

pub async fn edit_refuses_a_taken_slug<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Published).await;
    store.plan(&op(1), &[topic("site", 2)]).await.unwrap();
    planned(&store, "other").await;
    let edit = Edit {
        slug: Some("page-2".to_owned()),
        ..title("New")
    };
    let answer = store.edit(&op(2), &page.to_ref(), &edit).await;
    assert!(
        matches!(&answer, Err(Error::Conflict { field: "slug", value, row_key, .. }) if value == "page-2" && row_key == "row 2"),
        "{answer:?}"
    );
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page.clone()));
    assert_eq!(
        (store.locked(&page.id).await.unwrap(), redirect(&store, "page-1").await),
        (Vec::new(), None)
    );
}

pub async fn edit_is_only_for_written_pages<H: Harness>(h: &H) {
    let store = h.store();
    for status in Status::ALL {
        let page = page_at(&store, status.as_str(), status).await;
        let answer = store.edit(&op(5), &page.to_ref(), &title("New")).await;
        let written = page.content.is_some() && !matches!(status, Status::Generating | Status::Archived);
        if written {
            assert_eq!(answer.unwrap().status, status);
        } else {
            assert!(
                matches!(&answer, Err(Error::IllegalTransition { from, .. }) if *from == status.as_str()),
                "{status}: {answer:?}"
            );
            assert_eq!(store.get(&page.id).await.unwrap(), Some(page));
        }
    }
}

pub async fn edit_refuses_senseless_wishes<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Draft).await;
    let count = Edit {
        word_count: Some(1),
        ..title("a")
    };
    let both = Edit {
        unlock: vec![Field::Title],
        ..title("a")
    };
    for (edit, name) in [
        (Edit::default(), "edit"),
        (slug("No Slug"), "slug"),
        (title("a\0"), "title"),
        (count, "word_count"),
        (both, "unlock"),
    ] {
        let answer = store.edit(&op(1), &page.to_ref(), &edit).await;
        assert!(
            matches!(&answer, Err(Error::InvalidInput { field, .. }) if *field == name),
            "{answer:?}"
        );
    }
    let long = title(&"t".repeat(limits::TITLE + 1));
    let answer = store.edit(&op(1), &page.to_ref(), &long).await;
    assert!(
        matches!(answer, Err(Error::TooLarge { field: "title", .. })),
        "{answer:?}"
    );
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page));
}

pub async fn edit_refuses_a_stale_version<H: Harness>(h: &H) {
    let store = h.store();
    let page = saved(&store, "site", Status::Draft).await;
    for version in [0, page.version - 1, page.version + 1, u64::MAX] {
        let answer = store
            .edit(
                &op(5),
                &PageRef {
                    version,
                    ..page.to_ref()
                },
                &title("New"),
            )
            .await;
        assert!(
            matches!(answer, Err(Error::StaleVersion { expected, found, .. }) if (expected, found) == (version, page.version)),
            "{answer:?}"
        );
    }
    let nowhere = PageRef {
        id: crate::PageId::new(),
        version: 1,
    };
    let answer = store.edit(&op(5), &nowhere, &title("New")).await;
    assert!(
        matches!(answer, Err(Error::NotFound { what: "page", .. })),
        "{answer:?}"
    );
    assert_eq!(store.get(&page.id).await.unwrap(), Some(page));
}

pub async fn edit_repeats<H: Harness>(h: &H) {
    let store = losing(h);
    let page = saved(&h.store(), "site", Status::Published).await;
    let edit = Edit {
        slug: Some("moved".to_owned()),
        ..title("New")
    };
    let by_hand = op(5);
    store.lose_next();
    lost(store.edit(&by_hand, &page.to_ref(), &edit).await);
    let once = store.get(&page.id).await.unwrap().unwrap();
    assert_eq!(store.edit(&by_hand, &page.to_ref(), &edit).await.unwrap(), once);
    assert_eq!((once.version, once.slug.as_str()), (page.version + 1, "moved"));
    let answer = store.edit(&by_hand, &page.to_ref(), &title("Another")).await;
    assert!(matches!(answer, Err(Error::OpReused { .. })), "{answer:?}");
    let on = store.edit(&op(6), &once.to_ref(), &title("Later")).await.unwrap();
    assert_eq!(store.edit(&by_hand, &page.to_ref(), &edit).await.unwrap(), on);
}

pub async fn content_of_every_version_is_kept<H: Harness>(h: &H) {
    let store = h.store();
    let draft = saved(&store, "site", Status::Draft).await;
    let edited = store.edit(&op(5), &draft.to_ref(), &title("Mine")).await.unwrap();
    let last = rewritten(&store, &edited).await;
    let at = async |version: u64| store.content_at(&draft.id, version).await.unwrap();
    assert_eq!(
        (at(0).await, at(1).await, at(2).await),
        (None, None, None),
        "planned, claimed"
    );
    assert_eq!(at(draft.version).await, Some(content(1)));
    assert_eq!(at(edited.version).await, edited.content);
    for version in edited.version..last.version {
        assert_eq!(at(version).await, edited.content, "moved to and fro, not written");
    }
    assert_eq!(at(last.version).await, last.content);
    assert_eq!(at(last.version + 1).await, None);
    assert_eq!(at(u64::MAX).await, None);
    // What is pruned is not mistaken for what came later.
    let plan = PrunePlan {
        before_ms: NOW + 6,
        limit: 100,
    };
    assert_eq!(store.prune(&plan).await.unwrap().contents, 1);
    assert_eq!(at(draft.version).await, None);
    assert_eq!(
        (at(edited.version).await, at(last.version).await),
        (None, last.content.clone()),
        "the revision is gone"
    );
    assert_eq!(at(last.version - 1).await, edited.content);
    assert_eq!(store.get(&last.id).await.unwrap().unwrap().content, last.content);
    assert_eq!(
        json!(last.content),
        json!(store.content_at(&last.id, last.version).await.unwrap())
    );
}
