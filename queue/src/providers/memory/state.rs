//! The model: plain maps, every operation one step.

use std::collections::{BTreeMap, HashMap, VecDeque, hash_map};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    DeadLetter, DeadLetterFilter, Delivery, Depth, Lease, Message, MessageId, Outcome, Peeked, Settled, Settlement,
    clock::{millis, until},
    delivery::Content,
    error::bounded,
    limits::Settings,
};

use super::order::{Live, Order};

/// One count for all queues of the process, so that a lease of one never fits another.
static LAST_SEQ: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
pub(super) struct State {
    live: Live,
    /// When to deliver which, leases included.
    order: Order,
    dead: BTreeMap<u64, Dead>,
    keys: HashMap<Arc<str>, (MessageId, i64)>,
    /// Keys in the order in which they are forgotten.
    forgetting: VecDeque<(i64, Arc<str>)>,
    pub(super) paused: bool,
}

pub(super) struct Entry {
    content: Content,
    pub(super) visible_at: i64,
    attempts: u32,
    /// Counts up at every delivery and verdict and never back, so an old lease never fits again.
    lease: u64,
    leased: bool,
    enqueued_at: i64,
    last_error: Option<String>,
}

impl Entry {
    fn is_held(&self, token: u64) -> bool {
        self.leased && self.lease == token
    }
}

struct Dead {
    entry: Entry,
    reason: String,
    at: i64,
}

impl State {
    pub(super) fn push(&mut self, now: i64, settings: &Settings, message: &Message) -> MessageId {
        self.forget(now);
        if let Some(key) = &message.idempotency_key
            && let Some((id, _)) = self.keys.get(key)
        {
            return id.clone();
        }
        let content = Message {
            body: message.body.clone(),
            headers: message.headers.clone(),
            idempotency_key: None,
            delay: message.delay,
        };
        let id = self.insert(
            now,
            now.saturating_add(millis(message.delay)),
            Content::Decoded(content),
        );
        if let Some(key) = &message.idempotency_key {
            let expires = now.saturating_add(millis(settings.idempotency_ttl));
            self.keys.insert(key.clone(), (id.clone(), expires));
            self.forgetting.push_back((expires, key.clone()));
        }
        id
    }

    pub(super) fn push_raw(&mut self, now: i64, raw: &[u8]) -> MessageId {
        self.insert(now, now, Content::decode(raw))
    }

    fn insert(&mut self, now: i64, visible_at: i64, content: Content) -> MessageId {
        let seq = LAST_SEQ.fetch_add(1, Ordering::Relaxed) + 1;
        let entry = Entry {
            content,
            visible_at,
            attempts: 0,
            lease: 0,
            leased: false,
            enqueued_at: now,
            last_error: None,
        };
        if visible_at > now {
            self.order.at((visible_at, seq));
        } else {
            self.order.ready((visible_at, seq));
        }
        self.live.insert(seq, entry);
        MessageId::of_number(seq)
    }

    fn forget(&mut self, now: i64) {
        while let Some((expires, _)) = self.forgetting.front()
            && *expires <= now
            && let Some((expires, key)) = self.forgetting.pop_front()
        {
            if self.keys.get(&key).is_some_and(|(_, current)| *current == expires) {
                self.keys.remove(&key);
            }
        }
    }

    /// Leases what is due; also says when the next message is.
    pub(super) fn reserve(&mut self, now: i64, settings: &Settings, max: usize) -> (Vec<Delivery>, Option<i64>) {
        if self.paused {
            return (Vec::new(), None);
        }
        let mut deliveries = Vec::with_capacity(max.min(self.live.len()));
        let until = now.saturating_add(millis(settings.lease));
        while deliveries.len() < max
            && let Some((due, seq)) = self.order.first()
            && due <= now
        {
            let entry = match self.live.get_mut(&seq) {
                Some(entry) if entry.visible_at == due => entry,
                _ => {
                    self.order.take((due, seq));
                    continue;
                }
            };
            let suspect = entry.leased;
            if suspect && !deliveries.is_empty() {
                // It may have killed who had it: it comes alone, the next time.
                break;
            }
            if suspect {
                entry.last_error = Some(DeadLetter::NO_VERDICT.to_owned());
            }
            self.order.take((due, seq));
            if entry.attempts >= settings.max_attempts {
                self.bury(seq, now, DeadLetter::MAX_ATTEMPTS.to_owned());
                continue;
            }
            entry.attempts += 1;
            entry.lease += 1;
            entry.leased = true;
            entry.visible_at = until;
            self.order.leased((until, seq));
            deliveries.push(Delivery::with_content(
                lease_of(seq, entry),
                Some(entry.attempts),
                entry.enqueued_at,
                entry.content.clone(),
            ));
            if suspect {
                break;
            }
        }
        let next = self.order.next(&self.live);
        (deliveries, next.map(|(due, _)| due))
    }

    fn ack(&mut self, lease: &Lease) -> Option<()> {
        let (seq, token) = (lease.id().as_number()?, lease.as_number()?);
        let hash_map::Entry::Occupied(found) = self.live.entry(seq) else {
            return None;
        };
        if !found.get().is_held(token) {
            return None;
        }
        let due = (found.remove().visible_at, seq);
        self.order.remove(due, &self.live);
        Some(())
    }

    pub(super) fn settle(&mut self, now: i64, settings: &Settings, settlement: &Settlement) -> Settled {
        if settlement.verdict == Outcome::Ack {
            return self.ack(&settlement.lease).map_or(Settled::Stale, |()| Settled::Done);
        }
        let Some((seq, entry)) = self.held(&settlement.lease) else {
            return Settled::Stale;
        };
        entry.lease += 1;
        entry.leased = false;
        let due = match &settlement.verdict {
            Outcome::Ack => return Settled::Done,
            Outcome::DeadLetter { reason } => {
                let reason = bounded(reason).to_owned();
                self.bury(seq, now, reason);
                return Settled::Done;
            }
            Outcome::Retry { after, error } => {
                if let Some(error) = error {
                    entry.last_error = Some(bounded(error).to_owned());
                }
                if entry.attempts >= settings.max_attempts {
                    self.bury(seq, now, DeadLetter::MAX_ATTEMPTS.to_owned());
                    return Settled::Exhausted;
                }
                settings.retry_at(now, *after)
            }
            Outcome::Release | Outcome::Snooze { .. } => {
                entry.attempts = entry.attempts.saturating_sub(1);
                now.saturating_add(millis(settlement.verdict.snooze()))
            }
        };
        self.reschedule(seq, now, due);
        Settled::Done
    }

    pub(super) fn extend(&mut self, lease: &Lease, until: i64) -> Option<Lease> {
        let (seq, entry) = self.held(lease)?;
        let until = until.max(entry.visible_at);
        self.reschedule(seq, i64::MIN, until);
        self.live.get(&seq).map(|entry| lease_of(seq, entry))
    }

    fn held(&mut self, lease: &Lease) -> Option<(u64, &mut Entry)> {
        let (seq, token) = (lease.id().as_number()?, lease.as_number()?);
        let entry = self.live.get_mut(&seq)?;
        entry.is_held(token).then_some((seq, entry))
    }

    fn reschedule(&mut self, seq: u64, now: i64, due: i64) {
        if let Some(entry) = self.live.get_mut(&seq) {
            let before = std::mem::replace(&mut entry.visible_at, due);
            self.order.remove((before, seq), &self.live);
            if due > now {
                self.order.at((due, seq));
            } else {
                self.order.ready((due, seq));
            }
        }
    }

    fn bury(&mut self, seq: u64, now: i64, reason: String) {
        if let Some(mut entry) = self.live.remove(&seq) {
            self.order.remove((entry.visible_at, seq), &self.live);
            entry.lease += 1;
            entry.leased = false;
            self.dead.insert(seq, Dead { entry, reason, at: now });
        }
    }

    pub(super) fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        after: Option<&MessageId>,
        limit: usize,
    ) -> Vec<DeadLetter> {
        let first = after.map_or(0, |id| id.as_number().map_or(u64::MAX, |seq| seq + 1));
        let letters = self.dead.range(first..).map(|(seq, dead)| letter(*seq, dead));
        letters
            .filter(|letter| filter.matches(letter))
            .take(limit.min(filter.limit.unwrap_or(usize::MAX)))
            .collect()
    }

    pub(super) fn redrive(&mut self, now: i64, filter: &DeadLetterFilter, dry_run: bool) -> Vec<MessageId> {
        let ids = self.matching(filter);
        if !dry_run {
            for seq in ids.iter().filter_map(MessageId::as_number) {
                if let Some(Dead { mut entry, .. }) = self.dead.remove(&seq) {
                    entry.attempts = 0;
                    entry.visible_at = now;
                    self.order.ready((now, seq));
                    self.live.insert(seq, entry);
                }
            }
        }
        ids
    }

    pub(super) fn discard(&mut self, filter: &DeadLetterFilter, dry_run: bool) -> Vec<MessageId> {
        let ids = self.matching(filter);
        if !dry_run {
            for seq in ids.iter().filter_map(MessageId::as_number) {
                self.dead.remove(&seq);
            }
        }
        ids
    }

    fn matching(&self, filter: &DeadLetterFilter) -> Vec<MessageId> {
        self.dead_letters(filter, None, usize::MAX)
            .into_iter()
            .map(|letter| letter.id)
            .collect()
    }

    pub(super) fn peek(&self, now: i64, limit: usize) -> Vec<Peeked> {
        let all = self.order.all(&self.live);
        let waiting = all
            .into_iter()
            .filter_map(|(due, seq)| Some((due, seq, self.live.get(&seq)?)));
        let waiting = waiting.filter(|(due, _, entry)| !entry.leased || *due <= now);
        let peeked = waiting.map(|(due, seq, entry)| {
            let (body, headers) = content(entry);
            Peeked {
                body,
                headers,
                attempts: Some(entry.attempts),
                due_ms: Some(due),
                ..Peeked::from_envelope(MessageId::of_number(seq), entry.enqueued_at, b"")
            }
        });
        peeked.take(limit).collect()
    }

    pub(super) fn purge(&mut self) -> usize {
        self.order.clear();
        std::mem::take(&mut self.live).len()
    }

    pub(super) fn depth(&mut self, now: i64) -> Depth {
        let mut depth = Depth {
            dead: self.dead.len() as u64,
            ..Depth::default()
        };
        for entry in self.live.values() {
            match (entry.visible_at <= now, entry.leased) {
                (true, _) => depth.ready += 1,
                (false, true) => depth.leased += 1,
                (false, false) => depth.delayed += 1,
            }
        }
        depth.oldest_age = self
            .order
            .next(&self.live)
            .filter(|(due, _)| *due <= now)
            .map(|(due, _)| until(due, now));
        depth
    }
}

fn letter(seq: u64, dead: &Dead) -> DeadLetter {
    let entry = &dead.entry;
    let (body, headers) = content(entry);
    DeadLetter {
        headers,
        attempts: entry.attempts,
        last_error: entry.last_error.clone(),
        ..DeadLetter::new(
            MessageId::of_number(seq),
            body,
            dead.reason.clone(),
            entry.enqueued_at,
            dead.at,
        )
    }
}

fn content(entry: &Entry) -> (Vec<u8>, BTreeMap<String, String>) {
    match &entry.content {
        Content::Decoded(message) => message.clone().into_parts(),
        Content::Undecodable { raw, .. } => (raw.to_vec(), BTreeMap::new()),
    }
}

fn lease_of(seq: u64, entry: &Entry) -> Lease {
    Lease::of_number(MessageId::of_number(seq), entry.lease).expires_at(entry.visible_at)
}
