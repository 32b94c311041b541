use async_trait::async_trait;

use super::*;
use crate::{Account, Attempt, Counter, Limits, Media, Outbox, Reconciled, UploadedMedia};

/// Panics in the middle of a publish.
struct Broken;

#[async_trait]
impl SocialTarget for Broken {
    fn network(&self) -> &str {
        "broken"
    }
    fn account(&self) -> &str {
        "broken/@me"
    }
    fn limits(&self) -> Limits {
        Limits::text("broken", Counter::Graphemes, 10)
    }
    async fn check(&self) -> Result<Account> {
        Ok(Account::new("1", "me", None))
    }
    async fn upload(&self, _: &Media) -> Result<UploadedMedia> {
        panic!("upload")
    }
    async fn publish(&self, _: &Post) -> Result<Published> {
        panic!("publish")
    }
    async fn reconcile(&self, _: &Attempt) -> Result<Reconciled> {
        panic!("reconcile")
    }
}

fn outbox(name: &str, max: usize) -> Arc<Outbox> {
    let outbox = Outbox::memory().with_account(name);
    Arc::new(outbox.with_limits(Counter::Graphemes, max, Default::default()))
}

#[tokio::test]
async fn every_target_answers_for_itself() {
    let (wide, narrow, last) = (outbox("wide", 100), outbox("narrow", 3), outbox("last", 100));
    let targets: [Arc<dyn SocialTarget>; 4] = [wide.clone(), Arc::new(Broken), narrow.clone(), last.clone()];
    let fan_out = FanOut::new(targets).unwrap();
    let deliveries = fan_out
        .publish(|target| Post::new(format!("for {}", target.account())))
        .await;
    let accounts: Vec<&str> = deliveries.iter().map(|delivery| delivery.account.as_str()).collect();
    assert_eq!(accounts, ["wide", "broken/@me", "narrow", "last"]);
    assert!(deliveries[0].result.is_ok());
    assert!(deliveries[1].result.as_ref().unwrap_err().is_unknown());
    assert!(matches!(deliveries[2].result, Err(Error::TooLong { .. })));
    assert!(deliveries[3].result.is_ok());
    assert_eq!(last.posts().unwrap()[0].text, "for last");
    assert!(narrow.posts().unwrap().is_empty());
}

#[test]
fn the_same_account_twice_is_refused() {
    let twice: [Arc<dyn SocialTarget>; 2] = [outbox("a", 1), outbox("a", 2)];
    assert!(matches!(FanOut::new(twice), Err(Error::Config { .. })));
    let none: [Arc<dyn SocialTarget>; 0] = [];
    assert!(FanOut::new(none).unwrap().targets().is_empty());
}
