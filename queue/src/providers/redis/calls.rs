//! The operations: each builds a call of its script and reads the answer.

use std::time::Duration;

use redis::{Cmd, Value};
use uuid::Uuid;

use super::{
    Inner,
    error::{classify, classify_read, garbled},
    script::{ACK, ENQUEUE, EXTEND, RESERVE, SETTLE},
};
use crate::{
    DeadLetter, Delivery, Lease, Message, MessageId, Outcome, Result, Settled, Settlement, clock::millis, envelope,
    error::bounded,
};

/// The most messages of one call: bounds how long the server is busy with it.
pub(super) const CHUNK: usize = 200;

/// What a reservation brought, and when the next message is due.
pub(super) type Found = (Vec<Delivery>, Option<Duration>);

impl Inner {
    pub(super) async fn enqueue(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        let mut keys = vec![
            self.keys.ready.as_str(),
            self.keys.bodies.as_str(),
            self.keys.token.as_str(),
        ];
        let own = keys.len();
        let sent: Vec<_> = messages
            .iter()
            .filter_map(Message::key)
            .map(|key| self.keys.sent(key))
            .collect();
        keys.extend(sent.iter().map(String::as_str));
        let mut call = ENQUEUE.call(&keys);
        call.arg(millis(self.settings.idempotency_ttl));
        let (now, mut key) = (crate::platform::now_ms(), 0);
        let mut ids = Vec::with_capacity(messages.len());
        for message in messages {
            let id = Uuid::now_v7().simple().to_string();
            key += usize::from(message.key().is_some());
            let place = if message.key().is_some() { key } else { 0 };
            call.arg(&id).arg(millis(message.delay)).arg(place);
            call.arg(envelope::encode(message, now));
            ids.push(MessageId::new(id));
        }
        debug_assert_eq!(key + own, keys.len());
        let known: Vec<Value> = self
            .link
            .run(&ENQUEUE, &call)
            .await
            .map_err(|failure| classify(&self.address, failure))?;
        for pair in known.chunks(2) {
            let (Some(Value::Int(at)), Some(first)) = (pair.first(), pair.get(1).and_then(text)) else {
                return Err(garbled("ids"));
            };
            let id = usize::try_from(*at).ok().and_then(|at| ids.get_mut(at));
            *id.ok_or_else(|| garbled("ids"))? = MessageId::new(first);
        }
        Ok(ids)
    }

    /// The call that leases what is due.
    pub(super) fn reserving(&self, max: usize) -> Cmd {
        let keys = &self.keys;
        let mut call = RESERVE.call(&[
            &keys.ready,
            &keys.leases,
            &keys.bodies,
            &keys.meta,
            &keys.errors,
            &keys.dead,
            &keys.reasons,
            &keys.token,
            &keys.paused,
        ]);
        call.arg(max).arg(millis(self.settings.lease));
        call.arg(self.settings.max_attempts);
        call.arg(DeadLetter::NO_VERDICT).arg(DeadLetter::MAX_ATTEMPTS);
        call
    }

    pub(super) async fn reserve(&self, max: usize) -> Result<Found> {
        loop {
            let answer: Vec<Value> = self
                .link
                .run(&RESERVE, &self.reserving(max))
                .await
                .map_err(|failure| classify(&self.address, failure))?;
            let found = self.reserved(answer)?;
            // All it looked at may have been out of attempts; there may be more behind.
            if !found.0.is_empty() || found.1 != Some(Duration::ZERO) {
                return Ok(found);
            }
        }
    }

    /// Reads what [`reserving`](Self::reserving) answers.
    pub(super) fn reserved(&self, answer: Vec<Value>) -> Result<Found> {
        let mut answer = answer.into_iter();
        let (Some(Value::Int(now)), Some(Value::Int(next))) = (answer.next(), answer.next()) else {
            return Err(garbled("deliveries"));
        };
        let until = now.saturating_add(millis(self.settings.lease));
        let mut deliveries = Vec::with_capacity(answer.len() / 4);
        while let Some(id) = answer.next() {
            let (Some(Value::Int(attempt)), Some(Value::Int(lease)), Some(Value::BulkString(stored))) =
                (answer.next(), answer.next(), answer.next())
            else {
                return Err(garbled("deliveries"));
            };
            let id = MessageId::new(text(&id).ok_or_else(|| garbled("deliveries"))?);
            let lease = Lease::new(id, lease.to_string()).expires_at(until);
            let (enqueued_at, envelope) = split(&stored);
            let attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
            deliveries.push(Delivery::from_envelope(lease, Some(attempt), enqueued_at, envelope));
        }
        Ok((deliveries, u64::try_from(next).ok().map(Duration::from_millis)))
    }

    pub(super) async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        let only_acks = settlements.iter().all(|settlement| settlement.verdict == Outcome::Ack);
        let (script, call) = if only_acks {
            (&ACK, self.acking(settlements))
        } else {
            (&SETTLE, self.settling(settlements))
        };
        let answer: Vec<u8> = self
            .link
            .run(script, &call)
            .await
            .map_err(|failure| classify(&self.address, failure))?;
        if answer.len() != settlements.len() {
            return Err(garbled("verdicts"));
        }
        let settled = |digit| match digit {
            b'0' => Settled::Stale,
            b'2' => Settled::Exhausted,
            _ => Settled::Done,
        };
        Ok(answer.into_iter().map(settled).collect())
    }

    fn acking(&self, settlements: &[Settlement]) -> Cmd {
        let keys = &self.keys;
        let mut call = ACK.call(&[&keys.leases, &keys.bodies, &keys.meta, &keys.errors]);
        for Settlement { lease, .. } in settlements {
            call.arg(lease.id().as_str()).arg(lease.token());
        }
        call
    }

    fn settling(&self, settlements: &[Settlement]) -> Cmd {
        let keys = &self.keys;
        let mut call = SETTLE.call(&[
            &keys.ready,
            &keys.leases,
            &keys.bodies,
            &keys.meta,
            &keys.errors,
            &keys.dead,
            &keys.reasons,
            &keys.token,
        ]);
        call.arg(self.settings.max_attempts).arg(DeadLetter::MAX_ATTEMPTS);
        for Settlement { lease, verdict } in settlements {
            let (name, delay, text) = match verdict {
                Outcome::Ack => ("ack", 0, ""),
                Outcome::Retry { after, error } => {
                    let delay = millis(after.unwrap_or(self.settings.retry_delay));
                    ("retry", delay, error.as_deref().map(bounded).unwrap_or_default())
                }
                Outcome::DeadLetter { reason } => ("dead", 0, bounded(reason)),
                Outcome::Release | Outcome::Snooze { .. } => ("release", millis(verdict.snooze()), ""),
            };
            call.arg(name).arg(lease.id().as_str()).arg(lease.token());
            call.arg(delay).arg(text);
        }
        call
    }

    pub(super) async fn extend(&self, lease: &Lease, by: Duration) -> Result<Option<Lease>> {
        let mut call = EXTEND.call(&[&self.keys.leases, &self.keys.meta]);
        call.arg(lease.id().as_str()).arg(lease.token()).arg(millis(by));
        // Done twice it is done once, so a lost answer is no reason to wonder.
        let end: Option<i64> = self
            .link
            .run(&EXTEND, &call)
            .await
            .map_err(|failure| classify_read(&self.address, failure))?;
        Ok(end.map(|end| lease.clone().expires_at(end)))
    }
}

/// The text of a bulk string.
pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// Splits `number rest`, as the scripts write it; what has no number is all rest.
pub(super) fn split(stored: &[u8]) -> (i64, &[u8]) {
    let digits = stored.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&stored[..digits])
        .ok()
        .and_then(|digits| digits.parse().ok());
    match (number, stored.get(digits)) {
        (Some(number), Some(b' ')) => (number, &stored[digits + 1..]),
        _ => (0, stored),
    }
}
