use super::*;
use crate::Post;

fn post(key: &str) -> Post {
    Post::new(format!("post {key}")).idempotency_key(key)
}

fn texts(outbox: &Outbox) -> Vec<String> {
    outbox.posts().unwrap().into_iter().map(|entry| entry.text).collect()
}

#[tokio::test]
async fn a_file_keeps_posts_and_keys_between_openings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.jsonl");
    let first = Outbox::file(&path).unwrap();
    assert_eq!(first.account(), "outbox/posts.jsonl");
    let receipt = first.publish(&post("a")).await.unwrap();
    drop(first);
    let second = Outbox::file(&path).unwrap();
    assert_eq!(second.publish(&post("a")).await.unwrap(), receipt);
    let other = second.publish(&post("b")).await.unwrap();
    assert_ne!(other.id, receipt.id);
    assert_eq!(texts(&second), ["post a", "post b"]);
    assert_eq!(read(&path).unwrap(), second.posts().unwrap());
    let raw = std::fs::read_to_string(&path).unwrap();
    assert!(
        raw.starts_with(r#"{"id":"1","at_ms":"#) && raw.ends_with("\"idempotency_key\":\"b\"}\n"),
        "{raw}"
    );
}

#[tokio::test]
async fn a_second_opener_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.jsonl");
    let first = Outbox::file(&path).unwrap();
    let error = Outbox::file(&path).unwrap_err();
    assert!(error.to_string().contains("open in another outbox"), "{error}");
    assert!(read(&path).unwrap().is_empty());
    drop(first);
    Outbox::file(&path).unwrap();
}

#[tokio::test]
async fn a_line_torn_at_any_byte_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("posts.jsonl");
    let outbox = Outbox::file(&path).unwrap();
    for key in ["a", "b"] {
        outbox.publish(&post(key)).await.unwrap();
    }
    drop(outbox);
    let whole = std::fs::read(&path).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in first..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        let outbox = Outbox::file(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), first as u64);
        let absent = outbox.reconcile(&Attempt::new(post("b"), 0)).await.unwrap();
        assert_eq!(absent, Reconciled::Absent);
        outbox.publish(&post("b")).await.unwrap();
        assert_eq!(texts(&outbox), ["post a", "post b"]);
    }
}

#[test]
fn a_file_that_is_no_outbox_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for content in [
        "my notes\n",
        "{\"id\":\"1\",\"at_ms\":1,\"text\":\"a\"}\n\0\0\n",
        "\u{1F600}\n",
    ] {
        std::fs::write(&path, content).unwrap();
        let error = Outbox::file(&path).unwrap_err();
        assert!(error.to_string().contains("is no post"), "{error}");
        assert!(!error.is_retryable());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
    }
    std::fs::write(&path, vec![b'a'; 2 * 1024 * 1024]).unwrap();
    assert!(Outbox::file(&path).unwrap_err().to_string().contains("longer than"));
    assert!(Outbox::file(folder.path()).is_err());
    assert!(Outbox::file(folder.path().join("missing/posts.jsonl")).is_err());
}

#[tokio::test]
async fn concurrent_publishes_of_one_key_append_one_line() {
    let outbox = Outbox::memory();
    let (a, b) = (post("a"), post("a"));
    let (first, second) = tokio::join!(outbox.publish(&a), outbox.publish(&b));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(outbox.posts().unwrap().len(), 1);
}

#[tokio::test]
async fn a_post_without_a_key_is_appended_and_cannot_be_looked_up() {
    let outbox = Outbox::memory();
    let post = Post::new("plain");
    let first = outbox.publish(&post).await.unwrap();
    assert_ne!(outbox.publish(&post).await.unwrap().id, first.id);
    let reconciled = outbox.reconcile(&Attempt::new(post, 0)).await.unwrap();
    assert!(matches!(reconciled, Reconciled::CannotTell { .. }));
}

#[tokio::test]
async fn the_imitated_limits_are_enforced() {
    let outbox = Outbox::memory().with_limits(Counter::Graphemes, 3, MediaLimits::default());
    outbox.publish(&Post::new("日本語")).await.unwrap();
    assert!(matches!(
        outbox.publish(&Post::new("abcd")).await,
        Err(Error::TooLong { count: 4, max: 3, .. })
    ));
    let media = Media::new(&b"\x89PNG"[..], "image/png");
    assert!(matches!(outbox.upload(&media).await, Err(Error::Unsupported { .. })));
}

#[cfg(feature = "conformance")]
mod suite {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::*;
    use crate::conformance::{Fault, Harness, Visible};

    type Injected = Arc<Mutex<Option<Fault>>>;

    /// A log whose next append fails the way a full or dying disk does.
    struct FailingLog {
        inner: Box<dyn Log>,
        fault: Injected,
        appends: Arc<AtomicUsize>,
        stuck: bool,
    }

    impl Log for FailingLog {
        fn read(&mut self) -> std::io::Result<Box<dyn std::io::BufRead + '_>> {
            self.stuck = false;
            self.inner.read()
        }

        fn append(&mut self, line: &[u8]) -> std::io::Result<()> {
            self.appends.fetch_add(1, Ordering::SeqCst);
            let fault = self.fault.lock().unwrap().take();
            match fault {
                None => return self.inner.append(line),
                // Half a line is written, and it can be taken back.
                Some(Fault::Down) => self.inner.append(&line[..line.len() / 2])?,
                Some(Fault::AnswerLost) => {
                    self.stuck = true;
                    self.inner.append(line)?;
                }
                Some(Fault::RequestLost) => {
                    self.stuck = true;
                    self.inner.append(&line[..line.len() / 2])?;
                }
                Some(other) => panic!("{other:?} cannot happen to a file"),
            }
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn truncate(&mut self, length: u64) -> std::io::Result<()> {
            if self.stuck {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            self.inner.truncate(length)
        }
    }

    struct OnLog {
        outbox: Outbox,
        fault: Injected,
        appends: Arc<AtomicUsize>,
        _folder: Option<tempfile::TempDir>,
    }

    impl OnLog {
        fn over(inner: Box<dyn Log>, folder: Option<tempfile::TempDir>) -> Self {
            let (fault, appends) = (Injected::default(), Arc::new(AtomicUsize::new(0)));
            let log = FailingLog {
                inner,
                fault: fault.clone(),
                appends: appends.clone(),
                stuck: false,
            };
            let outbox = Outbox::over("outbox/test".to_owned(), State::empty(Box::new(log)));
            Self {
                outbox,
                fault,
                appends,
                _folder: folder,
            }
        }
    }

    fn visible(entry: Entry) -> Visible {
        let mut visible = Visible::new(entry.id, entry.text);
        visible.alts = entry.media.into_iter().map(|media| media.alt).collect();
        visible.language = entry.language;
        visible.visibility = entry.visibility;
        visible.content_warning = entry.content_warning;
        visible
    }

    macro_rules! harness {
        ($name:ident, $start:expr) => {
            struct $name(OnLog);

            #[async_trait]
            impl Harness for $name {
                async fn start() -> Self {
                    Self($start)
                }
                fn target(&self) -> &dyn SocialTarget {
                    &self.0.outbox
                }
                fn can(&self, fault: Fault) -> bool {
                    matches!(fault, Fault::Down | Fault::AnswerLost | Fault::RequestLost)
                }
                async fn inject(&self, fault: Fault) {
                    *self.0.fault.lock().unwrap() = Some(fault);
                }
                async fn visible(&self) -> Vec<Visible> {
                    // Read past the outbox: what its index believes is not what is there.
                    let mut state = self.0.outbox.state();
                    let mut entries = Vec::new();
                    entry::each(state.log.read().unwrap(), |entry, _| entries.push(visible(entry))).unwrap();
                    entries
                }
                async fn requests(&self) -> usize {
                    self.0.appends.load(Ordering::SeqCst)
                }
                fn now_ms(&self) -> i64 {
                    SystemClock.now_ms()
                }
                async fn settle(&self) {}
            }
        };
    }

    harness!(Memory, OnLog::over(Box::new(MemoryLog::default()), None));
    harness!(OnFile, {
        let folder = tempfile::tempdir().unwrap();
        let log = FileLog::open(&folder.path().join("posts.jsonl")).unwrap();
        OnLog::over(Box::new(log), Some(folder))
    });

    macro_rules! suite {
        ($name:ident, $harness:ty) => {
            mod $name {
                use super::*;
                crate::social_target_conformance!($harness; skip {
                    check_reports_refused_credentials = "an outbox has no credentials",
                    refused_credentials_are_unauthenticated = "an outbox has no credentials",
                    rate_limit_says_how_long_to_wait = "a file has no rate",
                    silence_is_unknown = "a write returns or fails",
                    server_error_after_commit_is_unknown = "there is no server",
                    garbage_answer_is_unknown = "there is no answer to read",
                    two_matches_cannot_be_told_apart = "the key is looked up, not the text",
                    no_secret_is_printed = "an outbox is given no secret",
                });
            }
        };
    }

    #[tokio::test]
    #[should_panic(expected = "the target declares the behaviour")]
    async fn a_skip_of_declared_behaviour_fails() {
        crate::__social_target_case! {
            (Memory) same_key_twice_is_one_visible_post [same_key_twice_is_one_visible_post = "none",]
        }
    }

    #[tokio::test]
    #[should_panic(expected = "there is no case named same_key")]
    async fn a_skip_of_no_case_fails() {
        crate::__social_target_case! { (Memory) names_are_stable [same_key = "none",] }
    }

    suite!(memory, Memory);
    suite!(file, OnFile);
}
