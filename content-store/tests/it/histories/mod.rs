//! Random histories: every store answers as memory does, refuses as it does, and holds the same rows at the end. One
//! answer in four is lost after the change and the call repeated. A history that fails is made smaller before it is told.

mod player;
mod step;

use std::collections::BTreeSet;
use std::sync::Arc;

use presswork_content_store::conformance::Harness;
use presswork_content_store::{MemoryStore, PostStatus, Status};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};

use player::{Player, at};
use step::{Fate, Step};

/// The same histories every time; `CONTENT_STORE_HISTORIES=1000` makes that many up anew.
#[allow(clippy::future_not_send)] // proptest's trees stay on one thread
pub(crate) async fn are_those_of_memory<H: Harness>(histories: usize) {
    let wanted = std::env::var("CONTENT_STORE_HISTORIES").ok();
    let (histories, mut runner) = match wanted.and_then(|histories| histories.parse().ok()) {
        Some(wanted) => (wanted, TestRunner::new(Config::default())),
        None => (histories, TestRunner::deterministic()),
    };
    let strategy = step::history();
    let mut reached = BTreeSet::new();
    for _ in 0..histories {
        let mut tree = strategy.new_tree(&mut runner).unwrap();
        let mut difference = match differ::<H>(&tree.current()).await {
            Ok(seen) => {
                reached.extend(seen);
                continue;
            }
            Err(difference) => difference,
        };
        let mut smallest = tree.current();
        let mut smaller = tree.simplify();
        let mut tries = 0..200;
        while smaller && tries.next().is_some() {
            smaller = match differ::<H>(&tree.current()).await {
                Err(still) => {
                    (smallest, difference) = (tree.current(), still);
                    tree.simplify()
                }
                Ok(_) => tree.complicate(),
            };
        }
        panic!("{difference}\nafter {smallest:#?}");
    }
    if histories >= MANY {
        let pages = Status::ALL.iter().map(|status| format!("page {status}"));
        let posts = PostStatus::ALL.iter().map(|status| format!("post {status}"));
        let missed: Vec<_> = pages.chain(posts).filter(|status| !reached.contains(status)).collect();
        assert!(missed.is_empty(), "no history reached {missed:?}");
    }
}

/// So many histories have seen every status of a page and a post.
const MANY: usize = 40;

/// The statuses that were reached on the way, or where the two part.
async fn differ<H: Harness>(history: &[(Step, Fate)]) -> Result<BTreeSet<String>, String> {
    let harness = H::fresh().await;
    let (mut model, mut store) = (Player::new(Arc::new(MemoryStore::new())), Player::new(harness.store()));
    let (mut clock, mut reached) = (0, BTreeSet::new());
    for (n, (step, fate)) in history.iter().enumerate() {
        if let Step::Wait { ms } = step {
            clock += ms;
        }
        let times = match fate {
            Fate::Lost => 2,
            Fate::Comes => 1,
        };
        let op = at(clock);
        clock += 1;
        let expected = model.play(step, op, 1).await;
        let found = store.play(step, op, times).await;
        if expected != found {
            return Err(format!(
                "step {n} {step:?}, made {times} times:\n memory: {expected}\n  store: {found}"
            ));
        }
        reached.extend(model.statuses().await);
    }
    let (expected, found) = (model.everything().await, store.everything().await);
    let different = expected.iter().zip(&found).find(|(one, other)| one != other);
    match different {
        Some((expected, found)) => Err(format!("rows differ:\n memory: {expected}\n  store: {found}")),
        None if expected.len() != found.len() => Err(format!("{} rows, not {}", found.len(), expected.len())),
        None => Ok(reached),
    }
}
