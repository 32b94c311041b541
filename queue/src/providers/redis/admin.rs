//! Dead letters, counts, and what an operator does.

use redis::{Cmd, Value};

use super::{
    Inner,
    calls::{CHUNK, split, text},
    error::{classify, classify_read, garbled},
    script::{DEAD, DEPTH},
};
use crate::{DeadLetter, DeadLetterFilter, Depth, Message, MessageId, Result, envelope};

impl Inner {
    fn dead(&self, action: &str, filter: &DeadLetterFilter, after: &str, most: usize, ids: &[MessageId]) -> Cmd {
        let keys = &self.keys;
        let mut call = DEAD.call(&[
            &keys.ready,
            &keys.bodies,
            &keys.meta,
            &keys.errors,
            &keys.dead,
            &keys.reasons,
            &keys.token,
        ]);
        call.arg(action).arg(after).arg(most);
        call.arg(filter.dead_before_ms.map(|ms| ms.to_string()).unwrap_or_default());
        call.arg(filter.reason_contains.as_deref().unwrap_or_default());
        for id in ids {
            call.arg(id.as_str());
        }
        call
    }

    /// Walks the dead letters in bounded steps and hands each step's answer to `read`, which says how many it took.
    async fn walk(
        &self,
        action: &str,
        filter: &DeadLetterFilter,
        after: Option<&MessageId>,
        limit: usize,
        mut read: impl FnMut(&[Value]) -> Result<usize> + Send,
    ) -> Result<()> {
        let mut left = limit.min(filter.limit.unwrap_or(usize::MAX));
        let mut chunks = filter.ids.as_ref().map(|ids| {
            let behind = |id: &&MessageId| after.is_none_or(|after| *id > after);
            let mut ids: Vec<_> = ids.iter().filter(behind).cloned().collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        });
        let mut after = after.map(|id| id.as_str().to_owned()).unwrap_or_default();
        while left > 0 {
            let ids = match &mut chunks {
                None => Vec::new(),
                Some(ids) if ids.is_empty() => return Ok(()),
                Some(ids) => ids.drain(..ids.len().min(50)).collect(),
            };
            let call = self.dead(action, filter, &after, left.min(CHUNK), &ids);
            let fail = |failure| match action {
                "list" | "look" => classify_read(&self.address, failure),
                _ => classify(&self.address, failure),
            };
            let answer: Vec<Value> = self.link.run(&DEAD, &call).await.map_err(fail)?;
            let (Some(next), found) = (answer.first().and_then(text), answer.get(1..).unwrap_or_default()) else {
                return Err(garbled("dead letters"));
            };
            left = left.saturating_sub(read(found)?);
            if next.is_empty() && chunks.is_none() {
                return Ok(());
            }
            next.clone_into(&mut after);
        }
        Ok(())
    }

    pub(super) async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>> {
        let mut letters = Vec::new();
        let read = |found: &[Value]| {
            for row in found.chunks(5) {
                letters.push(letter(row).ok_or_else(|| garbled("dead letters"))?);
            }
            Ok(found.len() / 5)
        };
        self.walk("list", filter, after, limit, read).await?;
        Ok(letters)
    }

    /// Does `action` to what matches: `look`, `redrive` or `discard`.
    pub(super) async fn on_dead(&self, action: &str, filter: &DeadLetterFilter) -> Result<Vec<MessageId>> {
        let mut ids = Vec::new();
        let read = |found: &[Value]| {
            for id in found {
                ids.push(MessageId::new(text(id).ok_or_else(|| garbled("ids"))?));
            }
            Ok(found.len())
        };
        self.walk(action, filter, None, usize::MAX, read).await?;
        Ok(ids)
    }

    pub(super) async fn depth(&self) -> Result<Depth> {
        let keys = &self.keys;
        let call = DEPTH.call(&[&keys.ready, &keys.leases, &keys.dead]);
        let counts: Vec<i64> = self
            .link
            .run(&DEPTH, &call)
            .await
            .map_err(|failure| classify_read(&self.address, failure))?;
        let [ready, delayed, leased, dead, age] = counts[..] else {
            return Err(garbled("counts"));
        };
        let count = |count| u64::try_from(count).unwrap_or(0);
        Ok(Depth {
            ready: count(ready),
            delayed: count(delayed),
            leased: count(leased),
            dead: count(dead),
            oldest_age: u64::try_from(age).ok().map(std::time::Duration::from_millis),
        })
    }
}

fn letter(row: &[Value]) -> Option<DeadLetter> {
    let [id, why, meta, error, stored] = row else {
        return None;
    };
    let (Value::BulkString(why), Value::BulkString(stored)) = (why, stored) else {
        return None;
    };
    let (dead_at, reason) = split(why);
    let (enqueued_at, raw) = split(stored);
    let message = envelope::decode(raw).unwrap_or_else(|_| Message::new(raw));
    let (attempts, _) = text(meta)?.split_once(' ')?;
    let reason = String::from_utf8_lossy(reason).into_owned();
    Some(DeadLetter {
        headers: message.headers,
        attempts: attempts.parse().ok()?,
        last_error: Some(text(error)?.to_owned()).filter(|error| !error.is_empty()),
        ..DeadLetter::new(MessageId::new(text(id)?), message.body, reason, enqueued_at, dead_at)
    })
}
