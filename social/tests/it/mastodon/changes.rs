//! Threads, edits, deletes, and servers that break on a repeated key.

use presswork_social::{Attempt, Error, Post, Reconciled, SocialTarget, Step, Thread, conformance::Harness};
use serde_json::json;

use super::Site;

#[tokio::test]
async fn a_thread_is_a_chain_of_answers() {
    let site = Site::start().await;
    let root = Post::new("one").idempotency_key("t").language("en");
    let mut thread = Thread::new(root, &["two", "three"], &site.limits());
    loop {
        thread.arm(site.now_ms());
        if thread.advance(&site).await.unwrap() == Step::Done {
            break;
        }
    }
    let world = site.world.lock().unwrap();
    let chain: Vec<_> = world
        .statuses
        .iter()
        .map(|status| (status.id.to_string(), status.parent.clone()))
        .collect();
    let expected = [("110000", None), ("110001", Some("110000")), ("110002", Some("110001"))];
    assert_eq!(
        chain,
        expected.map(|(id, parent)| (id.to_owned(), parent.map(str::to_owned)))
    );
}

#[tokio::test]
async fn the_same_words_under_another_post_are_another_post() {
    let site = Site::start().await;
    let (armed, first) = (site.now_ms(), site.publish(&Post::new("first")).await.unwrap());
    let second = site.publish(&Post::new("second")).await.unwrap();
    let thanks = |to: &str| Post::new("Thanks!").reply_to(to);
    let published = site.publish(&thanks(&first.id)).await.unwrap();
    site.settle().await;
    let look = async |to: &str| site.reconcile(&Attempt::new(thanks(to), armed)).await.unwrap();
    assert_eq!(look(&first.id).await, Reconciled::Found(published));
    assert_eq!(look(&second.id).await, Reconciled::Absent);
}

#[tokio::test]
async fn a_post_is_edited_and_deleted() {
    let site = Site::start().await;
    let published = site.publish(&Post::new("a tpyo").idempotency_key("k")).await.unwrap();
    let corrected = Post::new("a typo").language("en").idempotency_key("k");
    assert_eq!(site.target.edit(&published.id, &corrected).await.unwrap(), published);
    let request = site.seen().pop().unwrap();
    assert_eq!(request.json(), json!({"status": "a typo", "language": "en"}));
    assert_eq!(request.header("idempotency-key"), None);
    assert_eq!(site.visible().await[0].text, "a typo");
    for _ in 0..2 {
        site.target.delete(&published.id).await.unwrap();
        assert_eq!(site.visible().await, []);
    }
    let gone = site.target.edit(&published.id, &corrected).await.unwrap_err();
    assert!(matches!(gone, Error::Rejected { .. }), "{gone:?}");
    for id in ["", "1/favourite", "../../x", "1?a=b"] {
        assert!(
            matches!(site.target.delete(id).await, Err(Error::Rejected { .. })),
            "{id}"
        );
    }
}

#[tokio::test]
async fn a_server_that_breaks_on_a_repeated_key_is_asked_for_the_post() {
    let site = Site::start().await;
    site.world.lock().unwrap().breaks_on_replay = true;
    let (armed, post) = (site.now_ms(), Post::new("text").idempotency_key("k"));
    let first = site.publish(&post).await.unwrap();
    let error = site.publish(&post).await.unwrap_err();
    let attempt = Attempt::new(post, armed).evidence(error.evidence().unwrap().clone());
    assert_eq!(site.reconcile(&attempt).await.unwrap(), Reconciled::Found(first));
    assert_eq!(site.visible().await.len(), 1);
}
