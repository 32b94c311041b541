//! The sanitiser that reads HTML as a browser does.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::{ATTRIBUTES, CONTENT_GOES_TOO, REL, SCHEMES, TAGS};

static PROFILE: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let set = |names: &[&'static str]| names.iter().copied().collect::<HashSet<_>>();
    let scheme = |scheme: &&'static str| scheme.split_once(':').map_or(*scheme, |(name, _)| name);
    let mut profile = ammonia::Builder::empty();
    profile
        .tags(set(TAGS))
        .clean_content_tags(set(CONTENT_GOES_TOO))
        .tag_attributes(
            ATTRIBUTES
                .iter()
                .map(|(tag, names)| (*tag, set(names)))
                .collect::<HashMap<_, _>>(),
        )
        .generic_attributes(HashSet::new())
        .url_schemes(SCHEMES.iter().map(scheme).collect())
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some(REL))
        .strip_comments(true);
    profile
});

pub(super) fn clean(html: &str) -> String {
    PROFILE.clean(html).to_string()
}
