//! Many at a time under random faults; the history is checked, and duplicates are counted, not hidden.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Mutex, MutexGuard},
    task::Poll,
    time::Duration,
};

use futures_util::future::{join_all, join3, poll_fn};

use super::{
    Harness,
    random::{Chance, Until},
    tools::*,
};
use crate::{DeadLetterFilter, Delivery, Message, Outcome, Settled, Settlement};

const SENDERS: usize = 2;
const CONSUMERS: usize = 4;
const MAX: usize = 7;
/// Bounds the backlog: a case is about histories, not about volume.
const AHEAD: usize = 300;

/// What is known of one message.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// A send was answered with its id; otherwise it may be there or not.
    accepted: bool,
    deliveries: u32,
    acked: u32,
    /// Which attempt was acknowledged.
    acked_attempt: Option<u32>,
    /// A verdict that removes it was given and not answered.
    doubtful: bool,
    dead: bool,
}

#[derive(Default)]
struct History {
    messages: BTreeMap<usize, Known>,
    next: usize,
    finished: usize,
    /// Deliveries that may come again, by cause.
    again: BTreeMap<&'static str, u32>,
}

struct Run<'h, H> {
    h: &'h H,
    chance: Mutex<Chance>,
    history: Mutex<History>,
    until: Until,
}

impl<H: Harness> Run<'_, H> {
    fn below(&self, most: usize) -> usize {
        self.chance.lock().unwrap().below(most)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap()
    }

    fn because(&self, cause: &'static str, count: u32) {
        *self.history().again.entry(cause).or_default() += count;
    }

    async fn send(&self) {
        let keys = self.h.queue().capabilities().idempotency_ttl.is_some();
        while !self.until.is_over() {
            yield_now().await;
            let number = {
                let mut history = self.history();
                if history.next > history.finished + AHEAD {
                    continue;
                }
                history.next += 1;
                let number = history.next;
                history.messages.insert(number, Known::default());
                number
            };
            let mut message = Message::json(&number).expect("json");
            if keys {
                message = message.idempotency_key(number.to_string());
            }
            loop {
                if self.below(10) == 0 {
                    self.h.lose_next_answer().await;
                }
                if self.h.queue().send(&message).await.is_ok() {
                    self.known(number, |known| known.accepted = true);
                    break;
                }
                if !keys {
                    break;
                }
            }
        }
    }

    fn known(&self, number: usize, change: impl FnOnce(&mut Known)) {
        change(self.history().messages.entry(number).or_default());
    }

    async fn consume(&self) {
        let consumer = self.h.consumer();
        while !self.until.is_over() {
            yield_now().await;
            let max = 1 + self.below(MAX);
            let received = if self.below(8) == 0 {
                // Dropped at some await point. What it held comes again, with or without an attempt counted.
                let mut receiving = pin!(consumer.receive(max, Duration::ZERO));
                let polls = 1 + self.below(6);
                let mut received = None;
                for _ in 0..polls {
                    match poll_fn(|cx| Poll::Ready(receiving.as_mut().poll(cx))).await {
                        Poll::Ready(ended) => {
                            received = Some(ended);
                            break;
                        }
                        Poll::Pending => yield_now().await,
                    }
                }
                if received.is_none() {
                    self.because("receive dropped", max as u32);
                }
                received.unwrap_or_else(|| Ok(Vec::new()))
            } else {
                consumer.receive(max, Duration::ZERO).await
            };
            let deliveries = received.expect("receive");
            for delivery in &deliveries {
                self.delivered(delivery);
            }
            self.settle(deliveries).await;
        }
    }

    fn delivered(&self, delivery: &Delivery) {
        let number: usize = delivery.json().expect("a number");
        let mut history = self.history();
        let known = history
            .messages
            .get_mut(&number)
            .expect("what was never sent is never delivered");
        known.deliveries += 1;
        if let (Some(acked), Some(attempt)) = (known.acked_attempt, delivery.attempt()) {
            assert!(
                attempt <= acked,
                "message {number} came again (attempt {attempt}) after its ack of attempt {acked}"
            );
        }
    }

    async fn settle(&self, deliveries: Vec<Delivery>) {
        let capabilities = self.h.consumer().capabilities();
        let mut settlements = Vec::new();
        let mut told = Vec::new();
        for delivery in deliveries {
            let number: usize = delivery.json().expect("a number");
            let verdict = match self.below(20) {
                0 | 1 => Outcome::retry("again"),
                2 if capabilities.release => Outcome::Release,
                3 if capabilities.dead_letter => Outcome::dead_letter("never"),
                4 => {
                    self.because("no verdict", 1);
                    continue;
                }
                _ => Outcome::Ack,
            };
            told.push((number, delivery.attempt()));
            settlements.push(Settlement::new(delivery.lease().clone(), verdict));
        }
        if self.below(10) == 0 {
            self.h.lose_next_answer().await;
        }
        let settled = self.h.consumer().settle(&settlements).await;
        for (place, (number, attempt)) in told.into_iter().enumerate() {
            let verdict = &settlements[place].verdict;
            match settled.as_ref().map(|settled| settled[place]) {
                Err(_) => {
                    self.because("settlement not answered", 1);
                    // Nobody knows; as far as the backlog goes it is over.
                    self.finish(number, |known| known.doubtful = true);
                }
                Ok(Settled::Stale) => self.because("lease lost", 1),
                Ok(Settled::Exhausted) => self.finish(number, |known| known.dead = true),
                Ok(Settled::Postponed) => self.because("retry", 1),
                Ok(Settled::Done) => match verdict {
                    Outcome::Ack => self.finish(number, |known| {
                        known.acked += 1;
                        known.acked_attempt = attempt;
                    }),
                    Outcome::DeadLetter { .. } => self.finish(number, |known| known.dead = true),
                    _ => self.because("retry or release", 1),
                },
            }
        }
    }

    fn finish(&self, number: usize, change: impl FnOnce(&mut Known)) {
        self.known(number, change);
        self.history().finished += 1;
    }

    /// Lets leases expire now and then, in the middle of everything.
    async fn age(&self) {
        let mut steps = 0;
        while !self.until.is_over() {
            yield_now().await;
            steps += 1;
            if steps % 50 == 0 {
                // Whatever is in hand at this moment may be delivered to someone else.
                expire(self.h).await;
            }
        }
    }
}

/// See the bullet of this name on [`Consumer::receive`](crate::Consumer::receive).
pub async fn random_faults_lose_nothing<H: Harness>(h: &H) {
    let run = Run {
        h,
        chance: Mutex::new(Chance::new("random_faults_lose_nothing")),
        history: Mutex::default(),
        until: Until::after(Duration::from_millis(1_500)),
    };
    join3(
        join_all((0..SENDERS).map(|_| run.send())),
        join_all((0..CONSUMERS).map(|_| run.consume())),
        run.age(),
    )
    .await;
    // What is left is taken to its end.
    let mut quiet = 0;
    while quiet < 2 {
        expire(h).await;
        let deliveries = receive_all(h).await;
        quiet = if deliveries.is_empty() { quiet + 1 } else { 0 };
        for delivery in deliveries {
            run.delivered(&delivery);
            let number: usize = delivery.json().expect("a number");
            match settle(h, &delivery, Outcome::Ack).await {
                Settled::Done => run.known(number, |known| {
                    known.acked += 1;
                    known.acked_attempt = delivery.attempt();
                }),
                other => panic!("nobody else is there: {other:?}"),
            }
        }
    }
    let dead = all_dead(h).await;
    let history = run.history.into_inner().unwrap();
    let extra: u32 = history
        .messages
        .values()
        .map(|known| known.deliveries.saturating_sub(1))
        .sum();
    let allowed: u32 = history.again.values().sum();
    println!(
        "{} messages, {} dead letters, {extra} extra deliveries; causes: {:?}",
        history.messages.len(),
        dead.len(),
        history.again
    );
    for (number, known) in &history.messages {
        let letters = dead.get(number).copied().unwrap_or(0);
        assert!(
            known.acked + letters <= 1,
            "message {number} ended twice: {known:?}, dead letters: {letters}"
        );
        let ended = known.acked + letters == 1 || known.doubtful;
        assert!(ended || !known.accepted, "message {number} is lost: {known:?}");
        assert!(
            !known.dead || letters == 1,
            "message {number} is dead and not among the dead letters: {known:?}"
        );
    }
    assert!(
        extra <= allowed,
        "{extra} extra deliveries for {allowed} causes: {:?}",
        history.again
    );
}

/// How often each message is among the dead letters.
async fn all_dead<H: Harness>(h: &H) -> BTreeMap<usize, u32> {
    let mut found = BTreeMap::new();
    let Some(letters) = h.dead_letters() else { return found };
    let mut after = None;
    loop {
        let page = letters.list(&DeadLetterFilter::all(), after, 200).await.expect("list");
        let Some(last) = page.last() else { return found };
        after = Some(last.id.clone());
        for letter in &page {
            let number = serde_json::from_slice(&letter.body).expect("a number");
            *found.entry(number).or_default() += 1;
        }
    }
}
