//! Who has which slug and keyword already.

use std::collections::HashMap;

use presswork_content_store::{ContentStore, NewPage, PageQuery, PageSummary};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::config::SiteConfig;

/// Pages read at a time.
const ROWS: u32 = 1_000;

type Short = [u8; 16];

/// The slugs and keywords of a site with the topics they belong to, 16 bytes for each.
pub(super) struct Taken {
    locale: String,
    slugs: HashMap<Short, Short>,
    keywords: HashMap<Short, Short>,
}

impl Taken {
    pub(super) async fn read(store: &dyn ContentStore, site: &SiteConfig) -> Result<Self> {
        let mut taken = Self {
            locale: site.locale.clone(),
            slugs: HashMap::new(),
            keywords: HashMap::new(),
        };
        each_page(store, site, |page| {
            if page.locale == taken.locale {
                let key = short(&page.row_key);
                taken.slugs.insert(short(&page.slug), key);
                taken.keywords.insert(short(&page.primary_keyword), key);
            }
        })
        .await?;
        Ok(taken)
    }

    /// Whether a page stands at the topic's address already.
    pub(super) fn has(&self, topic: &NewPage) -> bool {
        self.slugs.contains_key(&short(&topic.slug))
    }

    /// The field of a topic that belongs to another one.
    pub(super) fn field(&self, topic: &NewPage) -> Option<&'static str> {
        let other = |owners: &HashMap<Short, Short>, value: &str| {
            let owner = owners.get(&short(value));
            owner.is_some_and(|owner| *owner != short(&topic.row_key))
        };
        if other(&self.slugs, &topic.slug) {
            Some("slug")
        } else {
            other(&self.keywords, &topic.primary_keyword).then_some("primary_keyword")
        }
    }

    /// The key of the topic that has what `topic` wants.
    pub(super) async fn owner(
        store: &dyn ContentStore,
        site: &SiteConfig,
        topic: &NewPage,
        field: &str,
    ) -> Result<String> {
        let mut owner = String::new();
        each_page(store, site, |page| {
            let has = match field {
                "slug" => page.slug == topic.slug,
                _ => page.primary_keyword == topic.primary_keyword,
            };
            if has && page.locale == topic.locale {
                owner = page.row_key;
            }
        })
        .await?;
        Ok(owner)
    }
}

/// Every page of the site, in the order of planning, a thousand at a time.
async fn each_page(
    store: &dyn ContentStore,
    site: &SiteConfig,
    mut found: impl FnMut(PageSummary) + Send,
) -> Result<()> {
    let query = PageQuery {
        site: site.id.clone(),
        status: None,
    };
    let mut after = None;
    loop {
        let list = store.list(&query, after.as_ref(), ROWS).await?;
        list.items.into_iter().for_each(&mut found);
        match list.next {
            None => return Ok(()),
            next => after = next,
        }
    }
}

fn short(text: &str) -> Short {
    let mut short = Short::default();
    short.copy_from_slice(&Sha256::digest(text)[..16]);
    short
}
