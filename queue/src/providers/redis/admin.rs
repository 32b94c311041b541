//! Dead letters, counts, and what an operator does.

use async_trait::async_trait;
use redis::{Cmd, Value};

use super::{
    Inner, RedisQueue,
    calls::{CHUNK, text},
    error::{classify, classify_read, garbled},
    record::{letter, peeked},
    script::{DEAD, DEPTH, NUDGE, PEEK, PURGE},
};
use crate::{Admin, DeadLetter, DeadLetterFilter, Depth, MessageId, Peeked, Result, admin::MAX_PEEK};

impl Inner {
    fn dead(&self, action: &str, filter: &DeadLetterFilter, after: &str, most: usize, ids: &[MessageId]) -> Cmd {
        let keys = &self.keys;
        let mut call = DEAD.call(&[&keys.ready, &keys.dead, &keys.letters, &keys.token]);
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
            for row in found.chunks(2) {
                letters.push(read_letter(row).ok_or_else(|| garbled("dead letters"))?);
            }
            Ok(found.len() / 2)
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
        let call = DEPTH.call(&[
            &keys.ready,
            &keys.later,
            &keys.held,
            &keys.leases,
            &keys.groups,
            &keys.extended,
            &keys.dead,
        ]);
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
        let mut call = PEEK.call(&[&keys.ready, &keys.later, &keys.held, &keys.leases, &keys.extended]);
        let most = limit.min(MAX_PEEK);
        call.arg(most);
        let found: Vec<Value> = inner
            .link
            .run(&PEEK, &call)
            .await
            .map_err(|failure| classify_read(&inner.address, failure))?;
        let rows = found
            .chunks(4)
            .map(|row| read_peeked(row).ok_or_else(|| garbled("messages")));
        let mut waiting = rows.collect::<Result<Vec<_>>>()?;
        waiting.sort_by_key(|one| one.due_ms);
        waiting.truncate(most);
        Ok(waiting)
    }

    async fn purge(&self) -> Result<Option<u64>> {
        let (inner, keys) = (&self.0, &self.0.keys);
        let call = PURGE.call(&[
            &keys.ready,
            &keys.later,
            &keys.held,
            &keys.leases,
            &keys.groups,
            &keys.extended,
        ]);
        let gone = inner.link.run::<u64>(&PURGE, &call).await;
        gone.map(Some).map_err(|failure| classify(&inner.address, failure))
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

fn read_peeked(row: &[Value]) -> Option<Peeked> {
    let [Value::Int(due), Value::Int(missing), name, Value::BulkString(stored)] = row else {
        return None;
    };
    Some(peeked(*due, u32::try_from(*missing).ok()?, text(name)?, stored))
}

fn read_letter(row: &[Value]) -> Option<DeadLetter> {
    let [id, Value::BulkString(stored)] = row else {
        return None;
    };
    letter(MessageId::new(text(id)?), stored)
}
