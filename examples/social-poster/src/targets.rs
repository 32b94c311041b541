//! The networks that `TARGETS` names, among those that the Worker was built with: each is a feature.

use std::collections::BTreeSet;
use std::sync::Arc;
#[cfg(feature = "bluesky")]
use std::sync::LazyLock;

use presswork_pipeline::worker::Bound;
use presswork_social::SocialTarget;

/// Builds a target. The builders are alike and of different types. Whoever writes the vars owns the account, so any host is
/// good; with a var, another server than the network's own.
macro_rules! built {
    ($need:ident, $builder:expr) => {
        Some(Arc::new($need.made($builder.allow_private_hosts().build())?))
    };
    ($need:ident, $builder:expr, $server:ident by $var:literal) => {{
        let mut builder = $builder;
        if let Some(url) = $need.optional($var) {
            builder = builder.$server(url);
        }
        built!($need, builder)
    }};
}

/// Every target that is named, or a note of all that is missing.
pub(crate) fn targets(need: &mut Bound<'_>) -> Option<Vec<Arc<dyn SocialTarget>>> {
    let named = need.var("TARGETS")?;
    let kinds: BTreeSet<&str> = named.split(',').map(str::trim).collect();
    let targets: Vec<_> = kinds.iter().map(|kind| target(need, kind)).collect();
    targets.into_iter().collect()
}

fn target(need: &mut Bound<'_>, kind: &str) -> Option<Arc<dyn SocialTarget>> {
    match kind {
        #[cfg(feature = "mastodon")]
        "mastodon" => {
            let (url, account) = (need.var("MASTODON_URL"), need.var("MASTODON_ACCOUNT"));
            let token = need.secret("MASTODON_ACCESS_TOKEN");
            built!(
                need,
                presswork_social::Mastodon::builder(url?, token?).account(account?)
            )
        }
        #[cfg(feature = "bluesky")]
        "bluesky" => {
            /// A session is kept as long as the isolate, for a server lets an account sign in some hundred times a day.
            static SESSIONS: LazyLock<Arc<presswork_social::MemoryTokens>> = LazyLock::new(Default::default);
            let (account, password) = (need.var("BLUESKY_ACCOUNT"), need.secret("BLUESKY_APP_PASSWORD"));
            let target = presswork_social::Bluesky::builder(account?, password?).token_store(SESSIONS.clone());
            built!(need, target, service by "BLUESKY_URL")
        }
        #[cfg(feature = "x")]
        "x" => {
            let account = need.var("X_ACCOUNT");
            let (key, key_secret) = (need.secret("X_API_KEY"), need.secret("X_API_KEY_SECRET"));
            let (token, token_secret) = (need.secret("X_ACCESS_TOKEN"), need.secret("X_ACCESS_TOKEN_SECRET"));
            let target = presswork_social::X::builder(account?).oauth1(key?, key_secret?, token?, token_secret?);
            built!(need, target, base_url by "X_URL")
        }
        #[cfg(feature = "buffer")]
        "buffer" => {
            let (channel, key) = (need.var("BUFFER_ACCOUNT"), need.secret("BUFFER_API_KEY"));
            let service = need.var("BUFFER_SERVICE").and_then(|name| need.made(service(&name)));
            let target = presswork_social::Buffer::builder(key?, channel?, service?);
            built!(need, target, base_url by "BUFFER_URL")
        }
        #[cfg(feature = "linkedin")]
        "linkedin" => {
            let (author, version) = (need.var("LINKEDIN_ACCOUNT"), need.var("LINKEDIN_API_VERSION"));
            let token = need.secret("LINKEDIN_ACCESS_TOKEN");
            let target = presswork_social::LinkedIn::builder(author?, token?, version?);
            built!(need, target, base_url by "LINKEDIN_URL")
        }
        #[cfg(feature = "threads")]
        "threads" => {
            let (account, token) = (need.var("THREADS_ACCOUNT"), need.secret("THREADS_ACCESS_TOKEN"));
            let target = presswork_social::Threads::builder(account?, presswork_social::TokenSet::new(token?));
            built!(need, target, base_url by "THREADS_URL")
        }
        #[cfg(feature = "webhook")]
        "webhook" => {
            let (url, secret) = (need.var("WEBHOOK_URL"), need.secret("WEBHOOK_SECRET"));
            built!(need, presswork_social::Webhook::builder(url?, secret?))
        }
        other => need.made(Err(format!(
            "TARGETS names {other:?}, which this Worker was not built with"
        ))),
    }
}

#[cfg(feature = "buffer")]
fn service(name: &str) -> Result<presswork_social::providers::buffer::Service, String> {
    let service = presswork_social::providers::buffer::Service::named(name);
    service.ok_or_else(|| format!("BUFFER_SERVICE is {name:?}, expected x, mastodon, bluesky, threads or linkedin"))
}
