//! [Uploads](https://docs.x.com/x-api/media/introduction): pictures in one request, all else in pieces.

use std::time::Duration;

use reqwest::{
    Method, RequestBuilder,
    multipart::{Form, Part},
};
use serde_json::json;

use super::{NETWORK, X, wire};
use crate::{Error, Media, Result, UploadedMedia, http::Call};

/// Bytes of one piece; pieces of 5 MB have been refused as too large.
const PIECE: usize = 1024 * 1024;

/// Looks at an upload that is being processed, and the longest wait between two of them.
const LOOKS: usize = 30;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl X {
    pub(super) async fn upload_media(&self, media: &Media) -> Result<UploadedMedia> {
        let kind = media.content_type.to_ascii_lowercase();
        let upload = match kind.as_str() {
            "image/gif" => self.in_pieces(media, "tweet_gif").await?,
            "video/mp4" => self.in_pieces(media, "tweet_video").await?,
            _ => self.at_once(media).await?,
        };
        self.processed(&upload).await?;
        if let Some(alt) = &media.alt {
            let body = json!({"id": upload.id, "metadata": {"alt_text": {"text": alt}}});
            self.post_json("/2/media/metadata", &body).await?;
        }
        Ok(UploadedMedia::new(NETWORK, upload.id, media.alt.clone()))
    }

    async fn at_once(&self, media: &Media) -> Result<wire::Upload> {
        let form = || {
            Ok(Form::new()
                .text("media_category", "tweet_image")
                .part("media", part(media, 0..media.bytes.len())?))
        };
        let body = |request: RequestBuilder| Ok(request.multipart(form()?));
        let answer = self
            .call(Method::POST, self.url("/2/media/upload", &[]), Call::Repeatable, &body)
            .await?;
        let upload: wire::Data<wire::Upload> = self.caller.decode(&answer, Call::Repeatable)?;
        Ok(upload.data)
    }

    async fn in_pieces(&self, media: &Media, category: &str) -> Result<wire::Upload> {
        let body =
            json!({"media_type": media.content_type, "total_bytes": media.bytes.len(), "media_category": category});
        let upload = self.post_json("/2/media/upload/initialize", &body).await?;
        for (index, start) in (0..media.bytes.len()).step_by(PIECE).enumerate() {
            let piece = start..media.bytes.len().min(start + PIECE);
            let form = || {
                Ok(Form::new()
                    .text("segment_index", index.to_string())
                    .part("media", part(media, piece.clone())?))
            };
            let body = |request: RequestBuilder| Ok(request.multipart(form()?));
            let url = self.url(&format!("/2/media/upload/{}/append", upload.id), &[]);
            self.call(Method::POST, url, Call::Repeatable, &body).await?;
        }
        self.post_json(&format!("/2/media/upload/{}/finalize", upload.id), &json!({}))
            .await
    }

    async fn post_json(&self, path: &str, body: &serde_json::Value) -> Result<wire::Upload> {
        let text = body.to_string();
        let body = |request: RequestBuilder| Ok(request.header("content-type", "application/json").body(text.clone()));
        let answer = self
            .call(Method::POST, self.url(path, &[]), Call::Repeatable, &body)
            .await?;
        let upload: wire::Data<wire::Upload> = self.caller.decode(&answer, Call::Repeatable)?;
        Ok(upload.data)
    }

    /// Waits until X has processed the upload.
    async fn processed(&self, upload: &wire::Upload) -> Result<()> {
        let mut last = None;
        for _ in 0..LOOKS {
            let info = match &last {
                None => &upload.processing_info,
                Some(looked) => looked,
            };
            // An upload without this part is ready.
            let Some(info) = info else { return Ok(()) };
            match info.state.as_str() {
                "succeeded" => return Ok(()),
                "failed" => {
                    return Err(Error::Rejected {
                        report: self.caller.note("X could not process the upload"),
                        field: Some("media".to_owned()),
                    });
                }
                _ => {}
            }
            let wait = Duration::from_secs(info.check_after_secs.unwrap_or(2).max(1)).min(LONGEST_WAIT);
            self.caller.clock.sleep(wait).await;
            let query = [("command", "STATUS"), ("media_id", upload.id.as_str())];
            let looked: wire::Data<wire::Upload> = self.get("/2/media/upload", &query).await?;
            last = Some(looked.data.processing_info);
        }
        Err(Error::MediaNotReady {
            report: self.caller.note("X is still processing the upload"),
            retry_after: Some(Duration::from_secs(60)),
        })
    }
}

fn part(media: &Media, range: std::ops::Range<usize>) -> Result<Part> {
    let part = Part::stream(media.bytes.slice(range)).file_name(media.file_name.clone());
    part.mime_str(&media.content_type).map_err(|_| Error::Rejected {
        report: crate::Report::new(NETWORK, format!("{} is no MIME type", media.content_type)),
        field: Some("media".to_owned()),
    })
}
