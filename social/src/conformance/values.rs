use super::{Fault, Harness};
use crate::{Error, Media, Post, Visibility};

/// The smallest PNG picture: one transparent pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

pub(super) fn pixel(alt: &str) -> Media {
    Media::new(PIXEL, "image/png")
        .alt(alt)
        .public_url("https://media.example/pixel.png")
}

/// Network and account are named, and always the same.
pub async fn names_are_stable<H: Harness>(h: &H) {
    let target = h.target();
    let names = || (target.network().to_owned(), target.account().to_owned());
    let before = names();
    assert!(!before.0.is_empty() && !before.1.is_empty(), "{before:?}");
    assert_eq!(before.0, before.0.to_lowercase());
    target.check().await.unwrap();
    target.publish(&Post::new("a").idempotency_key("names")).await.unwrap();
    assert_eq!(names(), before);
    assert_eq!(target.limits().network, before.0);
    if let Some(secret) = h.secret() {
        assert!(!before.1.contains(secret), "the account shows a secret");
    }
}

/// The longest text is taken, one more unit is refused, whatever the units look like.
pub async fn text_is_counted_exactly_at_the_maximum<H: Harness>(h: &H) {
    let target = h.target();
    target.check().await.unwrap();
    let limits = target.limits();
    let prefixes = [
        "",
        "e\u{301} \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} 日本 https://example.com/a?b=c ",
        "@a@b.example ",
    ];
    for (index, prefix) in prefixes.into_iter().enumerate() {
        let fill = |count: usize| {
            let used = limits.count(prefix);
            assert!(used < count, "the limit is too small for this case");
            format!("{prefix}{}", "a".repeat(count - used))
        };
        let longest = fill(limits.max_text());
        assert_eq!(limits.count(&longest), limits.max_text());
        let key = format!("longest-{index}");
        target.publish(&Post::new(longest).idempotency_key(key)).await.unwrap();
        let error = target
            .publish(&Post::new(fill(limits.max_text() + 1)))
            .await
            .unwrap_err();
        let Error::TooLong { count, max, .. } = error else {
            panic!("expected TooLong, got {error:?}");
        };
        assert_eq!((count, max), (limits.max_text() + 1, limits.max_text()));
    }
    assert_eq!(h.visible().await.len(), prefixes.len());
}

/// A setting the limits declare reaches the network, any other is refused.
pub async fn declared_settings_reach_the_network<H: Harness>(h: &H) {
    let target = h.target();
    let limits = target.limits();
    let mut shown = 0;
    let mut probe = async |post: Post, declared: bool| {
        let result = target.publish(&post).await;
        if declared {
            result.unwrap();
            shown += 1;
            let visible = h.visible().await;
            assert_eq!(visible.len(), shown);
            return visible.into_iter().next_back();
        }
        assert!(matches!(result, Err(Error::Unsupported { .. })), "{result:?}");
        None
    };
    if let Some(seen) = probe(Post::new("language").language("de"), limits.language).await {
        assert_eq!(seen.language.as_deref(), Some("de"));
    }
    for visibility in [
        Visibility::Public,
        Visibility::Unlisted,
        Visibility::Private,
        Visibility::Direct,
    ] {
        let post = Post::new(format!("visibility {visibility:?}")).visibility(visibility);
        if let Some(seen) = probe(post, limits.visibility.contains(&visibility)).await {
            assert_eq!(seen.visibility, Some(visibility));
        }
    }
    if let Some(seen) = probe(Post::new("warned").content_warning("careful"), limits.content_warning).await {
        assert_eq!(seen.content_warning.as_deref(), Some("careful"));
    }
}

/// `check` names the account.
pub async fn check_names_the_account<H: Harness>(h: &H) {
    let account = h.target().check().await.unwrap();
    assert!(!account.id.is_empty() && !account.handle.is_empty(), "{account:?}");
}

/// `check` reports refused credentials.
pub async fn check_reports_refused_credentials<H: Harness>(h: &H) {
    h.inject(Fault::Unauthenticated).await;
    let error = h.target().check().await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    assert!(!error.is_retryable());
}

/// `check` posts nothing.
pub async fn check_posts_nothing<H: Harness>(h: &H) {
    h.target().check().await.unwrap();
    h.target().check().await.unwrap();
    assert_eq!(h.visible().await, []);
}

/// An upload is shown with its alternative text, or refused when the target takes no media.
pub async fn uploaded_media_is_shown_with_its_alt_text<H: Harness>(h: &H) {
    let target = h.target();
    let upload = target.upload(&pixel("a pixel")).await;
    if target.limits().media.max_count == 0 {
        assert!(matches!(upload, Err(Error::Unsupported { .. })), "{upload:?}");
        return;
    }
    let upload = upload.unwrap();
    assert_eq!(upload.network, target.network());
    assert_eq!(h.visible().await, []);
    target.publish(&Post::new("with media").media(upload)).await.unwrap();
    let visible = h.visible().await;
    assert_eq!(visible.len(), 1);
    assert_eq!(visible[0].alts, [Some("a pixel".to_owned())]);
}

/// The same media may be uploaded again.
pub async fn upload_is_repeatable<H: Harness>(h: &H) {
    let first = h.target().upload(&pixel("a pixel")).await.unwrap();
    let second = h.target().upload(&pixel("a pixel")).await.unwrap();
    assert_eq!(h.visible().await, []);
    for (index, upload) in [first, second].into_iter().enumerate() {
        let post = Post::new(format!("upload {index}")).media(upload);
        h.target().publish(&post).await.unwrap();
    }
    assert_eq!(h.visible().await.len(), 2);
}

/// Media over the limits is refused before any request.
pub async fn oversized_media_is_refused_before_any_request<H: Harness>(h: &H) {
    let limits = h.target().limits().media;
    let before = h.requests().await;
    let alt = "a".repeat(limits.max_alt + 1);
    let empty = Media::new(Vec::new(), "image/png");
    for media in [pixel(&alt), empty] {
        let error = h.target().upload(&media).await.unwrap_err();
        assert!(matches!(error, Error::Rejected { .. }), "{error:?}");
    }
    assert_eq!(h.requests().await, before);
}
