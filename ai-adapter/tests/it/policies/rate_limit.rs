use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use presswork_ai_adapter::{
    Capabilities, Clock, Error, Failure, LanguageModel, LanguageModelExt, Limits, Result, Scripted, TextRequest,
    TextResponse, TextStream, Usage, Window,
};

use super::{PausedClock, hello, secs};

/// Answers after a while, and writes down when each call started.
#[derive(Clone)]
pub(super) struct Slow {
    clock: Arc<PausedClock>,
    takes: Duration,
    usage: Usage,
    log: Arc<Mutex<Vec<(i64, String)>>>,
}

impl Slow {
    pub(super) fn new(clock: &Arc<PausedClock>, takes: Duration) -> Self {
        Self {
            clock: clock.clone(),
            takes,
            usage: Usage::default(),
            log: Arc::default(),
        }
    }

    fn log(&self) -> Vec<(i64, String)> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn starts(&self) -> Vec<i64> {
        self.log().iter().map(|(at, _)| at / 1000).collect()
    }
}

#[async_trait]
impl LanguageModel for Slow {
    fn provider(&self) -> &str {
        "slow"
    }

    fn model(&self) -> &str {
        "slow"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        let entry = (self.clock.now_ms(), request.messages[0].text());
        self.log.lock().unwrap().push(entry);
        self.clock.sleep(self.takes).await;
        let mut response = TextResponse::new("slow", "slow", "ok");
        response.usage = self.usage;
        Ok(response)
    }

    async fn stream(&self, _: &TextRequest) -> Result<TextStream> {
        unreachable!("not streamed")
    }
}

#[tokio::test(start_paused = true)]
async fn no_minute_has_more_calls_than_it_may() {
    let clock = PausedClock::start();
    let slow = Slow::new(&clock, secs(1));
    let model = slow
        .clone()
        .rate_limit()
        .requests_per_minute(3)
        .max_wait(secs(600))
        .clock(clock.clone());
    let requests: Vec<_> = (0..8).map(|n| TextRequest::user(n.to_string())).collect();
    for answer in join_all(requests.iter().map(|request| model.generate(request))).await {
        answer.unwrap();
    }
    assert_eq!(slow.starts(), [0, 0, 0, 60, 60, 60, 120, 120]);
    let order: String = slow.log().iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(order, "01234567", "first come, first served");
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_may() {
    let clock = PausedClock::start();
    let slow = Slow::new(&clock, secs(10));
    let model = slow.clone().rate_limit().concurrency(2).clock(clock.clone());
    let request = hello();
    join_all((0..5).map(|_| model.generate(&request))).await;
    assert_eq!(slow.starts(), [0, 0, 10, 10, 20]);

    // Who cannot wait for a place is told when its time is over.
    let impatient = hello().timeout(secs(5));
    let running = [model.generate(&request), model.generate(&request)];
    let (_, late) = tokio::join!(join_all(running), model.generate(&impatient));
    assert!(matches!(late, Err(Error::RateLimited(_))), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_are_counted_by_estimate_and_then_by_use() {
    let clock = PausedClock::start();
    let mut slow = Slow::new(&clock, Duration::ZERO);
    slow.usage = Usage::new(10, 30);
    let model = slow
        .clone()
        .rate_limit()
        .tokens_per_minute(1_200)
        .max_wait(secs(600))
        .clock(clock.clone());
    // About 901 tokens each by estimate: one a minute. But each took 40, which is known before the next one asks.
    let request = hello().max_output_tokens(900);
    for _ in 0..3 {
        model.generate(&request).await.unwrap();
    }
    assert_eq!(slow.starts(), [0, 0, 0]);
    slow.log.lock().unwrap().clear();
    join_all((0..3).map(|_| model.generate(&request))).await;
    assert_eq!(slow.starts(), [0, 0, 0], "those who wait move up when the use is known");
    slow.takes = secs(90);
    slow.log.lock().unwrap().clear();
    let model = slow
        .clone()
        .rate_limit()
        .tokens_per_minute(1_000)
        .max_wait(secs(600))
        .clock(clock.clone());
    join_all((0..3).map(|_| model.generate(&request))).await;
    assert_eq!(slow.starts(), [0, 60, 120], "until then the estimate counts");

    // Larger than a whole minute: it starts in an empty one, not never.
    let huge = hello().max_output_tokens(50_000);
    model.generate(&huge).await.unwrap();
    assert_eq!(slow.starts()[3], 210);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_too_late_is_refused_at_once() {
    let clock = PausedClock::start();
    let slow = Slow::new(&clock, secs(1));
    let model = slow.clone().rate_limit().requests_per_minute(1).clock(clock.clone());
    model.generate(&hello()).await.unwrap();
    let error = model.generate(&hello().timeout(secs(30))).await.unwrap_err();
    assert_eq!(clock.now_ms(), 1_000, "at once");
    assert!(matches!(error, Error::RateLimited(_)), "{error:?}");
    assert_eq!((error.retry_after(), error.attempts().len()), (Some(secs(59)), 1));

    // The next one is in time, and gets what is left of its own.
    let script = Scripted::new().reply("ok").reply("ok");
    let model = script.clone().rate_limit().requests_per_minute(1).clock(clock.clone());
    model.generate(&hello()).await.unwrap();
    model.generate(&hello().timeout(secs(90))).await.unwrap();
    assert_eq!(script.requests()[1].timeout, Some(secs(30)));
    // Two of these would have to wait for 60 and 120 seconds; a minute is the most.
    let request = hello();
    let both = tokio::join!(model.generate(&request), model.generate(&request));
    assert!(matches!(both.1, Err(Error::RateLimited(_))), "{both:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_wait_gives_its_turn_back() {
    let clock = PausedClock::start();
    let slow = Slow::new(&clock, Duration::ZERO);
    let model = slow
        .clone()
        .rate_limit()
        .requests_per_minute(1)
        .concurrency(1)
        .clock(clock.clone());
    model.generate(&hello()).await.unwrap();
    let request = hello();
    let mut waiting = model.generate(&request);
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    model.generate(&hello()).await.unwrap();
    assert_eq!(slow.starts(), [0, 60]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_its_place_until_it_ends_or_is_dropped() {
    let clock = PausedClock::start();
    let script = Scripted::new().pieces(["a"]).pieces(["b"]).reply("c");
    let model = script.rate_limit().concurrency(1).clock(clock);
    let short = hello().timeout(secs(1));
    let mut stream = model.stream(&hello()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    model.generate(&short).await.unwrap_err();
    drop(stream);
    model.stream(&short).await.unwrap().response().await.unwrap();
    model.generate(&short).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_learns_what_the_provider_tells() {
    let clock = PausedClock::start();
    let limited = |after| {
        let failure = Failure::new("scripted", "slow down").retry_after(Some(after));
        Error::RateLimited(failure.boxed())
    };
    let script = Scripted::new().error(limited(secs(20))).reply("ok");
    let model = script.rate_limit().clock(clock.clone());
    model.generate(&hello()).await.unwrap_err();
    model.generate(&hello()).await.unwrap();
    assert_eq!(clock.now_ms(), 20_000);

    // None of 10 is left, and all ten are back in 50 seconds: one in 5.
    let mut empty = TextResponse::new("scripted", "scripted", "ok");
    empty.limits = Limits::new(Window::new(10, 0, secs(50)), Window::new(1_000, 900, secs(6)));
    let script = Scripted::new().response(empty).reply("ok").reply("ok");
    let model = script.rate_limit().clock(clock.clone());
    for _ in 0..3 {
        model.generate(&hello()).await.unwrap();
    }
    assert_eq!(clock.now_ms(), 30_000);

    // Of the tokens 100 are left, and 500 are asked for: 400 of the 900 missing ones come back in 24 of 54 seconds.
    let mut low = TextResponse::new("scripted", "scripted", "ok");
    low.limits.tokens = Window::new(1_000, 100, secs(54));
    let script = Scripted::new().response(low).reply("ok");
    let model = script.rate_limit().clock(clock.clone());
    model.generate(&hello()).await.unwrap();
    model.generate(&hello().max_output_tokens(499)).await.unwrap();
    assert_eq!(clock.now_ms(), 54_000);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_learn_too() {
    let clock = PausedClock::start();
    let failure = Failure::new("scripted", "slow down").retry_after(Some(secs(100)));
    let script = Scripted::new()
        .reply("ok")
        .error(Error::RateLimited(failure.boxed()))
        .reply("ok");
    let model = script
        .rate_limit()
        .requests_per_minute(1)
        .max_wait(secs(200))
        .clock(clock.clone());
    model.generate(&hello()).await.unwrap();
    // They wait for the seconds 60 and 120, until the first is told to come back at 160.
    let request = hello();
    let (told, spared) = tokio::join!(model.generate(&request), model.generate(&request));
    assert_eq!(told.unwrap_err().retry_after(), Some(secs(100)));
    spared.unwrap();
    assert_eq!(clock.now_ms(), 160_000);
}

mod any_traffic {
    use proptest::prelude::*;

    use super::*;

    fn run(calls: Vec<(u64, u32, bool)>, rpm: u64, tpm: u64) -> Vec<(i64, u64)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let clock = PausedClock::start();
            let slow = Slow::new(&clock, Duration::from_millis(300));
            let model = slow
                .clone()
                .rate_limit()
                .requests_per_minute(rpm)
                .tokens_per_minute(tpm)
                .max_wait(secs(100_000))
                .clock(clock.clone());
            let jobs = calls.iter().map(|(at, output, is_cancelled)| {
                let (model, clock) = (&model, &clock);
                async move {
                    clock.sleep(Duration::from_millis(*at)).await;
                    let request = TextRequest::user(output.to_string()).max_output_tokens(*output);
                    if *is_cancelled {
                        let _ = tokio::time::timeout(secs(20), model.generate(&request)).await;
                    } else {
                        model.generate(&request).await.unwrap();
                    }
                }
            });
            join_all(jobs).await;
            let log = slow.log();
            log.iter().map(|(at, text)| (*at, text.parse().unwrap())).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn keeps_to_both_limits_in_every_window(
            calls in prop::collection::vec((0_u64..150_000, 1_u32..400, any::<bool>()), 1..60),
            rpm in 1_u64..8,
            tpm in 500_u64..2_000,
        ) {
            let started = run(calls.clone(), rpm, tpm);
            let kept = calls.iter().filter(|(.., is_cancelled)| !is_cancelled).count();
            prop_assert!(started.len() >= kept);
            for (at, _) in &started {
                let window: Vec<_> = started.iter().filter(|(other, _)| (*at..at + 60_000).contains(other)).collect();
                prop_assert!(window.len() as u64 <= rpm, "{} calls from {at} on", window.len());
                let tokens: u64 = window.iter().map(|(_, tokens)| tokens).sum();
                prop_assert!(tokens <= tpm, "{tokens} tokens from {at} on");
            }
        }
    }
}
