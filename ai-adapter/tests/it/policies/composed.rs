//! Retry over fallback over circuit breaker over rate limit over budget, with random faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use presswork_ai_adapter::{
    Account, Attempt, Cap, Capabilities, Clock, Error, Failure, Fallback, LanguageModel, LanguageModelExt, Price,
    Prices, Result, RetryPolicy, StreamEvent, TextRequest, TextResponse, TextStream, Usage,
};
use proptest::prelude::*;

use super::{PausedClock, hello, secs};

const MAX_OUTPUT: u64 = 100;
const CAP: u64 = 9_000;
const DEADLINE: Duration = secs(120);

#[derive(Debug, Clone)]
enum Step {
    Answer(u64),
    /// Nothing is billed.
    Fail(u8),
    /// What it may have cost is not known here, and is the most.
    Garbage,
    Silence,
    Cut,
}

/// A provider that bills.
#[derive(Clone)]
struct Chaos {
    name: &'static str,
    clock: Arc<PausedClock>,
    steps: Arc<Mutex<VecDeque<Step>>>,
    asked: Arc<Mutex<usize>>,
    billed: Arc<Mutex<u64>>,
}

impl Chaos {
    fn new(name: &'static str, clock: &Arc<PausedClock>, steps: Vec<Step>) -> Self {
        Self {
            name,
            clock: clock.clone(),
            steps: Arc::new(Mutex::new(steps.into())),
            asked: Arc::default(),
            billed: Arc::default(),
        }
    }

    fn bill(&self, usage: Usage) -> Usage {
        *self.billed.lock().unwrap() += usage.input_tokens.unwrap() + 10 * usage.output_tokens.unwrap();
        usage
    }

    fn fail(&self, error: fn(Box<Failure>) -> Error, retry_after: Option<Duration>) -> Error {
        let mut failure = Failure::new(self.name, "chaos").retry_after(retry_after);
        let mut attempt = Attempt::new(self.name, "m", None);
        attempt.error = Some("chaos".to_owned());
        failure.attempts.push(attempt);
        error(failure.boxed())
    }

    /// The whole answer, or its beginning and why it ends.
    async fn play(&self, request: &TextRequest) -> std::result::Result<TextResponse, (Option<&'static str>, Error)> {
        let step = self.steps.lock().unwrap().pop_front().unwrap_or(Step::Answer(10));
        *self.asked.lock().unwrap() += 1;
        let left = request.timeout.expect("every call has a deadline");
        let most = Usage::new(2, MAX_OUTPUT);
        let error = match step {
            Step::Silence => {
                self.clock.sleep(left).await;
                self.bill(most);
                (None, self.fail(Error::Timeout, None))
            }
            step => {
                self.clock.sleep(left.min(Duration::from_millis(700))).await;
                match step {
                    Step::Answer(output) => {
                        let mut response = TextResponse::new(self.name, "m", "ab");
                        response.usage = self.bill(Usage::new(2, output.min(MAX_OUTPUT)));
                        let mut attempt = Attempt::new(self.name, "m", None);
                        attempt.usage = response.usage;
                        response.attempts.push(attempt);
                        return Ok(response);
                    }
                    Step::Fail(0) => (None, self.fail(Error::RateLimited, Some(secs(3)))),
                    Step::Fail(1) => (None, self.fail(Error::Rejected, None)),
                    Step::Fail(2) => (None, self.fail(Error::Unauthenticated, None)),
                    Step::Fail(_) => (None, self.fail(Error::Unavailable, None)),
                    Step::Garbage => {
                        self.bill(most);
                        (None, self.fail(Error::Malformed, None))
                    }
                    Step::Cut | Step::Silence => {
                        self.bill(most);
                        (Some("a"), self.fail(Error::Incomplete, None))
                    }
                }
            }
        };
        Err(error)
    }
}

#[async_trait]
impl LanguageModel for Chaos {
    fn provider(&self) -> &str {
        self.name
    }

    fn model(&self) -> &str {
        "m"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.play(request).await.map_err(|(_, error)| error)
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let (text, end) = match self.play(request).await {
            Ok(response) => (response.text.clone(), Ok(StreamEvent::Done(Box::new(response)))),
            Err((Some(beginning), error)) => (beginning.to_owned(), Err(error)),
            Err((None, error)) => return Err(error),
        };
        Ok(TextStream::new(stream::iter([Ok(StreamEvent::Text(text)), end])))
    }
}

#[derive(Debug, Clone)]
struct Job {
    starts_ms: u64,
    is_streamed: bool,
    is_dropped: bool,
}

/// What one call made of it: its ledger, unless it was dropped.
async fn run(model: &impl LanguageModel, job: &Job) -> Option<(Result<()>, Vec<Attempt>)> {
    let request = hello().max_output_tokens(MAX_OUTPUT as u32).timeout(DEADLINE);
    let result = if job.is_streamed {
        match model.stream(&request).await {
            Ok(mut stream) if job.is_dropped => {
                let _ = stream.next().await;
                return None;
            }
            Ok(stream) => stream.response().await,
            Err(error) => Err(error),
        }
    } else if job.is_dropped {
        match tokio::time::timeout(Duration::from_millis(500), model.generate(&request)).await {
            Ok(result) => result,
            Err(_) => return None,
        }
    } else {
        model.generate(&request).await
    };
    Some(match result {
        Ok(response) => (Ok(()), response.attempts),
        Err(error) => {
            let attempts = error.attempts().to_vec();
            (Err(error), attempts)
        }
    })
}

async fn scenario(first: Vec<Step>, second: Vec<Step>, jobs: Vec<Job>) {
    let clock = PausedClock::start();
    let (a, b) = (Chaos::new("a", &clock, first), Chaos::new("b", &clock, second));
    let price = Price::new(1_000_000, 10_000_000);
    let prices = Prices::as_of("2026-11-23")
        .model("a", "m", price)
        .model("b", "m", price);
    let account = Account::new(prices, [Cap::per_run(CAP)]).clock(clock.clone());
    let guarded = |chaos: &Chaos| {
        let limited = chaos
            .clone()
            .budget(&account)
            .rate_limit()
            .requests_per_minute(20)
            .concurrency(3)
            .clock(clock.clone());
        limited
            .circuit_breaker()
            .failures(3)
            .open_for(secs(10))
            .clock(clock.clone())
    };
    let pair = Fallback::new(guarded(&a), guarded(&b)).clock(clock.clone());
    let model = pair.retry(RetryPolicy::default().max_attempts(4).clock(clock.clone()));

    let ends = join_all(jobs.iter().map(|job| {
        let (model, clock, account) = (&model, &clock, &account);
        async move {
            clock.sleep(Duration::from_millis(job.starts_ms)).await;
            let began = clock.now_ms();
            let end = run(model, job).await;
            let took = clock.now_ms() - began;
            assert!(took <= 120_000, "{took} ms, past the deadline");
            for state in account.state() {
                assert!(state.spent_micros + state.reserved_micros <= CAP, "{state:?}");
            }
            end
        }
    }))
    .await;

    let (mut spent, mut reserved) = (0, 0);
    for state in account.state() {
        spent += state.spent_micros;
        reserved += state.reserved_micros;
    }
    let billed = *a.billed.lock().unwrap() + *b.billed.lock().unwrap();
    assert_eq!(reserved, 0, "nothing runs any more");
    assert!(billed <= spent, "billed {billed}, and {spent} on the account");

    let asked = *a.asked.lock().unwrap() + *b.asked.lock().unwrap();
    let mut listed = 0;
    for (result, attempts) in ends.iter().flatten() {
        let (last, before) = attempts.split_last().expect("every end has a ledger");
        assert_eq!(last.error.is_none(), result.is_ok(), "{attempts:?}");
        assert!(before.iter().all(|attempt| attempt.error.is_some()), "{attempts:?}");
        listed += attempts.iter().filter(|attempt| was_asked(attempt)).count();
    }
    if ends.iter().all(Option::is_some) {
        assert_eq!(listed, asked, "every question stands in one ledger, once");
    } else {
        assert!(listed <= asked);
    }
}

fn was_asked(attempt: &Attempt) -> bool {
    // The provider's own words: an error without them never reached it.
    attempt.error.as_ref().is_none_or(|error| error.contains("chaos"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u64..=MAX_OUTPUT).prop_map(Step::Answer),
        4 => (0_u8..6).prop_map(Step::Fail),
        1 => Just(Step::Garbage),
        1 => Just(Step::Silence),
        2 => Just(Step::Cut),
    ]
}

fn job(may_drop: bool) -> impl Strategy<Value = Job> {
    (0_u64..60_000, any::<bool>(), any::<bool>()).prop_map(move |(starts_ms, is_streamed, is_dropped)| Job {
        starts_ms,
        is_streamed,
        is_dropped: is_dropped && may_drop,
    })
}

fn play(first: Vec<Step>, second: Vec<Step>, jobs: Vec<Job>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(scenario(first, second, jobs));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn money_and_ledger_are_right_whatever_happens(
        first in prop::collection::vec(step(), 0..40),
        second in prop::collection::vec(step(), 0..20),
        jobs in prop::collection::vec(job(false), 1..24),
    ) {
        play(first, second, jobs);
    }

    #[test]
    fn money_is_right_when_callers_leave(
        first in prop::collection::vec(step(), 0..40),
        second in prop::collection::vec(step(), 0..20),
        jobs in prop::collection::vec(job(true), 1..24),
    ) {
        play(first, second, jobs);
    }
}
