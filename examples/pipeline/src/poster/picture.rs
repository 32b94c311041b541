//! The picture of a post.

use presswork_content_store::Page;
use presswork_social::{Error as SocialError, Media, Post, SocialTarget, UploadedMedia};

use super::Poster;
use super::variant::Refusal;
use crate::{site, text};

impl Poster {
    /// The post with the page's picture: of its card, where the network shows one, else beside the text. An upload is good for
    /// a while only, so each attempt makes its own. A network that takes no files gets the post without.
    pub(super) async fn pictured(
        &self,
        target: &dyn SocialTarget,
        page: &Page,
        mut post: Post,
    ) -> Result<Post, Refusal> {
        post.media.clear();
        if let Some(card) = &mut post.card {
            card.thumb = None;
        }
        let limits = target.limits();
        if limits.media.max_count == 0 {
            return Ok(post);
        }
        let Some(media) = self.picture(page).await else {
            return Ok(post);
        };
        let alt = page.content.iter().flat_map(|content| content.title.chars());
        let uploaded = target
            .upload(&media.alt(alt.take(limits.media.max_alt).collect::<String>()))
            .await;
        let with = |uploaded: UploadedMedia| {
            let mut with = post.clone();
            match &mut with.card {
                Some(card) => card.thumb = Some(uploaded),
                None => with.media.push(uploaded),
            }
            limits.check(&with).map(|()| with)
        };
        match uploaded.and_then(with) {
            Ok(with) => Ok(with),
            Err(error) if error.is_retryable() => Err(Refusal {
                message: text::sentence(&format!("no picture for the post: {error}")),
                again: true,
                wait: error.retry_after(),
            }),
            Err(error) => {
                let network = target.network();
                match error {
                    // So do networks that fetch a file from its public address: the page may not be public yet.
                    SocialError::Unsupported { .. } | SocialError::Rejected { .. } => {
                        tracing::debug!(%error, network, "posted without a picture");
                    }
                    _ => tracing::warn!(%error, network, "posted without a picture"),
                }
                Ok(post)
            }
        }
    }

    async fn picture(&self, page: &Page) -> Option<Media> {
        let model = self.cards.as_ref()?;
        match site::card(model.as_ref(), &self.config.site, page).await {
            Ok(image) => image.map(|image| Media::new(image.bytes, image.media_type).file_name(site::CARD)),
            Err(error) => {
                tracing::warn!(%error, slug = page.slug, "no picture is drawn");
                None
            }
        }
    }
}
