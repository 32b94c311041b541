//! Random faults at every step of a poster that keeps to the rules: never two posts, never none.

use presswork_social::{
    Attempt, Clock, Error, Post, Published, Reconciled, SocialTarget,
    conformance::{Fault, Harness},
};

use crate::harness::Site;

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

/// Numerical Recipes' generator: the same schedules at every run.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

async fn post_once(site: &Site, post: &Post, dice: &mut Dice) -> Published {
    let mut faults_left = 12;
    let mut unknown: Option<Attempt> = None;
    for _ in 0..100 {
        if faults_left > 0 && dice.roll(3) > 0 {
            faults_left -= 1;
            site.inject(FAULTS[dice.roll(7) as usize]).await;
        }
        if let Some(attempt) = &unknown {
            match site.reconcile(attempt).await {
                Ok(Reconciled::Found(published)) => return published,
                Ok(Reconciled::Absent) => unknown = None,
                Ok(other) => panic!("one post cannot be ambiguous: {other:?}"),
                Err(error) => wait(site, &error).await,
            }
            continue;
        }
        let armed = site.now_ms();
        match site.publish(post).await {
            Ok(published) => return published,
            Err(error) if error.is_unknown() => {
                let evidence = error.evidence().unwrap().clone();
                unknown = Some(Attempt::new(post.clone(), armed).evidence(evidence));
            }
            Err(error) => wait(site, &error).await,
        }
    }
    panic!("the schedule did not end");
}

async fn wait(site: &Site, error: &Error) {
    let expected = error.is_retryable() || matches!(error, Error::Unauthenticated { .. });
    assert!(expected && !error.is_unknown(), "{error:?}");
    site.clock.sleep(error.retry_after().unwrap_or_default()).await;
}

#[tokio::test]
async fn no_schedule_of_faults_posts_twice_or_never() {
    let site = Site::start().await;
    let mut dice = Dice(7);
    for index in 0..150 {
        // Without a key half of the time: what then keeps the promise is `reconcile` alone.
        let post = Post::new(format!("Post {index} & its “text”"));
        let post = if index % 2 == 0 {
            post.idempotency_key(format!("k-{index}"))
        } else {
            post
        };
        let published = post_once(&site, &post, &mut dice).await;
        let visible = site.visible().await;
        assert_eq!(visible.len(), index + 1, "schedule {index}");
        assert_eq!(visible[index].id, published.id);
        site.clock.sleep(std::time::Duration::from_secs(30)).await;
    }
}
