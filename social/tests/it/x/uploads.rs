//! The upload half of X.

use serde_json::{Value, json};

use super::world::World;
use crate::server::{Reply, Request};

#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) alt: Option<String>,
    bytes: Vec<u8>,
    total: usize,
    pub(super) finalized: bool,
    /// Looks that still find it in the making.
    pub(super) processing: usize,
}

impl World {
    pub(super) fn at_once(&mut self, request: &Request) -> Reply {
        let category = request.part("media_category").unwrap_or_default();
        self.common
            .require(category == b"tweet_image", "an upload without its category");
        let file = request.part("media").unwrap_or_default();
        if !file.starts_with(b"\x89PNG") {
            return Reply::json(
                400,
                &json!({"errors": [{"message": "media type unrecognized."}], "title": "Invalid Request"}),
            );
        }
        let (total, processing) = (file.len(), self.processing);
        self.store(Upload {
            bytes: file,
            total,
            finalized: true,
            processing,
            alt: None,
        })
    }

    pub(super) fn initialize(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let category = body["media_category"].as_str();
        self.common.require(
            matches!(category, Some("tweet_gif" | "tweet_video")),
            "a category of pieces",
        );
        self.store(Upload {
            total: usize::try_from(body["total_bytes"].as_u64().unwrap()).unwrap(),
            ..Upload::default()
        })
    }

    fn store(&mut self, upload: Upload) -> Reply {
        let id = (1_146_654_567_674_912_769 + self.uploads.len() as u64).to_string();
        self.uploads.insert(id.clone(), upload);
        self.described(&id)
    }

    pub(super) fn append(&mut self, request: &Request) -> Reply {
        let id = request.path.split('/').nth(4).unwrap();
        let index: usize = String::from_utf8(request.part("segment_index").unwrap())
            .unwrap()
            .parse()
            .unwrap();
        let upload = self.uploads.get_mut(id).unwrap();
        let piece = request.part("media").unwrap();
        assert!(index * 1024 * 1024 == upload.bytes.len() && piece.len() <= 1024 * 1024);
        upload.bytes.extend(piece);
        Reply::json(200, &json!({"data": {"id": id, "expires_at": 1}}))
    }

    pub(super) fn finalize(&mut self, request: &Request) -> Reply {
        let id = request.path.split('/').nth(4).unwrap().to_owned();
        let processing = self.processing;
        let upload = self.uploads.get_mut(&id).unwrap();
        assert_eq!(upload.bytes.len(), upload.total);
        (upload.finalized, upload.processing) = (true, processing);
        self.described(&id)
    }

    pub(super) fn status(&mut self, request: &Request) -> Reply {
        assert_eq!(request.query("command"), Some("STATUS"));
        let id = request.query("media_id").unwrap();
        let upload = self.uploads.get_mut(id).unwrap();
        upload.processing = upload.processing.saturating_sub(1);
        // What hangs once does not hang again.
        self.processing = 0;
        self.described(id)
    }

    fn described(&self, id: &str) -> Reply {
        let upload = &self.uploads[id];
        let mut data =
            json!({"id": id, "media_key": format!("3_{id}"), "size": upload.total, "expires_after_secs": 86_400});
        if upload.processing > 0 {
            data["processing_info"] = json!({"state": "in_progress", "check_after_secs": 3, "progress_percent": 8});
        }
        Reply::json(200, &json!({"data": data}))
    }

    pub(super) fn describe(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let id = body["id"].as_str().unwrap();
        let alt = body["metadata"]["alt_text"]["text"].as_str().map(str::to_owned);
        self.uploads.get_mut(id).unwrap().alt = alt;
        self.described(id)
    }
}
