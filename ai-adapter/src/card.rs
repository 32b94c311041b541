//! A card with a title, drawn without a model and without a network.

mod font;
mod layout;
mod png;
mod raster;
mod svg;

use async_trait::async_trait;

use self::layout::Layout;
use crate::clock::elapsed;
use crate::ledger::enter;
use crate::{Attempt, Error, Failure, Image, ImageModel, ImageRequest, ImageResponse, Result, platform};

const NAME: &str = "card";
const PNG: &str = "image/png";
const SVG: &str = "image/svg+xml";

/// What link previews show: 1.91 to 1, as [Open Graph's readers](https://developers.facebook.com/docs/sharing/webmasters/images/) want it.
const SIZE: (u32, u32) = (1200, 630);
/// Below this nothing can be read, above it the picture is no card.
const SMALLEST: u32 = 200;
const LARGEST: u32 = 4096;

/// Draws cards for link previews: the request's prompt as a title, the site's name below it.
///
/// The same request gives the same bytes. The file is a PNG, or an SVG when the request's
/// [`media_type`](ImageRequest::media_type) asks for it; 1200 x 630 pixels unless it asks for another size from 200 to 4,096. The title is
/// wrapped, and cut when even the smallest letters do not fit. The PNG has letters for Latin scripts alone: a title in another
/// one is [`Error::Unsupported`] there, and works as SVG.
///
/// Every response carries a warning that no model drew it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use presswork_ai_adapter::{Card, ImageModel, ImageRequest};
///
/// let cards = Card::new("Time zones");
/// let drawn = cards.generate_image(&ImageRequest::new("What time is it in Rome?")).await?;
/// assert_eq!(drawn.images[0].media_type, "image/png");
/// # Ok::<(), presswork_ai_adapter::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Card {
    site: String,
    accent: [u8; 3],
}

impl Card {
    /// Cards of this site; the name may be empty.
    pub fn new(site: impl Into<String>) -> Self {
        Self {
            site: site.into(),
            accent: [0x1f, 0x6f, 0xeb],
        }
    }

    /// Sets the colour of the bar and the mark: red, green, blue.
    #[must_use]
    pub fn accent(mut self, red: u8, green: u8, blue: u8) -> Self {
        self.accent = [red, green, blue];
        self
    }

    fn draw(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let refused = |what: &str| Err(Error::Unsupported(Failure::new(NAME, what).boxed()));
        let media_type = match request.media_type.as_deref() {
            None => PNG,
            Some(wanted) if wanted == PNG || wanted == SVG => wanted,
            Some(_) => return refused("a card is a PNG or an SVG"),
        };
        if !request.images.is_empty() {
            return refused("a card takes no pictures");
        }
        let (width, height) = request.size.unwrap_or(SIZE);
        let allowed = SMALLEST..=LARGEST;
        if !allowed.contains(&width) || !allowed.contains(&height) {
            return refused("a card is from 200 to 4096 pixels wide and high");
        }
        let layout = Layout::new(&request.prompt, &self.site, width, height);
        if layout.title.is_empty() {
            return Err(Error::Config(Failure::new(NAME, "the request has no title").boxed()));
        }
        let bytes = if media_type == SVG {
            svg::draw(&layout, self.accent).into_bytes()
        } else {
            if let Some(letter) = layout.missing() {
                let message = format!("the PNG has no letter for `{letter}`; ask for image/svg+xml");
                return Err(Error::Unsupported(Failure::new(NAME, message).boxed()));
            }
            raster::draw(&layout, self.accent)
        };
        let mut response = ImageResponse::new(NAME, NAME, vec![Image::new(bytes, media_type)]);
        let warning = "no model drew this picture: it is a card with the title";
        response.warnings.push(warning.to_owned());
        Ok(response)
    }
}

#[async_trait]
impl ImageModel for Card {
    fn provider(&self) -> &str {
        NAME
    }

    fn model(&self) -> &str {
        NAME
    }

    async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let started = platform::now_ms();
        let mut result = self.draw(request);
        enter(&mut result, || Attempt {
            cost_micros: Some(0),
            ..Attempt::new(NAME, NAME, Some(elapsed(started, platform::now_ms())))
        });
        result
    }
}

#[cfg(test)]
mod tests;
