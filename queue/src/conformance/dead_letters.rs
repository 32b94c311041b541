//! Dead letters and counts.

use std::{sync::Arc, time::Duration};

use futures_util::future::join;

use super::{Harness, tools::*};
use crate::{DeadLetterFilter, DeadLetters, Depth, Inspect, Message, Outcome};

fn letters<H: Harness>(h: &H) -> Arc<dyn DeadLetters> {
    h.dead_letters().expect("the case needs a list of dead letters")
}

/// See the bullet of this name on [`DeadLetters::list`].
pub async fn dead_letters_list_in_pages<H: Harness>(h: &H) {
    let mut buried = Vec::new();
    for n in 0..5 {
        buried.push(bury(h, &n.to_string(), "no").await);
    }
    let mut listed = Vec::new();
    loop {
        let page = letters(h)
            .list(&DeadLetterFilter::all(), listed.last().cloned(), 2)
            .await
            .expect("list");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        listed.extend(page.into_iter().map(|letter| letter.id));
    }
    assert_eq!(listed, buried);
}

/// See the bullet of this name on [`DeadLetters::list`].
pub async fn filter_narrows<H: Harness>(h: &H) {
    let first = bury(h, "1", "rejected by x: too long").await;
    h.advance(slack(h)).await;
    let second = bury(h, "2", "rejected by y").await;
    let list = async |filter: DeadLetterFilter| {
        let found = letters(h).list(&filter, None, 10).await.expect("list");
        found.into_iter().map(|letter| letter.id).collect::<Vec<_>>()
    };
    let all = DeadLetterFilter::all;
    let second_died = dead(h).await[1].dead_at_ms;
    assert_eq!(list(all()).await, [first.clone(), second.clone()]);
    assert_eq!(list(all().ids([second.clone()])).await, std::slice::from_ref(&second));
    assert_eq!(list(all().ids([])).await, []);
    assert_eq!(list(all().ids(["no such id".into()])).await, []);
    assert_eq!(list(all().reason_contains("by y")).await, std::slice::from_ref(&second));
    assert_eq!(list(all().reason_contains("%")).await, [], "no wildcards");
    assert_eq!(
        list(all().dead_before_ms(second_died)).await,
        std::slice::from_ref(&first)
    );
    assert_eq!(list(all().limit(1)).await, std::slice::from_ref(&first));
    assert_eq!(
        list(all().reason_contains("rejected").ids([first.clone(), second]).limit(1)).await,
        [first]
    );
}

/// See the bullet of this name on [`DeadLetters::list`].
pub async fn undecodable_dead_letter_is_listed<H: Harness>(h: &H) {
    h.put_text("garbage").await;
    settle(h, &one(h).await, Outcome::dead_letter("unreadable")).await;
    let dead = dead(h).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].body, b"garbage");
}

/// See the bullet of this name on [`DeadLetters::redrive`].
pub async fn dry_run_changes_nothing<H: Harness>(h: &H) {
    let id = bury(h, "1", "no").await;
    let before = dead(h).await;
    let dry = letters(h)
        .redrive(&DeadLetterFilter::all(), true)
        .await
        .expect("redrive");
    assert_eq!(dry.ids, std::slice::from_ref(&id));
    none(h).await;
    assert_eq!(dead(h).await, before);
    let wet = letters(h)
        .redrive(&DeadLetterFilter::all(), false)
        .await
        .expect("redrive");
    assert_eq!(wet.ids, [id]);
    one(h).await;
}

/// See the bullet of this name on [`DeadLetters::redrive`].
pub async fn redrive_is_filtered<H: Harness>(h: &H) {
    let kept = bury(h, "1", "keep").await;
    let wanted = bury(h, "2", "redrive").await;
    let later = bury(h, "3", "redrive").await;
    let filter = DeadLetterFilter::all().reason_contains("redrive").limit(1);
    assert_eq!(
        letters(h).redrive(&filter, false).await.expect("redrive").ids,
        std::slice::from_ref(&wanted)
    );
    assert_eq!(one(h).await.id(), &wanted);
    none(h).await;
    assert_eq!(
        dead(h).await.into_iter().map(|letter| letter.id).collect::<Vec<_>>(),
        [kept, later]
    );
}

/// See the bullet of this name on [`DeadLetters::redrive`].
pub async fn redrive_resets_attempts<H: Harness>(h: &H) {
    let max = h.consumer().capabilities().max_attempts;
    let verdict = |attempt: u32| match max {
        Some(_) => Outcome::retry("no"),
        // Where the service keeps the number to itself, the last verdict is ours.
        None if attempt == 2 => Outcome::dead_letter("no"),
        None => Outcome::retry("no"),
    };
    let rounds = max.unwrap_or(2);
    let id = send(h, "hopeless").await;
    let mut sent_at = 0;
    for attempt in 1..=rounds {
        let delivery = one(h).await;
        sent_at = delivery.enqueued_at_ms();
        settle(h, &delivery, verdict(attempt)).await;
    }
    h.advance(slack(h)).await;
    letters(h)
        .redrive(&DeadLetterFilter::all(), false)
        .await
        .expect("redrive");
    for attempt in 1..=rounds {
        let delivery = one(h).await;
        assert_eq!((delivery.id(), delivery.body()), (&id, &b"hopeless"[..]));
        assert_eq!(delivery.enqueued_at_ms(), sent_at);
        assert!(delivery.attempt().is_none_or(|counted| counted == attempt));
        settle(h, &delivery, verdict(attempt)).await;
    }
    none(h).await;
    assert_eq!(dead(h).await.len(), 1);
}

/// See the bullet of this name on [`DeadLetters::redrive`].
pub async fn concurrent_redrives_bring_each_once<H: Harness>(h: &H) {
    for n in 0..5 {
        bury(h, &n.to_string(), "no").await;
    }
    let (filter, left, right) = (DeadLetterFilter::all(), letters(h), letters(h));
    let (a, b) = join(left.redrive(&filter, false), right.redrive(&filter, false)).await;
    assert_eq!(a.expect("redrive").ids.len() + b.expect("redrive").ids.len(), 5);
    let deliveries = receive_all(h).await;
    assert_eq!((deliveries.len(), ids(&deliveries).len()), (5, 5));
    assert!(dead(h).await.is_empty());
}

/// See the bullet of this name on [`DeadLetters::discard`].
pub async fn discard_is_filtered<H: Harness>(h: &H) {
    let kept = bury(h, "1", "keep").await;
    let gone = bury(h, "2", "drop").await;
    let filter = DeadLetterFilter::all().reason_contains("drop");
    assert_eq!(
        letters(h).discard(&filter, true).await.expect("discard").ids,
        std::slice::from_ref(&gone)
    );
    assert_eq!(dead(h).await.len(), 2);
    assert_eq!(letters(h).discard(&filter, false).await.expect("discard").ids, [gone]);
    assert_eq!(
        dead(h).await.into_iter().map(|letter| letter.id).collect::<Vec<_>>(),
        [kept]
    );
    none(h).await;
}

fn inspect<H: Harness>(h: &H) -> Arc<dyn Inspect> {
    h.inspect().expect("the case needs counts")
}

/// See the bullet of this name on [`Inspect::depth`].
pub async fn depth_counts_each_state<H: Harness>(h: &H) {
    assert_eq!(inspect(h).depth().await.expect("depth"), Depth::default());
    if h.dead_letters().is_some() {
        bury(h, "dead", "no").await;
    }
    send(h, "leased").await;
    let leased = one(h).await;
    send(h, "leased and lost").await;
    one(h).await;
    h.queue()
        .send(&Message::new("later").delay(lease_time(h) * 10))
        .await
        .expect("send");
    send(h, "ready").await;
    let depth = inspect(h).depth().await.expect("depth");
    let dead = u64::from(h.dead_letters().is_some());
    assert_eq!((depth.ready, depth.delayed, depth.leased, depth.dead), (1, 1, 2, dead));
    settle(h, &leased, Outcome::Ack).await;
    expire(h).await;
    let depth = inspect(h).depth().await.expect("depth");
    assert_eq!((depth.ready, depth.delayed, depth.leased, depth.dead), (2, 1, 0, dead));
}

/// See the bullet of this name on [`Inspect::depth`].
pub async fn oldest_age_is_the_longest_due<H: Harness>(h: &H) {
    let step = slack(h) * 10;
    h.queue().send(&Message::new("later").delay(step)).await.expect("send");
    assert_eq!(inspect(h).depth().await.expect("depth").oldest_age, None);
    h.advance(step * 3).await;
    send(h, "now").await;
    let age = inspect(h).depth().await.expect("depth").oldest_age.expect("one is due");
    let expected = step * 2;
    assert!(
        age >= expected - Duration::from_millis(1) && age <= expected + step,
        "{age:?} is not about {expected:?}"
    );
}
