use serde::{Deserialize, Serialize};

use crate::{Attempt, Error, Post, Published, Reconciled, Result, SocialTarget};

/// A thread that is published part by part, each an answer to the one before: plain data, to be stored after every
/// [`arm`](Thread::arm) and every [`advance`](Thread::advance), so that it goes on where it stood after a crash.
///
/// No part is sent before the id of the one before is known, and a part whose outcome is unknown is looked up, never
/// repeated. On a network that publishes threads at once ([`Limits::thread`](crate::Limits::thread)) the whole thread
/// is one part.
///
/// ```
/// # use presswork_social::{Outbox, Post, Splitter, SocialTarget, Step, Thread};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let target = Outbox::memory();
/// let parts = Splitter::new([&target.limits()]).split("The first part, which is also the last.")?;
/// let mut thread = Thread::new(Post::new(&parts[0]).idempotency_key("launch"), &parts[1..], &target.limits());
/// loop {
///     thread.arm(1_795_435_200_000);
///     // Store `thread` here.
///     match thread.advance(&target).await? {
///         Step::Part => continue, // Store it here, too.
///         Step::Done => break,
///         other => panic!("look again later: {other:?}"),
///     }
/// }
/// assert_eq!(thread.published().len(), 1);
/// # Ok::<(), presswork_social::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// What is still to be published, first to last.
    parts: Vec<Post>,
    published: Vec<Published>,
    armed: Option<Attempt>,
}

/// What one [`advance`](Thread::advance) came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// One more part is visible.
    Part,
    /// Every part is visible.
    Done,
    /// What became of the armed part is unknown: store the thread and call again later, it will look.
    Look,
    /// The armed part is not there and will not appear: arm again.
    Absent,
    /// Whether the armed part is there cannot be said; a person decides.
    CannotTell {
        /// Why not, in a sentence.
        why: String,
    },
}

impl Thread {
    /// A thread that begins with `root` and goes on with `rest`. The parts take the root's settings; its link, uploads
    /// and warning stay with it, and each part gets a key of its own from the root's.
    pub fn new<T: AsRef<str>>(root: Post, rest: &[T], limits: &crate::Limits) -> Self {
        let rest = rest.iter().map(|part| part.as_ref().to_owned());
        let parts = if limits.thread > 0 {
            let mut whole = root;
            whole.thread.extend(rest);
            vec![whole]
        } else {
            let answers: Vec<Post> = rest
                .enumerate()
                .map(|(index, text)| answer(&root, text, index + 2))
                .collect();
            std::iter::once(root).chain(answers).collect()
        };
        Self {
            parts,
            published: Vec::new(),
            armed: None,
        }
    }

    /// The receipts of the parts that are visible, first to last.
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// Whether every part is visible.
    pub fn is_done(&self) -> bool {
        self.published.len() == self.parts.len()
    }

    /// Writes down that the next part is about to be published; `now_ms` is milliseconds since 1970 (UTC). Does nothing
    /// while a part is armed. The thread must be stored before [`advance`](Thread::advance) is called.
    pub fn arm(&mut self, now_ms: i64) {
        if self.armed.is_some() {
            return;
        }
        if let Some(next) = self.parts.get_mut(self.published.len()) {
            // Kept when the part is armed again.
            next.made_at_ms.get_or_insert(now_ms);
            let mut post = next.clone();
            if let Some(last) = self.published.last() {
                post.reply_to = Some(last.id.clone());
            }
            self.armed = Some(Attempt::new(post, now_ms));
        }
    }

    /// Publishes the armed part once; a part that was armed before a crash must be [settled](Thread::settle) instead.
    ///
    /// # Errors
    /// Those of [`publish`](SocialTarget::publish) that say that nothing was posted; the part is then no longer armed.
    /// [`Error::Config`] when no part is armed.
    pub async fn advance(&mut self, target: &dyn SocialTarget) -> Result<Step> {
        let Some(attempt) = &mut self.armed else {
            return if self.is_done() {
                Ok(Step::Done)
            } else {
                Err(not_armed(target))
            };
        };
        if attempt.evidence.is_some() {
            return self.settle(target).await;
        }
        match target.publish(&attempt.post).await {
            Ok(published) => Ok(self.took(published)),
            Err(error) => match error.evidence() {
                Some(evidence) => {
                    attempt.evidence = Some(evidence.clone());
                    Ok(Step::Look)
                }
                None => {
                    self.armed = None;
                    Err(error)
                }
            },
        }
    }

    /// Looks up what became of the armed part: after [`Step::Look`], and after a crash between
    /// [`arm`](Thread::arm) and the end of [`advance`](Thread::advance).
    ///
    /// # Errors
    /// Those of [`reconcile`](SocialTarget::reconcile), which say nothing about the post: ask again later.
    pub async fn settle(&mut self, target: &dyn SocialTarget) -> Result<Step> {
        let Some(attempt) = &self.armed else {
            return if self.is_done() {
                Ok(Step::Done)
            } else {
                Err(not_armed(target))
            };
        };
        match target.reconcile(attempt).await? {
            Reconciled::Found(published) => Ok(self.took(published)),
            Reconciled::Absent => {
                self.armed = None;
                Ok(Step::Absent)
            }
            Reconciled::CannotTell { why } => Ok(Step::CannotTell { why }),
        }
    }

    fn took(&mut self, published: Published) -> Step {
        self.armed = None;
        self.published.push(published);
        if self.is_done() { Step::Done } else { Step::Part }
    }
}

fn answer(root: &Post, text: String, number: usize) -> Post {
    let mut post = Post::new(text);
    post.language.clone_from(&root.language);
    post.visibility = root.visibility;
    post.made_with_ai = root.made_with_ai;
    post.idempotency_key = root.idempotency_key.as_ref().map(|key| format!("{key}/{number}"));
    post
}

fn not_armed(target: &dyn SocialTarget) -> Error {
    Error::Config {
        report: crate::Report::new(target.network(), "the next part of the thread is not armed"),
    }
}
