//! One random operation after the other, on this queue and on the memory queue: both must answer alike.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Harness,
    random::{Chance, Until},
    tools::slack,
};
use crate::{
    Admin, Consumer, DeadLetterFilter, DeadLetters, Delivery, Error, Inspect, MemoryQueue, Message, Outcome, Queue,
    Settle, Settlement, VirtualClock,
};

/// The most live messages: one look takes all that are due, so that their order does not matter.
const LIVE: usize = 60;

/// What a receive showed: body, attempt.
type Shown = Vec<(usize, Option<u32>)>;

struct Twins<'h, H> {
    h: &'h H,
    model: MemoryQueue,
    clock: VirtualClock,
    /// Deliveries of either side by body, the newest last; some are stale.
    held: BTreeMap<usize, Vec<(Delivery, Delivery)>>,
    sent: usize,
}

/// All that is due, in as many receives as it takes.
async fn everything(consumer: &dyn Consumer) -> Vec<Delivery> {
    let mut all = Vec::new();
    loop {
        let some = consumer.receive(100, Duration::ZERO).await.expect("receive");
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

fn number(body: &[u8]) -> usize {
    serde_json::from_slice(body).expect("a number")
}

impl<H: Harness> Twins<'_, H> {
    /// Times are tens of seconds: what passes by itself on a real clock never reaches the next.
    async fn advance(&self, tens: usize) {
        let by = Duration::from_secs(10) * tens as u32;
        self.clock.advance(by);
        self.h.advance(by).await;
    }

    async fn send(&mut self, chance: &mut Chance) {
        self.sent += 1;
        let key = chance.once_in(4).then(|| format!("key {}", chance.below(8)));
        let delay = Duration::from_secs(10) * if chance.once_in(3) { chance.below(12) as u32 } else { 0 };
        let mut message = Message::json(&self.sent).expect("json").delay(delay);
        if let Some(key) = key.filter(|_| self.h.queue().capabilities().idempotency_ttl.is_some()) {
            message = message.idempotency_key(key);
        }
        self.h.queue().send(&message).await.expect("send");
        self.model.send(&message).await.expect("send");
    }

    /// How many messages there are, dead letters included.
    async fn held_by_model(&self) -> usize {
        let depth = self.model.depth().await.expect("depth");
        (depth.ready + depth.delayed + depth.leased + depth.dead) as usize
    }

    async fn receive(&mut self) {
        let ours = everything(&*self.h.consumer()).await;
        let theirs = everything(&self.model).await;
        let show = |deliveries: &[Delivery]| -> Shown {
            let mut shown: Shown = deliveries
                .iter()
                .map(|one| (number(one.body()), one.attempt()))
                .collect();
            shown.sort_unstable();
            shown
        };
        assert_eq!(show(&ours), show(&theirs), "receive");
        let mut theirs: BTreeMap<_, _> = theirs.into_iter().map(|one| (number(one.body()), one)).collect();
        for one in ours {
            let number = number(one.body());
            let twin = theirs.remove(&number).expect("shown by both");
            self.held.entry(number).or_default().push((one, twin));
        }
    }

    async fn settle(&mut self, chance: &mut Chance) {
        let mut both = Vec::new();
        for leases in self.held.values() {
            for (ours, theirs) in leases {
                if !chance.once_in(3) {
                    continue;
                }
                let verdict = match chance.below(7) {
                    6 => Outcome::Snooze {
                        after: Duration::from_secs(10) * chance.below(10) as u32,
                    },
                    0 => Outcome::retry(format!("error {}", chance.below(9))),
                    1 => Outcome::retry_after(Duration::from_secs(10) * chance.below(10) as u32, "later"),
                    2 => Outcome::dead_letter(format!("reason {}", chance.below(3))),
                    3 => Outcome::Release,
                    _ => Outcome::Ack,
                };
                both.push((
                    Settlement::new(ours.lease().clone(), verdict.clone()),
                    Settlement::new(theirs.lease().clone(), verdict),
                ));
            }
        }
        let (ours, theirs): (Vec<_>, Vec<_>) = both.into_iter().unzip();
        let settled = self.h.consumer().settle(&ours).await.expect("settle");
        assert_eq!(
            settled,
            self.model.settle(&theirs).await.expect("settle"),
            "settle {ours:?}"
        );
        // Most leases are forgotten once they were used; some are used again, and stale.
        for leases in self.held.values_mut() {
            if chance.once_in(2) {
                leases.clear();
            }
        }
    }

    async fn extend(&self, chance: &mut Chance) {
        let by = Duration::from_secs(10) * chance.below(12) as u32;
        let held: Vec<_> = self.held.values().flatten().cloned().collect();
        let Some((ours, theirs)) = held.get(chance.below(held.len())) else {
            return;
        };
        let (ours, theirs) = (
            self.h.consumer().extend(ours.lease(), by).await,
            self.model.extend(theirs.lease(), by).await,
        );
        match (&ours, &theirs) {
            (Ok(_), Ok(_)) | (Err(Error::Stale { .. }), Err(Error::Stale { .. })) => {}
            other => panic!("extend: {other:?}"),
        }
    }

    async fn dead(&self, chance: &mut Chance) {
        let Some(letters) = self.h.dead_letters() else { return };
        let mut filter = DeadLetterFilter::all();
        if chance.once_in(2) {
            filter = filter.reason_contains(format!("reason {}", chance.below(3)));
        }
        let show = |letters: Vec<crate::DeadLetter>| {
            let show = |one: crate::DeadLetter| (number(&one.body), one.reason, one.attempts, one.last_error);
            letters.into_iter().map(show).collect::<Vec<_>>()
        };
        let all = DeadLetterFilter::all();
        let ours = letters.list(&all, None, 1_000).await.expect("list");
        let theirs = self.model.list(&all, None, 1_000).await.expect("list");
        let (mut ours, mut theirs) = (show(ours), show(theirs));
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs, "dead letters");
        let dry = chance.once_in(3);
        let (ours, theirs) = if chance.once_in(2) {
            let ours = letters.redrive(&filter, dry).await.expect("redrive").ids.len();
            (ours, self.model.redrive(&filter, dry).await.expect("redrive").ids.len())
        } else {
            let ours = letters.discard(&filter, dry).await.expect("discard").ids.len();
            let theirs = self.model.discard(&filter, dry).await.expect("discard").ids.len();
            (ours, theirs)
        };
        assert_eq!(ours, theirs, "redriven or discarded");
    }

    async fn administer(&self, chance: &mut Chance) {
        let Some(admin) = self.h.admin() else { return };
        match chance.below(16) {
            0 => {
                let ours = admin.purge().await.expect("purge");
                let theirs = self.model.purge().await.expect("purge");
                assert_eq!(ours, theirs, "purge");
            }
            1 => {
                admin.pause().await.expect("pause");
                self.model.pause().await.expect("pause");
            }
            2..8 => {
                let mut ours: Vec<_> = admin.peek(100).await.expect("peek");
                let mut theirs = self.model.peek(100).await.expect("peek");
                ours.sort_by_key(|one| number(&one.body));
                theirs.sort_by_key(|one| number(&one.body));
                let show = |one: &crate::Peeked| (number(&one.body), one.attempts);
                assert_eq!(
                    ours.iter().map(show).collect::<Vec<_>>(),
                    theirs.iter().map(show).collect::<Vec<_>>(),
                    "peek"
                );
            }
            _ => {
                admin.resume().await.expect("resume");
                self.model.resume().await.expect("resume");
            }
        }
    }

    async fn count(&self) {
        let Some(inspect) = self.h.inspect() else { return };
        let mut ours = inspect.depth().await.expect("depth");
        let mut theirs = self.model.depth().await.expect("depth");
        let seconds = |age: Option<Duration>| age.map(|age| age.as_secs() / 10);
        assert_eq!(seconds(ours.oldest_age), seconds(theirs.oldest_age), "oldest age");
        (ours.oldest_age, theirs.oldest_age) = (None, None);
        assert_eq!(ours, theirs, "depth");
    }
}

/// See the bullet of this name on [`Consumer::receive`].
pub async fn random_operations_agree_with_the_model<H: Harness>(h: &H) {
    let takes = h.consumer().capabilities();
    let clock = VirtualClock::new();
    let mut model = MemoryQueue::builder().clock(Arc::new(clock.clone()));
    model = model.lease(takes.lease.expect("fenced leases end"));
    model = model.max_attempts(takes.max_attempts.expect("the queue gives up by itself"));
    if let Some(ttl) = h.queue().capabilities().idempotency_ttl {
        model = model.idempotency_ttl(ttl);
    }
    let mut twins = Twins {
        h,
        model: model.build().expect("the declared settings"),
        clock,
        held: BTreeMap::new(),
        sent: 0,
    };
    let mut chance = Chance::new("random_operations_agree_with_the_model");
    let until = Until::after(Duration::from_millis(1_500));
    let mut operations = 0;
    while !until.is_over() {
        operations += 1;
        match chance.below(16) {
            0..=4 if twins.held_by_model().await < LIVE => twins.send(&mut chance).await,
            5..=7 => twins.receive().await,
            8..=10 => twins.settle(&mut chance).await,
            11 => twins.extend(&mut chance).await,
            12 => twins.dead(&mut chance).await,
            13 => twins.administer(&mut chance).await,
            14 => twins.count().await,
            _ => {
                let tens = 1 + chance.below(9);
                twins.advance(tens).await;
            }
        }
    }
    assert!(
        slack(h) < Duration::from_secs(5),
        "the tens of seconds tell nothing apart"
    );
    println!("{operations} operations on {} messages agreed", twins.sent);
}
