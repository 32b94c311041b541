use super::{Fault, Harness, values::pixel};
use crate::{Attempt, Error, Post, Published, Reconciled};

pub(super) fn post(key: &str) -> Post {
    Post::new(format!("A post about {key}, with “quotes” & <tags>.")).idempotency_key(key)
}

pub(super) async fn reconcile<H: Harness>(h: &H, attempt: &Attempt) -> Reconciled {
    h.target().reconcile(attempt).await.unwrap()
}

pub(super) fn found(reconciled: Reconciled) -> Published {
    match reconciled {
        Reconciled::Found(published) => published,
        other => panic!("expected Found, got {other:?}"),
    }
}

/// One call makes one visible post and returns its id.
pub async fn one_publish_is_one_visible_post<H: Harness>(h: &H) {
    let published = h.target().publish(&post("one")).await.unwrap();
    let visible = h.visible().await;
    assert_eq!(visible.len(), 1);
    assert_eq!(visible[0].id, published.id);
}

/// Text and link arrive unchanged.
pub async fn text_and_link_arrive_unchanged<H: Harness>(h: &H) {
    let text =
        "Grüße, 日本 & <b>\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}</b>\nsecond line \"quoted\" \\ \u{200F}עברית";
    let post = Post::new(text).link("https://example.com/a?b=c&d=%20#e").unwrap();
    h.target().publish(&post).await.unwrap();
    let visible = h.visible().await;
    assert_eq!(visible.len(), 1);
    assert_eq!(visible[0].text, post.full_text());
}

/// Different keys are different posts, also with the same text where the network takes it again.
pub async fn different_keys_are_different_posts<H: Harness>(h: &H) {
    let other = if h.target().limits().refuses_repeats { "b" } else { "a" };
    let first = h.target().publish(&post("a").idempotency_key("key-1")).await.unwrap();
    let second = post(other).idempotency_key("key-2");
    let second = h.target().publish(&second).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(h.visible().await.len(), 2);
}

/// The same key twice is one visible post where the network recognises keys or refuses repeats, and two where it does
/// neither.
pub async fn same_key_twice_is_one_visible_post<H: Harness>(h: &H) {
    let limits = h.target().limits();
    let first = h.target().publish(&post("twice")).await.unwrap();
    let second = h.target().publish(&post("twice")).await;
    if limits.idempotency.is_some() {
        assert_eq!(first, second.unwrap());
    } else if limits.refuses_repeats {
        assert!(matches!(second, Err(Error::Duplicate { .. })), "{second:?}");
    } else {
        assert_ne!(first.id, second.unwrap().id);
        assert_eq!(h.visible().await.len(), 2);
        return;
    }
    assert_eq!(h.visible().await.len(), 1);
}

/// Overlong text is refused before any request.
pub async fn overlong_text_is_refused_before_any_request<H: Harness>(h: &H) {
    let before = h.requests().await;
    let text = "a".repeat(h.target().limits().max_text() + 1);
    let error = h.target().publish(&Post::new(text)).await.unwrap_err();
    assert!(matches!(error, Error::TooLong { .. }), "{error:?}");
    assert!(!error.is_retryable() && !error.is_unknown());
    assert_eq!(h.requests().await, before);
}

/// A published post is found again, with its id.
pub async fn reconcile_finds_what_was_published<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let mut post = post("found").link("https://example.com/found?a=1&b=2").unwrap();
    if h.target().limits().media.max_count > 0 {
        post = post.media(h.target().upload(&pixel("a pixel")).await.unwrap());
    }
    let published = h.target().publish(&post).await.unwrap();
    h.target()
        .publish(&Post::new("Another post.").idempotency_key("other"))
        .await
        .unwrap();
    let again = found(reconcile(h, &Attempt::new(post, armed)).await);
    assert_eq!(again.id, published.id);
}

/// A post that never arrived is absent, whatever else is there.
pub async fn reconcile_of_nothing_is_absent<H: Harness>(h: &H) {
    let armed = h.now_ms();
    h.settle().await;
    let attempt = Attempt::new(post("nothing"), armed);
    assert_eq!(reconcile(h, &attempt).await, Reconciled::Absent);
    h.target().publish(&post("something-else")).await.unwrap();
    assert_eq!(reconcile(h, &attempt).await, Reconciled::Absent);
}

/// Looking up posts nothing.
pub async fn reconcile_never_posts<H: Harness>(h: &H) {
    let armed = h.now_ms();
    h.settle().await;
    for key in ["absent", "present"] {
        if key == "present" {
            h.target().publish(&post(key)).await.unwrap();
        }
        let before = h.visible().await;
        for _ in 0..3 {
            reconcile(h, &Attempt::new(post(key), armed)).await;
        }
        assert_eq!(h.visible().await, before);
    }
}

/// Two statuses with the text of the attempt cannot be told apart by a target that goes by the text.
pub async fn two_matches_cannot_be_told_apart<H: Harness>(h: &H) {
    let armed = h.now_ms();
    for key in ["first", "second"] {
        h.target()
            .publish(&Post::new("The same words.").idempotency_key(key))
            .await
            .unwrap();
    }
    h.settle().await;
    let attempt = Attempt::new(Post::new("The same words.").idempotency_key("first"), armed);
    let reconciled = reconcile(h, &attempt).await;
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }), "{reconciled:?}");
}

/// Nothing a target returns or shows of itself contains its secret.
pub async fn no_secret_is_printed<H: Harness>(h: &H) {
    let mut shown = format!("{:?} {}", h.target().limits(), h.target().account());
    for fault in Fault::ALL {
        if !h.can(fault) {
            continue;
        }
        h.inject(fault).await;
        match h
            .target()
            .publish(&post(
                &format!("secret {fault:?}").replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            ))
            .await
        {
            Ok(published) => shown.push_str(&format!("{published:?}")),
            Err(error) => {
                shown.push_str(&format!("{error} {error:?} {:?}", error.evidence()));
                let mut source = std::error::Error::source(&error);
                while let Some(cause) = source {
                    shown.push_str(&format!("{cause} {cause:?}"));
                    source = cause.source();
                }
            }
        }
    }
    shown.push_str(&format!("{:?}", h.target().check().await));
    let secret = h.secret().expect("a harness that runs this case names its secret");
    assert!(!shown.contains(secret), "a secret is printed: {shown}");
}
