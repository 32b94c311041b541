//! Every call of four targets, or one POST by hand: what stays of it in a Worker is the figure. Nothing runs it.

use futures_util::FutureExt;

/// The host's memory says what to do, so that no call can be left out of the module.
#[unsafe(no_mangle)]
pub extern "C" fn run(which: u32, text: *const u8, length: usize) -> usize {
    // SAFETY: nobody calls this; a caller would own `length` bytes there.
    let text = String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(text, length) });
    calls(which, &text).now_or_never().unwrap_or_default()
}

#[cfg(feature = "base")]
async fn calls(_: u32, text: &str) -> usize {
    let request = reqwest::Client::new().post(text).bearer_auth(text);
    let body = serde_json::json!({ "status": text }).to_string();
    let Ok(answer) = request
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
    else {
        return 0;
    };
    let Ok(bytes) = answer.bytes().await else { return 1 };
    let value = serde_json::from_slice::<serde_json::Value>(&bytes).unwrap_or_default();
    value["id"].as_str().map_or(2, str::len)
}

#[cfg(feature = "four")]
async fn calls(which: u32, text: &str) -> usize {
    use presswork_social::{Attempt, Media, MemoryTokens, Post, SocialTarget, TokenSet, X};
    use presswork_social::{Bluesky, Buffer, Mastodon, providers::buffer::Service};
    let target: Option<Box<dyn SocialTarget>> = match which {
        0 => X::builder(text)
            .oauth2(text, TokenSet::new(text).refresh(text))
            .token_store(std::sync::Arc::new(MemoryTokens::new()))
            .build()
            .ok()
            .map(|target| Box::new(target) as _),
        1 => X::builder(text)
            .oauth1(text, text, text, text)
            .build()
            .ok()
            .map(|target| Box::new(target) as _),
        2 => Mastodon::builder(text, text)
            .account(text)
            .build()
            .ok()
            .map(|target| Box::new(target) as _),
        3 => Bluesky::builder(text, text)
            .build()
            .ok()
            .map(|target| Box::new(target) as _),
        4 => Buffer::builder(text, text, Service::X)
            .build()
            .ok()
            .map(|target| Box::new(target) as _),
        _ => None,
    };
    let Some(target) = target else { return 0 };
    let preview = target.limits().preview(&Post::new(text)).warnings.len();
    let checked = target
        .check()
        .await
        .map_or_else(|error| error.to_string(), |account| account.id);
    let media = Media::new(text.as_bytes().to_vec(), "image/png");
    let mut post = Post::new(target.limits().fit(text, 0));
    if let Ok(upload) = target.upload(&media).await {
        post = post.media(upload);
    }
    let published = target
        .publish(&post)
        .await
        .map_or_else(|error| error.to_string(), |published| published.id);
    let found = target.reconcile(&Attempt::new(post, 0)).await.is_ok();
    preview + checked.len() + published.len() + usize::from(found)
}
