//! A post and its thread as records, and their one write.

use serde_json::{Value, json};

use super::{
    Bluesky, NETWORK, POSTS, blob, cid,
    facets::{Mark, facet, marks},
    receipt, session,
};
use crate::{
    Error, Post, Published, Report, Result,
    http::{Call, format_rfc3339, list, text as field},
};

/// Largest picture of a card, in bytes
/// ([`app.bsky.embed.external`](https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/embed/external.json)).
const MAX_THUMB: u64 = 1_000_000;

impl Bluesky {
    pub(super) async fn publish_post(&self, post: &Post) -> Result<Published> {
        let embed = embed(post)?;
        let did = self.who().await?.did;
        let now_ms = self.caller.clock.now_ms();
        let created_at = format_rfc3339(now_ms);
        let rkey = |part: usize| match &post.idempotency_key {
            Some(key) if part == 0 => cid::tid_of_key(&did, key),
            Some(key) => cid::tid_of_key(&did, &format!("{key}/{}", part + 1)),
            None => {
                let micros = u64::try_from(now_ms).unwrap_or_default() * 1_000 + part as u64;
                cid::tid(micros, u64::from(fastrand::u16(..)))
            }
        };
        let root = self.answered(post).await?;
        let mut writes: Vec<(String, Value)> = Vec::new();
        let (mut root, mut parent) = root.map_or((None, None), |(root, parent)| (Some(root), Some(parent)));
        let shown = super::limits().shown_text(post);
        for (part, text) in std::iter::once(&shown).chain(&post.thread).enumerate() {
            let mut record = json!({"$type": POSTS, "text": text, "createdAt": created_at});
            let facets = self.facets(text).await?;
            if !facets.is_empty() {
                record["facets"] = facets.into();
            }
            if let Some(language) = &post.language {
                record["langs"] = json!([language]);
            }
            if let (0, Some(embed)) = (part, &embed) {
                record["embed"] = embed.clone();
            }
            if let (Some(root), Some(parent)) = (&root, &parent) {
                record["reply"] = json!({"root": root, "parent": parent});
            }
            let key = rkey(part);
            if !post.thread.is_empty() {
                let cid = cid::cid(&record).ok_or_else(|| rejected("text", "the record has no canonical form"))?;
                let uri = format!("at://{did}/{POSTS}/{key}");
                let this = json!({"uri": uri, "cid": cid});
                root.get_or_insert_with(|| this.clone());
                parent = Some(this);
            }
            writes.push((key, record));
        }
        self.write(&did, writes).await
    }

    /// One commit of every record. A key that is there already is the receipt of an earlier attempt.
    async fn write(&self, did: &str, mut writes: Vec<(String, Value)>) -> Result<Published> {
        let Some(first) = writes.first().map(|(rkey, _)| rkey.clone()) else {
            return Err(rejected("text", "there is nothing to post"));
        };
        let threaded = writes.len() > 1;
        let (name, body) = if threaded {
            let create = |(rkey, value): (String, Value)| json!({"$type": "com.atproto.repo.applyWrites#create", "collection": POSTS, "rkey": rkey, "value": value});
            let writes: Vec<Value> = writes.into_iter().map(create).collect();
            ("com.atproto.repo.applyWrites", json!({"repo": did, "writes": writes}))
        } else {
            let record = writes.pop().map(|(_, record)| record);
            // `null`: only when there is no record of this key.
            let body = json!({"repo": did, "collection": POSTS, "rkey": first, "record": record, "swapRecord": null});
            ("com.atproto.repo.putRecord", body)
        };
        let body = ("application/json", body.to_string().into());
        match self.call(name, &[], Some(body), Call::Publish).await {
            Ok(answer) => {
                let written = self.caller.decode(&answer, Call::Publish, &[])?;
                let written = list(&written["results"]).first().unwrap_or(&written);
                if field(written, "uri").ends_with(&first) {
                    return Ok(receipt(did, &first));
                }
                Err(self
                    .caller
                    .unreadable(&answer, Call::Publish, "the answer names another record"))
            }
            Err(Error::Rejected { field: Some(field), .. }) if field == session::EXISTS => Ok(receipt(did, &first)),
            // Creating what exists is a server error here
            // (<https://github.com/bluesky-social/atproto/pull/4728>), and so is a failure after the commit.
            Err(Error::Unknown {
                report,
                evidence,
                source,
            }) if threaded && report.status == Some(500) => match self.record(did, &first).await {
                Ok(Some(_)) => Ok(receipt(did, &first)),
                _ => Err(Error::Unknown {
                    report,
                    evidence,
                    source,
                }),
            },
            Err(error) => Err(error),
        }
    }

    /// Root and parent of the thread that the post answers in.
    async fn answered(&self, post: &Post) -> Result<Option<(Value, Value)>> {
        let Some(uri) = &post.reply_to else { return Ok(None) };
        let mut path = uri.strip_prefix("at://").unwrap_or_default().split('/');
        let (Some(repo), Some(collection), Some(rkey), None) = (path.next(), path.next(), path.next(), path.next())
        else {
            return Err(rejected(
                "reply_to",
                "the answered post is not named by an at:// address",
            ));
        };
        let query = [("repo", repo), ("collection", collection), ("rkey", rkey)];
        let parent = match self.get("com.atproto.repo.getRecord", &query, &["/uri"]).await {
            Err(Error::Rejected { report, .. }) => {
                return Err(Error::Rejected {
                    report,
                    field: Some("reply_to".to_owned()),
                });
            }
            parent => parent?,
        };
        if !parent["cid"].is_string() {
            return Err(rejected("reply_to", "the answered post has no content identifier"));
        }
        let reference = |of: &Value| json!({"uri": of["uri"], "cid": of["cid"]});
        let root = &parent["value"]["reply"]["root"];
        let whole = root["uri"].is_string() && root["cid"].is_string();
        Ok(Some((
            reference(if whole { root } else { &parent }),
            reference(&parent),
        )))
    }

    /// The text's links, tags and mentions; a handle that nobody has stays text.
    async fn facets(&self, text: &str) -> Result<Vec<Value>> {
        let mut facets = Vec::new();
        for mark in marks(text) {
            match mark {
                Mark::Link(range) => facets.push(facet(&range, "link", "uri", &text[range.clone()])),
                Mark::Tag(range, tag) => facets.push(facet(&range, "tag", "tag", &tag)),
                Mark::Mention(range, handle) => {
                    let query = [("handle", handle.as_str())];
                    match self.get("com.atproto.identity.resolveHandle", &query, &["/did"]).await {
                        Ok(resolved) => facets.push(facet(&range, "mention", "did", &field(&resolved, "did"))),
                        Err(Error::Rejected { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(facets)
    }
}

/// Pictures or a card; a record takes one of them.
fn embed(post: &Post) -> Result<Option<Value>> {
    let Some((card, link)) = post.card.as_ref().zip(post.link.as_ref()) else {
        if post.media.is_empty() {
            return Ok(None);
        }
        let image = |media| Ok(json!({"alt": post_alt(media), "image": blob(media)?}));
        let images = post.media.iter().map(image).collect::<Result<Vec<_>>>()?;
        return Ok(Some(json!({"$type": "app.bsky.embed.images", "images": images})));
    };
    if !post.media.is_empty() {
        return Err(rejected("card", "a post shows pictures or a card, not both"));
    }
    let mut external = json!({"uri": link, "title": card.title, "description": card.description});
    if let Some(thumb) = &card.thumb {
        let thumb = blob(thumb)?;
        if thumb["size"].as_u64().is_none_or(|size| size > MAX_THUMB) {
            return Err(rejected("card", "the card's picture is larger than 1,000,000 bytes"));
        }
        external["thumb"] = thumb;
    }
    Ok(Some(json!({"$type": "app.bsky.embed.external", "external": external})))
}

fn post_alt(media: &crate::UploadedMedia) -> &str {
    media.alt.as_deref().unwrap_or_default()
}

fn rejected(field: &str, message: &str) -> Error {
    Error::Rejected {
        report: Report::new(NETWORK, message),
        field: Some(field.to_owned()),
    }
}
