//! The picture that stands for a page in link previews and posts.

use presswork_ai_adapter::{Error as ModelError, Image, ImageModel, ImageRequest};
use presswork_content_store::Page;

use crate::config::SiteConfig;

/// Its name beside the page.
pub const CARD: &str = "card.png";

/// What link previews show (<https://developers.facebook.com/docs/sharing/webmasters/images/>).
pub const CARD_SIZE: (u32, u32) = (1200, 630);

/// Where the picture of a page is, when the site has such pictures.
#[must_use]
pub fn card_url(site: &SiteConfig, slug: &str) -> Option<String> {
    (site.cards == Some(true)).then(|| format!("{}{CARD}", site.page_url(slug)))
}

/// The slug whose picture is at that path.
#[must_use]
pub fn card_slug(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.strip_suffix(CARD)?.strip_suffix('/')
}

/// Draws the title of a page as a PNG; where the letters of the title cannot be drawn the site's name, and at last the slug,
/// which every picture can show.
///
/// # Errors
/// As [`ImageModel::generate_image`].
pub async fn card(model: &dyn ImageModel, site: &SiteConfig, page: &Page) -> Result<Option<Image>, ModelError> {
    let title = page.content.as_ref().map_or("", |content| &*content.title);
    let mut drawn = None;
    for words in [title, &*site.name, &*page.slug] {
        let (width, height) = CARD_SIZE;
        let request = ImageRequest::new(words).size(width, height).media_type("image/png");
        match model.generate_image(&request).await {
            Err(ModelError::Unsupported(_) | ModelError::Config(_)) => {}
            answer => {
                drawn = answer?.images.into_iter().next();
                break;
            }
        }
    }
    Ok(drawn)
}
