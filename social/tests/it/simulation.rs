//! Random faults at every step of a poster that keeps to the rules: never two posts, never none.
//!
//! `PRESSWORK_SCHEDULES=10000 cargo nextest run -p presswork-social --all-features simulation` runs more of them, and
//! `PRESSWORK_SEED=1` others.

use std::time::Duration;

use presswork_social::{
    Clock, Error, Media, Post, SocialTarget, Step, Thread,
    conformance::{Fault, Harness},
};

use crate::site::{Site, World};

/// Faults of a schedule. Silence costs seconds of waiting and ends in the same state as a lost request.
const FAULTS: [Fault; 7] = [
    Fault::RateLimited { seconds: 3 },
    Fault::Unauthenticated,
    Fault::Down,
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::ServerErrorAfterCommit,
    Fault::GarbageAnswer,
];

/// Schedules of a run that says nothing else: enough to meet each fault at each step, in a second or two.
const SCHEDULES: u32 = 150;

/// Numerical Recipes' generator: the same schedules at every run.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

/// How a schedule ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// With the ids of every part.
    Posted(Vec<String>),
    /// A person has to look, and why.
    Parked(String),
}

struct Schedule<'a, W: World> {
    site: &'a Site<W>,
    dice: &'a mut Dice,
    faults_left: u32,
    /// What happened, for the message of a failure.
    story: Vec<String>,
}

impl<W: World> Schedule<'_, W> {
    async fn stumble(&mut self) {
        if self.faults_left == 0 || self.dice.roll(3) == 0 {
            return;
        }
        self.faults_left -= 1;
        let number = self.dice.roll(FAULTS.len() as u32 + W::TROUBLES);
        match FAULTS.get(number as usize) {
            Some(fault) if !W::can(*fault) => {}
            Some(fault) => {
                self.story.push(format!("{fault:?}"));
                self.site.inject(*fault).await;
            }
            None => {
                self.story.push(format!("trouble {}", number - FAULTS.len() as u32));
                self.site.world.lock().unwrap().trouble(number - FAULTS.len() as u32);
            }
        }
    }

    /// Waits as long as the error says; anything that no poster could go on from is a defect.
    async fn wait(&self, error: &Error) {
        let passes =
            error.is_retryable() || matches!(error, Error::Unauthenticated { .. } | Error::PauseAccount { .. });
        assert!(passes && !error.is_unknown(), "{error:?} after {:?}", self.story);
        if matches!(error, Error::Unauthenticated { .. }) {
            self.site.world.lock().unwrap().reconnect();
        }
        self.site
            .clock
            .sleep(error.retry_after().unwrap_or(Duration::from_secs(5)))
            .await;
    }

    async fn run(mut self, mut root: Post, rest: &[String]) -> (End, Vec<String>) {
        if self.site.limits().media.max_count > 0 && self.dice.roll(3) == 0 {
            loop {
                self.stumble().await;
                match self.site.upload(&pixel()).await {
                    Ok(upload) => break root = root.media(upload),
                    Err(error) => self.wait(&error).await,
                }
            }
        }
        // What a database holds: written before a call and after it, and all there is after a crash.
        let mut stored = Thread::new(root, rest, &self.site.limits());
        let mut settle = false;
        for _ in 0..300 {
            stored.arm(self.site.now_ms());
            let mut thread = stored.clone();
            self.stumble().await;
            let result = if settle {
                thread.settle(self.site).await
            } else {
                thread.advance(self.site).await
            };
            self.story
                .push(format!("{} {result:?}", if settle { "settle" } else { "advance" }));
            if self.dice.roll(8) == 0 {
                // The process ended before it wrote anything down.
                self.story.push("crash".to_owned());
                settle = true;
                continue;
            }
            stored = thread;
            settle = false;
            match result {
                Ok(Step::Done) => {
                    let ids = stored.published().iter().map(|part| part.id.clone()).collect();
                    return (End::Posted(ids), self.story);
                }
                Ok(Step::Part | Step::Absent) => {}
                Ok(Step::CannotTell { why }) => return (End::Parked(why), self.story),
                Ok(_) => {
                    settle = true;
                    self.site.clock.sleep(Duration::from_secs(2)).await;
                }
                Err(error) => {
                    // A question that failed says nothing: it is asked again.
                    settle = self.story.last().is_some_and(|last| last.starts_with("settle"));
                    self.wait(&error).await;
                }
            }
        }
        panic!("the schedule did not end: {:?}", self.story);
    }
}

fn pixel() -> Media {
    Media::new(&b"\x89PNG\r\n\x1a\nrest"[..], "image/png")
        .alt("a cat")
        .public_url("https://media.example/cat.png")
}

/// Runs the schedules and counts on the far side. `keyless` leaves out half of the idempotency keys.
pub(crate) async fn simulate<W: World>(keyless: bool) {
    let number = |name: &str, otherwise: u32| {
        let value = std::env::var(name).ok();
        value.map_or(otherwise, |value| value.parse().expect("a number"))
    };
    let schedules = number("PRESSWORK_SCHEDULES", SCHEDULES);
    let seed = number("PRESSWORK_SEED", 7);
    let mut dice = Dice(seed);
    let (mut parked, mut posts) = (0, 0);
    let mut site = Site::<W>::start().await;
    for index in 0..schedules {
        // Worlds that remember everything get slow.
        if index % 200 == 199 {
            site = Site::<W>::start().await;
        }
        site.world.lock().unwrap().common().anywhere = true;
        let before = site.visible().await.len();
        let mut root = Post::new(format!("Post {index} & its “text”"));
        if index % 2 == 0 || !keyless {
            root = root.idempotency_key(format!("k-{index}"));
        }
        let threaded = site.limits().reply || site.limits().thread > 0;
        let count = if threaded { dice.roll(3) } else { 0 };
        let rest: Vec<String> = (0..count).map(|part| format!("Part {part} of post {index}")).collect();
        let texts: Vec<String> = std::iter::once(root.text.clone()).chain(rest.clone()).collect();
        let schedule = Schedule {
            site: &site,
            dice: &mut dice,
            faults_left: 12,
            story: Vec::new(),
        };
        let (end, story) = schedule.run(root, &rest).await;
        let visible = &site.visible().await[before..];
        let shown: Vec<&str> = visible.iter().map(|post| post.text.as_str()).collect();
        posts += shown.len();
        match end {
            End::Posted(ids) => {
                assert_eq!(shown, texts, "schedule {index}: {story:?}");
                let roots: Vec<&str> = visible.iter().map(|post| post.id.as_str()).take(ids.len()).collect();
                assert_eq!(ids, roots, "schedule {index}: {story:?}");
            }
            End::Parked(why) => {
                assert!(
                    W::PARKS && !why.is_empty(),
                    "schedule {index} was parked, {why}: {story:?}"
                );
                assert!(
                    shown.len() <= texts.len() && shown[..] == texts[..shown.len()],
                    "schedule {index}: {story:?}"
                );
                parked += 1;
            }
        }
        site.world.lock().unwrap().common().forget();
        site.clock.sleep(Duration::from_secs(600)).await;
    }
    println!("{schedules} schedules from seed {seed}, {posts} posts, {parked} parked for a person, 0 lost, 0 doubled");
}
