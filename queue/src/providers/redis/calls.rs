//! The operations: each builds a call of its script and reads the answer.

use std::{fmt::Write, time::Duration};

use redis::{Cmd, Value};
use uuid::Uuid;

use super::{
    Inner,
    error::{classify, classify_read, garbled},
    record::Record,
    script::{ACK, ENQUEUE, EXTEND, RESERVE, SETTLE},
};
use crate::{
    DeadLetter, Delivery, Lease, Message, MessageId, Outcome, Result, Settled, Settlement, clock::millis,
    error::bounded,
};

/// The most messages of one call: bounds how long the server is busy with it.
pub(super) const CHUNK: usize = 200;

/// What a reservation brought, and when the next message is due.
pub(super) type Found = (Vec<Delivery>, Option<Duration>);

impl Inner {
    pub(super) async fn enqueue(&self, messages: &[Message]) -> Result<Vec<MessageId>> {
        let ids = new_ids(messages.len());
        let sent: Vec<_> = messages
            .iter()
            .filter_map(Message::key)
            .map(|key| self.keys.sent(key))
            .collect();
        let mut keys = vec![
            self.keys.ready.as_str(),
            self.keys.later.as_str(),
            self.keys.token.as_str(),
        ];
        keys.extend(sent.iter().map(String::as_str));
        let mut call = ENQUEUE.call(&keys);
        call.arg(millis(self.settings.idempotency_ttl)).arg(plan(messages));
        let now = crate::platform::now_ms();
        let mut record = Vec::new();
        for (id, message) in ids.iter().zip(messages) {
            record.clear();
            Record::write(&mut record, id, message, now);
            call.arg(record.as_slice());
        }
        let mut ids = ids;
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

    /// The call that leases what is due, and the lease it makes.
    pub(super) fn reserving(&self, max: usize) -> (Cmd, Group) {
        let keys = &self.keys;
        let mut call = RESERVE.call(&[
            &keys.ready,
            &keys.later,
            &keys.held,
            &keys.leases,
            &keys.groups,
            &keys.extended,
            &keys.dead,
            &keys.letters,
            &keys.token,
            &keys.paused,
        ]);
        call.arg(max).arg(millis(self.settings.lease));
        call.arg(self.settings.max_attempts);
        call.arg(DeadLetter::NO_VERDICT).arg(DeadLetter::MAX_ATTEMPTS);
        let group = Group::new();
        call.arg(group.as_str());
        (call, group)
    }

    pub(super) async fn reserve(&self, max: usize) -> Result<Found> {
        loop {
            let (call, group) = self.reserving(max);
            let answer: Vec<Value> = self
                .link
                .run(&RESERVE, &call)
                .await
                .map_err(|failure| classify(&self.address, failure))?;
            let found = self.reserved(answer, &group)?;
            // All it looked at may have been out of attempts; there may be more behind.
            if !found.0.is_empty() || found.1 != Some(Duration::ZERO) {
                return Ok(found);
            }
        }
    }

    /// Reads what [`reserving`](Self::reserving) answers.
    pub(super) fn reserved(&self, answer: Vec<Value>, group: &Group) -> Result<Found> {
        let (Some(Value::Int(now)), Some(Value::Int(next))) = (answer.first(), answer.get(1)) else {
            return Err(garbled("deliveries"));
        };
        let until = now.saturating_add(millis(self.settings.lease));
        let records = answer.get(2..).unwrap_or_default();
        let delivery = |(place, record): (usize, &Value)| {
            let Value::BulkString(stored) = record else {
                return Err(garbled("deliveries"));
            };
            let record = Record::read(stored);
            let id = match record.id {
                Some(id) => MessageId::new(id),
                None => MessageId::new(format!("{}/{place}", group.as_str())),
            };
            let lease = Lease::new(id, group.token(records.len(), place)).expires_at(until);
            let attempt = Some(record.attempts.saturating_add(1));
            Ok(Delivery::from_envelope(lease, attempt, record.sent_ms, record.envelope))
        };
        let deliveries: Result<Vec<_>> = records.iter().enumerate().map(delivery).collect();
        Ok((deliveries?, u64::try_from(*next).ok().map(Duration::from_millis)))
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

    /// Verdicts of one lease that follow each other travel together.
    fn acking(&self, settlements: &[Settlement]) -> Cmd {
        let keys = &self.keys;
        let mut call = ACK.call(&[&keys.held, &keys.leases, &keys.groups, &keys.extended]);
        let places: Vec<_> = settlements.iter().map(|one| parts(one.lease.token())).collect();
        for run in places.chunk_by(|one, next| one[..2] == next[..2]) {
            let [group, size, _] = run.first().copied().unwrap_or_default();
            call.arg(group).arg(size).arg(run.len());
            for [_, _, place] in run {
                call.arg(place);
            }
        }
        call
    }

    fn settling(&self, settlements: &[Settlement]) -> Cmd {
        let keys = &self.keys;
        let mut call = SETTLE.call(&[
            &keys.ready,
            &keys.later,
            &keys.held,
            &keys.leases,
            &keys.groups,
            &keys.extended,
            &keys.dead,
            &keys.letters,
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
            let [group, size, place] = parts(lease.token());
            call.arg(name).arg(group).arg(size).arg(place);
            call.arg(delay).arg(text);
        }
        call
    }

    pub(super) async fn extend(&self, lease: &Lease, by: Duration) -> Result<Option<Lease>> {
        let keys = &self.keys;
        let mut call = EXTEND.call(&[&keys.held, &keys.leases, &keys.groups, &keys.extended]);
        let [group, size, place] = parts(lease.token());
        call.arg(group).arg(size).arg(place).arg(millis(by));
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

/// A lease of all messages of one receive: bits that nobody had before, so that an old lease never fits again.
pub(super) struct Group(String);

impl Group {
    fn new() -> Self {
        Self(format!("{:016x}", random_half(Uuid::now_v7())))
    }

    fn as_str(&self) -> &str {
        &self.0
    }

    /// What tells one delivery's lease from others: the group, its size, the place in it.
    fn token(&self, size: usize, place: usize) -> String {
        format!("{}/{size}/{place}", self.0)
    }
}

/// The parts of [`Group::token`]; a lease of another kind has parts that nobody knows.
fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.splitn(3, '/');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

fn random_half(uuid: Uuid) -> u64 {
    uuid.as_u64_pair().1
}

/// Ids of one batch: the time, random bits, the place in the batch. They sort by time and fit a [`MessageId`] inline.
fn new_ids(count: usize) -> Vec<MessageId> {
    let uuid = Uuid::now_v7();
    let start = format!("{:012x}{:016x}", uuid.as_u128() >> 80, random_half(uuid));
    let id = |place: usize| MessageId::new(format!("{start}{place:02}"));
    (0..count).map(id).collect()
}

/// Delay and key of each message; nothing where none has either.
fn plan(messages: &[Message]) -> String {
    let mut plan = String::new();
    if messages
        .iter()
        .all(|message| message.key().is_none() && message.delay.is_zero())
    {
        return plan;
    }
    let mut keys = 0;
    for message in messages {
        keys += usize::from(message.key().is_some());
        let key = if message.key().is_some() { keys } else { 0 };
        // A String takes everything.
        let _ = write!(plan, "{}:{key} ", millis(message.delay));
    }
    plan
}
