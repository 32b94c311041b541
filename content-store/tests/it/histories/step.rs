//! What may happen, and how it is made up.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// One call. Small numbers name sites, topics, pages and the like; what there is less of is taken modulo.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Plan {
        site: u8,
        topics: Vec<(u8, u8, u8)>,
    },
    Claim {
        site: u8,
        limit: u32,
        max_attempts: u32,
    },
    Save {
        page: u8,
        to: u8,
        content: u8,
        messages: usize,
        costs: usize,
        stale: bool,
    },
    Move {
        page: u8,
        to: u8,
        release: bool,
        reason: bool,
    },
    Edit {
        page: u8,
        slug: Option<u8>,
        title: Option<u8>,
        unlock: bool,
    },
    Delete {
        page: u8,
        stale: bool,
    },
    ClaimOutbox {
        limit: u32,
        max_attempts: u32,
    },
    MarkSent {
        owner: bool,
        rows: usize,
    },
    Release {
        rows: usize,
        wait: i64,
    },
    ClaimPost {
        page: u8,
        account: u8,
    },
    Arm {
        post: u8,
    },
    Settle {
        post: u8,
        outcome: u8,
    },
    Spend {
        page: Option<u8>,
        costs: usize,
        campaign: bool,
    },
    Bury {
        letter: u8,
    },
    Take {
        letters: Vec<u8>,
    },
    Remove {
        owner: bool,
        letters: Vec<u8>,
    },
    Prune {
        limit: u32,
    },
    Wait {
        ms: i64,
    },
    /// An earlier call once more, with its op.
    Again {
        call: u8,
    },
}

/// What becomes of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Comes,
    /// The call was made and its answer lost, so it is repeated.
    Lost,
}

pub(crate) fn history() -> impl Strategy<Value = Vec<(Step, Fate)>> {
    let fate = prop_oneof![3 => Just(Fate::Comes), 1 => Just(Fate::Lost)];
    let steps = vec((step(), fate.clone()), 1..60);
    // Chance alone hardly gets as far as a post: half of the histories begin there.
    (any::<bool>(), vec(fate, 12), steps).prop_map(|(far, fates, steps)| {
        let before = begun().into_iter().zip(fates).filter(|_| far);
        before.chain(steps).collect()
    })
}

/// Two published pages and a draft; a post of each published page is armed, and one of them came to nobody knows what.
fn begun() -> Vec<Step> {
    let save = |page, to| Step::Save {
        page,
        to,
        content: page,
        messages: 1,
        costs: 1,
        stale: false,
    };
    let topics = (0..4).map(|n| (n, n, n)).collect();
    vec![
        Step::Plan { site: 0, topics },
        Step::Claim {
            site: 0,
            limit: 3,
            max_attempts: 3,
        },
        save(0, PUBLISHED),
        save(1, PUBLISHED),
        save(2, DRAFT),
        Step::ClaimPost { page: 0, account: 0 },
        Step::ClaimPost { page: 1, account: 1 },
        Step::Arm { post: 0 },
        Step::Arm { post: 1 },
        Step::Settle { post: 0, outcome: 3 },
        Step::ClaimOutbox {
            limit: 1,
            max_attempts: 3,
        },
        Step::MarkSent { owner: true, rows: 1 },
    ]
}

const DRAFT: u8 = 2;
const PUBLISHED: u8 = 5;

fn step() -> impl Strategy<Value = Step> {
    let topics = vec((0..5_u8, 0..6_u8, 0..6_u8), 0..4);
    let few = 0..3_usize;
    prop_oneof![
        6 => (0..2_u8, topics).prop_map(|(site, topics)| Step::Plan { site, topics }),
        6 => (0..2_u8, 1..4_u32, 1..4_u32).prop_map(|(site, limit, max_attempts)| Step::Claim { site, limit, max_attempts }),
        9 => (any::<u8>(), 0..10_u8, 0..4_u8, few.clone(), few.clone(), any::<bool>()).prop_map(
            |(page, to, content, messages, costs, stale)| Step::Save {
                page,
                // Mostly what a writer may do.
                to: if to > 3 { [2, 3, 5][usize::from(to) % 3] } else { to },
                content,
                messages,
                costs,
                stale: stale && page % 4 == 0,
            }
        ),
        6 => (any::<u8>(), 0..10_u8, any::<bool>(), any::<bool>())
            .prop_map(|(page, to, release, reason)| Step::Move { page, to, release, reason }),
        4 => (any::<u8>(), option::of(0..6_u8), option::of(0..3_u8), any::<bool>())
            .prop_map(|(page, slug, title, unlock)| Step::Edit { page, slug, title, unlock }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(page, stale)| Step::Delete { page, stale }),
        3 => (1..4_u32, 1..4_u32).prop_map(|(limit, max_attempts)| Step::ClaimOutbox { limit, max_attempts }),
        2 => (any::<bool>(), few.clone()).prop_map(|(owner, rows)| Step::MarkSent { owner, rows }),
        2 => (few.clone(), 0..100_i64).prop_map(|(rows, wait)| Step::Release { rows, wait }),
        5 => (any::<u8>(), 0..2_u8).prop_map(|(page, account)| Step::ClaimPost { page, account }),
        4 => any::<u8>().prop_map(|post| Step::Arm { post }),
        5 => (any::<u8>(), 0..5_u8).prop_map(|(post, outcome)| Step::Settle { post, outcome }),
        2 => (option::of(any::<u8>()), few, any::<bool>())
            .prop_map(|(page, costs, campaign)| Step::Spend { page, costs, campaign }),
        2 => (0..4_u8).prop_map(|letter| Step::Bury { letter }),
        2 => vec(any::<u8>(), 0..3).prop_map(|letters| Step::Take { letters }),
        1 => (any::<bool>(), vec(any::<u8>(), 0..3)).prop_map(|(owner, letters)| Step::Remove { owner, letters }),
        1 => (1..5_u32).prop_map(|limit| Step::Prune { limit }),
        3 => prop_oneof![0..50_i64, Just(60_000)].prop_map(|ms| Step::Wait { ms }),
        3 => any::<u8>().prop_map(|call| Step::Again { call }),
    ]
}
