//! Messages that were given up, on a platform whose queue keeps them for some days only: the store keeps them.

use std::time::Duration;

use presswork_content_store::{
    ContentStore, DeadLetter, DeadLetterClaim, DeadLetterId, NewDeadLetter, Op, PostOutcome, PostQuery, PostStatus,
};
use presswork_queue::{Delivery, Message, Outcome, Queue, Settle, Settlement};
use serde::Serialize;

use crate::message::PageMessage;
use crate::{Result, platform};

/// The header of a dead letter that says why it was given up.
pub const REASON: &str = "presswork-dead-reason";

/// The header of a dead letter that says how often it was delivered.
pub const ATTEMPTS: &str = "presswork-dead-attempts";

/// Letters of one call.
const LIMIT: u32 = 100;

/// How long letters are ours while they are sent.
const LEASE: Duration = Duration::from_secs(120);

/// A dead letter as its owner reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its id, by which it is redriven or discarded.
    pub id: String,
    /// What the message said.
    pub body: String,
    /// Why it was given up.
    pub reason: String,
    /// How often it was delivered; 0 where nobody knows.
    pub attempts: u32,
    /// When it was first sent (epoch ms).
    pub first_enqueued_ms: i64,
    /// When it was last given up (epoch ms).
    pub dead_at_ms: i64,
}

impl From<DeadLetter> for Listed {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.to_string(),
            body: letter.letter.body,
            reason: letter.letter.reason,
            attempts: letter.letter.attempts,
            first_enqueued_ms: letter.letter.first_enqueued_ms,
            dead_at_ms: letter.dead_at_ms,
        }
    }
}

/// Keeps every message of a batch of dead letters of `queue` and only then acknowledges it. One that cannot be kept comes
/// again; its neighbours are settled.
///
/// # Errors
/// [`Error::Queue`](crate::Error::Queue) when the verdicts are not taken: the messages come again, and each is one letter.
pub async fn record(store: &dyn ContentStore, batch: &dyn Settle, queue: &str, deliveries: &[Delivery]) -> Result<()> {
    let mut verdicts = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let header = |name: &str| delivery.headers().get(name).cloned();
        let letter = NewDeadLetter {
            queue: queue.to_owned(),
            message_id: delivery.id().to_string(),
            body: String::from_utf8_lossy(delivery.body()).into_owned(),
            reason: header(REASON).unwrap_or_else(|| "delivered too often".to_owned()),
            attempts: header(ATTEMPTS)
                .and_then(|attempts| attempts.parse().ok())
                .unwrap_or_default(),
            last_error: None,
            first_enqueued_ms: delivery.enqueued_at_ms(),
        };
        let verdict = match store.record_dead_letter(&Op::at(platform::now_ms()), &letter).await {
            Ok(_) => {
                tracing::error!(id = letter.message_id, reason = letter.reason, "dead letter kept");
                Outcome::Ack
            }
            Err(error) => {
                tracing::error!(%error, id = letter.message_id, body = letter.body, "dead letter not kept");
                Outcome::retry(error)
            }
        };
        verdicts.push(Settlement::new(delivery.lease().clone(), verdict));
    }
    batch.settle(&verdicts).await?;
    Ok(())
}

/// The first 100 letters of `queue`, oldest first.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store).
pub async fn list(store: &dyn ContentStore, queue: &str) -> Result<Vec<Listed>> {
    let list = store.list_dead_letters(Some(queue), None, LIMIT).await?;
    Ok(list.items.into_iter().map(Listed::from).collect())
}

/// Sends letters to `queue` again, those of `ids` or the first 100, and removes them once they were sent. Posts that the
/// network had refused are opened again for them. The answer is how many were sent.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) or [`Error::Queue`](crate::Error::Queue); the letters are kept then.
pub async fn redrive(store: &dyn ContentStore, queue: &dyn Queue, name: &str, ids: &[String]) -> Result<u64> {
    let owner = format!("redrive-{}", uuid::Uuid::now_v7());
    let claim = DeadLetterClaim {
        owner: owner.clone(),
        ids: chosen(store, name, ids).await?,
        lease: LEASE,
    };
    if claim.ids.is_empty() {
        return Ok(0);
    }
    let letters = store.take_dead_letters(&Op::at(platform::now_ms()), &claim).await?;
    reopen(store, &letters).await?;
    let messages: Vec<Message> = letters
        .iter()
        .map(|letter| Message::new(letter.letter.body.as_str()))
        .collect();
    if messages.is_empty() {
        return Ok(0);
    }
    queue.send_batch(&messages).await?;
    let sent: Vec<DeadLetterId> = letters.iter().map(|letter| letter.id).collect();
    Ok(store
        .remove_dead_letters(&Op::at(platform::now_ms()), Some(&owner), &sent)
        .await?)
}

/// Removes the letters of `ids` for good. The answer is how many there were.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store).
pub async fn discard(store: &dyn ContentStore, ids: &[String]) -> Result<u64> {
    let ids = parsed(ids)?;
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(store
        .remove_dead_letters(&Op::at(platform::now_ms()), None, &ids)
        .await?)
}

async fn chosen(store: &dyn ContentStore, queue: &str, ids: &[String]) -> Result<Vec<DeadLetterId>> {
    if !ids.is_empty() {
        return parsed(ids);
    }
    let list = store.list_dead_letters(Some(queue), None, LIMIT).await?;
    Ok(list.items.iter().map(|letter| letter.id).collect())
}

fn parsed(ids: &[String]) -> Result<Vec<DeadLetterId>> {
    let parse = |id: &String| DeadLetterId::try_from(id.clone());
    Ok(ids.iter().map(parse).collect::<Result<_, _>>()?)
}

/// A post that the network refused is closed; whoever redrives its message says that the reason is gone.
async fn reopen(store: &dyn ContentStore, letters: &[DeadLetter]) -> Result<()> {
    let page = |letter: &DeadLetter| serde_json::from_str::<PageMessage>(&letter.letter.body).ok();
    let pages: Vec<String> = letters.iter().filter_map(page).map(|message| message.page_id).collect();
    if pages.is_empty() {
        return Ok(());
    }
    let query = PostQuery {
        status: Some(PostStatus::Rejected),
        ..PostQuery::default()
    };
    let mut after = None;
    loop {
        let list = store.list_posts(&query, after.as_ref(), LIMIT).await?;
        for post in list
            .items
            .iter()
            .filter(|post| pages.contains(&post.key.page_id.to_string()))
        {
            let now = platform::now_ms();
            let outcome = PostOutcome::Retry {
                error: post.last_error.clone().unwrap_or_default(),
                not_before_ms: now,
            };
            store.settle_post(&Op::at(now), &post.to_ref(), &outcome).await?;
        }
        match list.next {
            None => return Ok(()),
            next => after = next,
        }
    }
}
