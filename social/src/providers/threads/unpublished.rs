//! Containers that a lost attempt left behind. A container is published once, whoever asks how often: as long as it may be
//! published, no second one is made for the same post.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::Threads;
use crate::{Error, Post, Result};

/// Containers that are remembered; each is gone after a day.
const MOST: usize = 64;

#[derive(Default)]
pub(super) struct Unpublished(Mutex<VecDeque<(Post, String)>>);

impl Unpublished {
    pub(super) fn keep(&self, post: &Post, container: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(known, _)| known != post);
        if kept.len() >= MOST {
            kept.pop_front();
        }
        kept.push_back((post.clone(), container.to_owned()));
    }

    fn take(&self, post: &Post) -> Option<String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == post)?;
        kept.remove(at).map(|(_, container)| container)
    }
}

impl Threads {
    /// The container of an earlier attempt at this very post, when it can still be published.
    pub(super) async fn left_behind(&self, post: &Post) -> Result<Option<String>> {
        let Some(container) = self.unpublished.take(post) else {
            return Ok(None);
        };
        match self.status(&container).await {
            Ok(Some(status)) if status["status"] == "FINISHED" => Ok(Some(container)),
            Ok(Some(status)) if status["status"] == "PUBLISHED" => {
                let report = self.caller.note("the container of an earlier attempt is published");
                Err(Error::unknown(report, None).with_id(container))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                self.unpublished.keep(post, &container);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_containers_are_remembered_once() {
        let kept = Unpublished::default();
        for index in 0..=MOST {
            kept.keep(&Post::new(index.to_string()), "old");
        }
        kept.keep(&Post::new("7"), "new");
        assert_eq!(kept.take(&Post::new("0")), None);
        assert_eq!(kept.take(&Post::new("7")).as_deref(), Some("new"));
        assert_eq!(kept.take(&Post::new("7")), None);
    }
}
