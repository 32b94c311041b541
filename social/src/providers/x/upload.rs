//! [Uploads](https://docs.x.com/x-api/media/introduction): pictures in one request, all else in pieces.

use std::{ops::Range, time::Duration};

use serde_json::{Value, json};

use super::{NETWORK, X};
use crate::{
    Error, Media, Result, UploadedMedia,
    http::{Call, File, Request, percent_encoded, text},
};

/// Bytes of one piece; pieces of 5 MB have been refused as too large.
const PIECE: usize = 1024 * 1024;

/// Looks at an upload that is being processed, and the longest wait between two of them.
const LOOKS: usize = 30;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What the answer to an upload has to name.
const ID: &[&str] = &["/data/id"];

impl X {
    pub(super) async fn upload_media(&self, media: &Media) -> Result<UploadedMedia> {
        let kind = media.content_type.to_ascii_lowercase();
        let upload = match kind.as_str() {
            "image/gif" => self.in_pieces(media, "tweet_gif").await?,
            "video/mp4" => self.in_pieces(media, "tweet_video").await?,
            _ => {
                let about = ("media_category", "tweet_image");
                let request = self.file("/2/media/upload", about, media, 0..media.bytes.len())?;
                self.ask(request, ID).await?
            }
        };
        let id = text(&upload["data"], "id");
        self.processed(&id, upload).await?;
        if let Some(alt) = &media.alt {
            let body = json!({"id": id, "metadata": {"alt_text": {"text": alt}}});
            let request = self.request("POST", "/2/media/metadata", &[]).json(&body);
            self.call(request, Call::Repeatable).await?;
        }
        Ok(UploadedMedia::new(NETWORK, id, media.alt.clone()))
    }

    fn file(&self, path: &str, about: (&str, &str), media: &Media, range: Range<usize>) -> Result<Request> {
        let field = "media";
        let file = File { field, media, range };
        self.request("POST", path, &[]).multipart(NETWORK, Some(about), &file)
    }

    async fn in_pieces(&self, media: &Media, category: &str) -> Result<Value> {
        let length = media.bytes.len();
        let body = json!({"media_type": media.content_type, "total_bytes": length, "media_category": category});
        let request = self.request("POST", "/2/media/upload/initialize", &[]).json(&body);
        let upload = self.ask(request, ID).await?;
        let path = format!("/2/media/upload/{}", percent_encoded(&text(&upload["data"], "id")));
        for (index, start) in (0..length).step_by(PIECE).enumerate() {
            let about = ("segment_index", index.to_string());
            let piece = start..length.min(start + PIECE);
            let request = self.file(&format!("{path}/append"), (about.0, &about.1), media, piece)?;
            self.call(request, Call::Repeatable).await?;
        }
        let request = self.request("POST", &format!("{path}/finalize"), &[]).json(&json!({}));
        self.ask(request, ID).await
    }

    /// Waits until X has processed the upload.
    async fn processed(&self, id: &str, mut upload: Value) -> Result<()> {
        for _ in 0..LOOKS {
            let info = &upload["data"]["processing_info"];
            // An upload without this part is ready.
            if info.is_null() {
                return Ok(());
            }
            match info["state"].as_str() {
                Some("succeeded") => return Ok(()),
                Some("failed") => {
                    return Err(Error::Rejected {
                        report: self.caller.note("X could not process the upload"),
                        field: Some("media".to_owned()),
                    });
                }
                _ => {}
            }
            let wait = Duration::from_secs(info["check_after_secs"].as_u64().unwrap_or(2).max(1)).min(LONGEST_WAIT);
            self.caller.clock.sleep(wait).await;
            let query = [("command", "STATUS"), ("media_id", id)];
            upload = self.ask(self.request("GET", "/2/media/upload", &query), ID).await?;
        }
        Err(Error::MediaNotReady {
            report: self.caller.note("X is still processing the upload"),
            retry_after: Some(Duration::from_secs(60)),
        })
    }
}
