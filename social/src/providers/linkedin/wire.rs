use serde_json::json;

use super::NETWORK;
use crate::{Error, Post, Report, Result, text::is_reserved};

/// Body of `POST /rest/posts`.
pub(super) fn new_post(author: &str, post: &Post, shown: &str) -> Result<serde_json::Value> {
    let mut body = json!({
        "author": author,
        "commentary": escaped(shown),
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": false,
    });
    let image =
        |media: &crate::UploadedMedia| json!({"id": media.id, "altText": media.alt.as_deref().unwrap_or_default()});
    match (&post.media[..], post.card.as_ref().zip(post.link.as_ref())) {
        ([], None) => {}
        ([one], None) => body["content"] = json!({ "media": image(one) }),
        (many, None) => body["content"] = json!({"multiImage": {"images": many.iter().map(image).collect::<Vec<_>>()}}),
        ([], Some((card, link))) => {
            let mut article = json!({"source": link, "title": card.title, "description": card.description});
            if let Some(thumb) = &card.thumb {
                article["thumbnail"] = json!(thumb.id);
            }
            body["content"] = json!({ "article": article });
        }
        (_, Some(_)) => {
            return Err(Error::Rejected {
                report: Report::new(NETWORK, "a post shows pictures or a card, not both"),
                field: Some("card".to_owned()),
            });
        }
    }
    Ok(body)
}

/// [Little text](https://learn.microsoft.com/en-us/linkedin/marketing/community-management/shares/little-text-format) cuts
/// a commentary at a reserved character without a backslash, and says nothing.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_reserved(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The text that a commentary shows.
pub(super) fn unescaped(commentary: &str) -> String {
    let mut out = String::with_capacity(commentary.len());
    let mut rest = commentary.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('\\', Some(next)) if is_reserved(next) => {
                out.push(next);
                rest.next();
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_escaped_and_back() {
        let text = r"\ a|b {c} @d [e] (f) <g> #h *i* _j_ ~k~ 日本 \(";
        assert_eq!(escaped("(a) #b_c"), r"\(a\) \#b\_c");
        assert_eq!(unescaped(&escaped(text)), text);
        assert_eq!(unescaped(r"plain \n (as it was)"), r"plain \n (as it was)");
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in "(\\PC|\\\\){0,60}") {
            proptest::prop_assert_eq!(unescaped(&escaped(&text)), text);
        }
    }
}
