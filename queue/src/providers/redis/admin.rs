//! Dead letters, counts, and what an operator does.

use async_trait::async_trait;
use redis::{Cmd, Value};

use super::{
    Inner, RedisQueue,
    calls::{CHUNK, split, text},
    error::{classify, classify_read, garbled},
    script::{DEAD, DEPTH, NUDGE, PEEK, PURGE},
};
use crate::{
    Admin, DeadLetter, DeadLetterFilter, Depth, Message, MessageId, Peeked, Result, admin::MAX_PEEK, envelope,
};

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

#[async_trait]
impl Admin for RedisQueue {
    async fn peek(&self, limit: usize) -> Result<Vec<Peeked>> {
        let (inner, keys) = (&self.0, &self.0.keys);
        let mut call = PEEK.call(&[&keys.ready, &keys.leases, &keys.bodies, &keys.meta]);
        call.arg(limit.min(MAX_PEEK));
        let found: Vec<Value> = inner
            .link
            .run(&PEEK, &call)
            .await
            .map_err(|failure| classify_read(&inner.address, failure))?;
        let rows = found
            .chunks(4)
            .map(|row| peeked(row).ok_or_else(|| garbled("messages")));
        rows.collect()
    }

    async fn purge(&self) -> Result<Option<u64>> {
        let (inner, keys) = (&self.0, &self.0.keys);
        let call = PURGE.call(&[&keys.ready, &keys.leases, &keys.bodies, &keys.meta, &keys.errors]);
        let mut all = 0;
        loop {
            // In steps: a long queue must not keep the server from others.
            let gone: u64 = inner
                .link
                .run(&PURGE, &call)
                .await
                .map_err(|failure| classify(&inner.address, failure))?;
            all += gone;
            if gone == 0 {
                return Ok(Some(all));
            }
        }
    }

    async fn pause(&self) -> Result<()> {
        self.0.pause(redis::cmd("SET").arg(&self.0.keys.paused).arg("1")).await
    }

    async fn resume(&self) -> Result<()> {
        self.0.pause(redis::cmd("DEL").arg(&self.0.keys.paused)).await?;
        let nudge = NUDGE.call(&[&self.0.keys.token]);
        let nudged = self.0.link.run::<i64>(&NUDGE, &nudge).await;
        nudged
            .map(|_| ())
            .map_err(|failure| classify_read(&self.0.address, failure))
    }
}

impl Inner {
    /// Sets or removes the mark that stops deliveries. Done twice it is done once.
    async fn pause(&self, mark: &Cmd) -> Result<()> {
        let marked: Result<Value, _> = self.link.send(mark).await;
        marked
            .map(drop)
            .map_err(|failure| classify_read(&self.address, failure))
    }
}

fn peeked(row: &[Value]) -> Option<Peeked> {
    let [id, due, meta, Value::BulkString(stored)] = row else {
        return None;
    };
    let (enqueued_at, raw) = split(stored);
    let (attempts, _) = text(meta)?.split_once(' ')?;
    Some(Peeked {
        attempts: attempts.parse().ok(),
        due_ms: text(due)?.parse().ok(),
        ..Peeked::from_envelope(MessageId::new(text(id)?), enqueued_at, raw)
    })
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
