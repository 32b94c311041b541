use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use presswork_ai_adapter::{
    Capabilities, Clock, Error, LanguageModel, LanguageModelExt, Result, Scripted, StreamEvent, TextRequest,
    TextResponse, TextStream, Timeout,
};

use super::{PausedClock, hello, secs};

/// Never keeps to a timeout: opens after a while, then gives one event after each of these waits.
#[derive(Clone)]
struct Drip {
    clock: Arc<PausedClock>,
    opens_after: Duration,
    waits: Vec<(Duration, StreamEvent)>,
}

#[async_trait]
impl LanguageModel for Drip {
    fn provider(&self) -> &str {
        "drip"
    }

    fn model(&self) -> &str {
        "drip"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, _: &TextRequest) -> Result<TextResponse> {
        self.clock.sleep(self.opens_after).await;
        Ok(TextResponse::new("drip", "drip", "ok"))
    }

    async fn stream(&self, _: &TextRequest) -> Result<TextStream> {
        self.clock.sleep(self.opens_after).await;
        let clock = self.clock.clone();
        Ok(TextStream::new(stream::iter(self.waits.clone()).then(
            move |(wait, event)| {
                let clock = clock.clone();
                async move {
                    clock.sleep(wait).await;
                    Ok(event)
                }
            },
        )))
    }
}

fn text() -> StreamEvent {
    StreamEvent::Text("a".to_owned())
}

fn done() -> StreamEvent {
    StreamEvent::Done(Box::new(TextResponse::new("drip", "drip", "aaa")))
}

fn drip(opens_after: u64, waits: Vec<(u64, StreamEvent)>) -> (Timeout<Drip>, Arc<PausedClock>) {
    let clock = PausedClock::start();
    let drip = Drip {
        clock: clock.clone(),
        opens_after: secs(opens_after),
        waits: waits.into_iter().map(|(wait, event)| (secs(wait), event)).collect(),
    };
    (drip.timeout().clock(clock.clone()), clock)
}

/// How the stream ended, and when.
async fn end(model: impl LanguageModel, clock: &PausedClock) -> (String, i64) {
    let request = hello();
    let end = match model.stream(&request).await {
        Ok(mut stream) => {
            let mut last = String::new();
            while let Some(event) = stream.next().await {
                last = event.map_or_else(|error| error.to_string(), |_| "ok".to_owned());
            }
            last
        }
        Err(error) => error.to_string(),
    };
    (end, clock.now_ms() / 1000)
}

#[tokio::test(start_paused = true)]
async fn the_whole_call_has_an_end() {
    let (model, clock) = drip(100, vec![]);
    let model = model.total(secs(7));
    let error = model.generate(&hello()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    assert_eq!((error.attempts().len(), clock.now_ms()), (1, 7_000));
    // The request's own is shorter, and counts.
    model.generate(&hello().timeout(secs(3))).await.unwrap_err();
    assert_eq!(clock.now_ms(), 10_000);

    let (model, clock) = drip(2, vec![(2, text()), (2, text()), (2, text()), (2, done())]);
    let (end, at) = end(model.total(secs(7)), &clock).await;
    assert_eq!((end.as_str(), at), ("drip: nothing within 1000 ms in all", 7));
}

#[tokio::test(start_paused = true)]
async fn the_first_event_has_a_time_of_its_own() {
    let waits = vec![(3, text()), (50, text()), (1, done())];
    let (model, clock) = drip(2, waits.clone());
    assert_eq!(end(model.first_event(secs(6)), &clock).await, ("ok".to_owned(), 56));
    let (model, clock) = drip(2, waits.clone());
    let (why, at) = end(model.first_event(secs(4)), &clock).await;
    assert_eq!((why.contains("for the first event"), at), (true, 4), "{why}");
    let (model, clock) = drip(9, waits);
    assert_eq!(end(model.first_event(secs(4)), &clock).await.1, 4);
}

#[tokio::test(start_paused = true)]
async fn silence_between_two_events_has_an_end_and_a_ping_breaks_it() {
    let waits = vec![(9, text()), (3, StreamEvent::Ping), (3, text()), (3, done())];
    let (model, clock) = drip(0, waits);
    assert_eq!(end(model.idle(secs(4)), &clock).await, ("ok".to_owned(), 18));
    let (model, clock) = drip(0, vec![(1, text()), (5, text()), (1, done())]);
    let (why, at) = end(model.idle(secs(4)), &clock).await;
    assert_eq!(
        (why.as_str(), at),
        ("drip: nothing within 4000 ms between two events", 5)
    );
}

#[tokio::test(start_paused = true)]
async fn the_model_inside_is_told() {
    let script = Scripted::new().reply("ok");
    let model = script.clone().timeout().total(secs(7));
    model.generate(&hello().timeout(secs(9))).await.unwrap();
    assert_eq!(script.requests()[0].timeout, Some(secs(7)));
}
