use super::*;
use crate::UploadedMedia;

fn limits() -> Limits {
    Limits::text("net", Counter::Mastodon { per_url: 23 }, 40)
}

fn everything() -> Limits {
    let mut limits = limits();
    limits.media = MediaLimits {
        max_count: 2,
        max_bytes: 4,
        max_video_bytes: 6,
        max_alt: 4,
        content_types: vec!["image/png".to_owned(), "video/webm".to_owned()],
    };
    limits.language = true;
    limits.visibility = vec![Visibility::Public];
    limits.content_warning = true;
    limits
}

fn upload(network: &str) -> UploadedMedia {
    UploadedMedia::new(network, "1", None)
}

fn field(result: Result<()>) -> String {
    match result {
        Err(Error::Rejected { field: Some(field), .. }) => field,
        other => panic!("expected Rejected, got {other:?}"),
    }
}

#[test]
fn a_setting_is_taken_with_its_flag_and_refused_without() {
    for post in [
        Post::new("a").language("pt-BR"),
        Post::new("a").visibility(Visibility::Public),
        Post::new("a").content_warning("cw"),
        Post::new("a").media(upload("net")),
    ] {
        everything().check(&post).unwrap();
        assert!(
            matches!(limits().check(&post), Err(Error::Unsupported { .. })),
            "{post:?}"
        );
    }
    let private = Post::new("a").visibility(Visibility::Private);
    assert!(matches!(everything().check(&private), Err(Error::Unsupported { .. })));
}

#[test]
fn the_whole_post_is_counted() {
    let post = Post::new("a".repeat(10)).link("https://example.com/long/path").unwrap();
    assert_eq!(limits().count_post(&post), 10 + 2 + 23);
    assert_eq!(limits().link_cost("https://example.com/long/path"), 25);
    everything().check(&post.clone().content_warning("12345")).unwrap();
    let long = post.content_warning("123456");
    assert!(matches!(
        everything().check(&long),
        Err(Error::TooLong { count: 41, max: 40, .. })
    ));
}

#[test]
fn a_fitted_text_leaves_room_for_its_link() {
    let link = "https://example.com/page";
    let text = limits().fit("Some words that are a little too many", limits().link_cost(link));
    assert_eq!(text, "Some words…");
    limits().check(&Post::new(text).link(link).unwrap()).unwrap();
    assert_eq!(limits().fit("text", 100), "");
}

#[test]
fn posts_that_make_no_sense_are_rejected() {
    let check = |post: Post| field(everything().check(&post));
    assert_eq!(check(Post::new("")), "text");
    assert_eq!(check(Post::new(" \n")), "text");
    assert_eq!(check(Post::new("").content_warning("cw").media(upload("net"))), "text");
    assert_eq!(check(Post::new("a").language("english")), "language");
    assert_eq!(check(Post::new("a").media(upload("other"))), "media");
    let three = Post::new("a")
        .media(upload("net"))
        .media(upload("net"))
        .media(upload("net"));
    assert_eq!(check(three), "media");
    for key in ["", "a b", "ä", "a\n", &"k".repeat(256)] {
        assert_eq!(check(Post::new("a").idempotency_key(key)), "idempotency_key", "{key:?}");
    }
    let stored: Post = serde_json::from_str(r#"{"text":"a","link":"javascript:alert(1)"}"#).unwrap();
    assert_eq!(check(stored), "link");
    everything().check(&Post::new("").media(upload("net"))).unwrap();
    everything()
        .check(&Post::new("a").idempotency_key("k".repeat(255)))
        .unwrap();
}

#[test]
fn media_is_held_against_every_limit() {
    let check = |media: Media| everything().check_media(&media);
    let png = || Media::new(&b"\x89PNG"[..], "image/png");
    check(png().alt("1234")).unwrap();
    check(Media::new(&b"\x1A\x45\xDF\xA3.."[..], "video/webm")).unwrap();
    assert_eq!(field(check(Media::new(&b"\x89PNG."[..], "image/png"))), "media");
    assert_eq!(
        field(check(Media::new(&b"\x1A\x45\xDF\xA3..."[..], "video/webm"))),
        "media"
    );
    assert_eq!(field(check(Media::new("", "image/png"))), "media");
    assert_eq!(field(check(Media::new("1234", "image/png"))), "media");
    assert_eq!(field(check(Media::new("1", "image/webp"))), "media");
    assert_eq!(field(check(png().alt("12345"))), "alt");
    assert!(matches!(limits().check_media(&png()), Err(Error::Unsupported { .. })));
}
