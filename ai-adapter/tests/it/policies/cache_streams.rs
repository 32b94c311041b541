//! Equal streams at once are one.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use futures_util::stream::poll_fn;
use futures_util::{FutureExt, StreamExt, future};
use presswork_ai_adapter::{
    Capabilities, Clock, Error, LanguageModel, LanguageModelExt, MemoryCache, Result, Scripted, StreamEvent,
    TextRequest, TextResponse, TextStream, Usage,
};

use super::{PausedClock, down, hello, secs};

/// Says a word a second, and knows who still listens.
#[derive(Clone)]
struct Talker {
    clock: Arc<PausedClock>,
    words: Vec<&'static str>,
    /// Each stream as long as it lives.
    streams: Arc<Mutex<Vec<std::sync::Weak<()>>>>,
    timeouts: Arc<Mutex<Vec<Option<Duration>>>>,
    opens_after: Duration,
}

impl Talker {
    fn new(clock: &Arc<PausedClock>, words: &[&'static str]) -> Self {
        Self {
            clock: clock.clone(),
            words: words.to_vec(),
            streams: Arc::default(),
            timeouts: Arc::default(),
            opens_after: Duration::ZERO,
        }
    }

    fn opened(&self) -> usize {
        self.streams.lock().unwrap().len()
    }

    fn alive(&self) -> usize {
        self.streams
            .lock()
            .unwrap()
            .iter()
            .filter(|stream| stream.strong_count() > 0)
            .count()
    }
}

#[async_trait]
impl LanguageModel for Talker {
    fn provider(&self) -> &str {
        "talker"
    }

    fn model(&self) -> &str {
        "talker"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, _: &TextRequest) -> Result<TextResponse> {
        Err(down())
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.timeouts.lock().unwrap().push(request.timeout);
        self.clock.sleep(self.opens_after).await;
        let alive = Arc::new(());
        self.streams.lock().unwrap().push(Arc::downgrade(&alive));
        let (clock, words) = (self.clock.clone(), self.words.clone());
        let text = words.concat();
        let pieces = futures_util::stream::iter(words).then(move |word| {
            let clock = clock.clone();
            async move {
                clock.sleep(secs(1)).await;
                if word == "!" {
                    Err(down())
                } else {
                    Ok(StreamEvent::Text(word.to_owned()))
                }
            }
        });
        let mut response = TextResponse::new("talker", "talker", text);
        response.usage = Usage::new(3, 4);
        let end = future::ready(Ok(StreamEvent::Done(Box::new(response)))).into_stream();
        Ok(TextStream::new(pieces.chain(end).map(move |event| {
            let _ = &alive;
            event
        })))
    }
}

async fn text(mut stream: TextStream) -> (String, Result<Box<TextResponse>>) {
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(StreamEvent::Text(more)) => text.push_str(&more),
            Ok(StreamEvent::Done(response)) => return (text, Ok(response)),
            Ok(_) => {}
            Err(error) => {
                assert!(stream.next().await.is_none(), "something followed the error");
                return (text, Err(error));
            }
        }
    }
    panic!("a stream without an end");
}

#[tokio::test(start_paused = true)]
async fn equal_streams_at_once_are_one() {
    let clock = PausedClock::start();
    let talker = Talker::new(&clock, &["a", "b", "c"]);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let mut early = model.stream(&hello()).await.unwrap();
    assert!(matches!(early.next().await, Some(Ok(StreamEvent::Text(word))) if word == "a"));
    // Who comes later hears it from the beginning, and not slower.
    let (late, other) = (
        model.stream(&hello()).await.unwrap(),
        model.stream(&TextRequest::user("Bye")).await.unwrap(),
    );
    let (early, late, other) = tokio::join!(text(early), text(late), text(other));
    assert_eq!(
        (early.0.as_str(), late.0.as_str(), other.0.as_str()),
        ("bc", "abc", "abc")
    );
    assert_eq!((talker.opened(), clock.now_ms()), (2, 4_000));
    // It was paid for once.
    let usages: Vec<Usage> = [early.1, late.1].map(|end| end.unwrap().usage).to_vec();
    assert!(
        usages.contains(&Usage::new(3, 4)) && usages.contains(&Usage::new(0, 0)),
        "{usages:?}"
    );
    // And it is kept.
    assert_eq!(text(model.stream(&hello()).await.unwrap()).await.0, "abc");
    assert_eq!(talker.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn streams_that_begin_at_once_are_one() {
    let clock = PausedClock::start();
    let mut talker = Talker::new(&clock, &["a"]);
    talker.opens_after = secs(1);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let calls = (0..5).map(|_| async { text(model.stream(&hello()).await.unwrap()).await });
    for (said, end) in join_all(calls).await {
        assert_eq!((said.as_str(), end.unwrap().text.as_str()), ("a", "a"));
    }
    assert_eq!((talker.opened(), clock.now_ms()), (1, 2_000));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_takes_nothing_from_the_others() {
    let clock = PausedClock::start();
    let talker = Talker::new(&clock, &["a", "b", "c"]);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let mut first = model.stream(&hello()).await.unwrap();
    let second = model.stream(&hello()).await.unwrap();
    first.next().await.unwrap().unwrap();
    // It is the one that waits for the next word, and its waker is the one the stream knows.
    assert!(first.next().now_or_never().is_none());
    let second = tokio::spawn(text(second));
    tokio::task::yield_now().await;
    assert!(first.next().now_or_never().is_none());
    drop(first);
    let (said, end) = second.await.unwrap();
    assert_eq!((said.as_str(), end.unwrap().usage), ("abc", Usage::new(3, 4)));

    // The last one to leave ends it.
    let bye = TextRequest::user("Bye");
    let streams = (model.stream(&bye).await.unwrap(), model.stream(&bye).await.unwrap());
    assert_eq!((talker.opened(), talker.alive()), (2, 1));
    drop(streams.0);
    assert_eq!(talker.alive(), 1);
    drop(streams.1);
    assert_eq!(talker.alive(), 0);
    // Nothing of it is left for the next.
    assert_eq!(text(model.stream(&bye).await.unwrap()).await.0, "abc");
    assert_eq!(talker.opened(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_holds_up_nobody() {
    let clock = PausedClock::start();
    let talker = Talker::new(&clock, &["a", "b", "c"]);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let (mut stalled, second) = (
        model.stream(&hello()).await.unwrap(),
        model.stream(&hello()).await.unwrap(),
    );
    let second = tokio::spawn(text(second));
    tokio::task::yield_now().await;
    // It polled last, waits, and is not asked again.
    assert!(stalled.next().now_or_never().is_none());
    let (said, _) = tokio::time::timeout(secs(60), second)
        .await
        .expect("the other one goes on")
        .unwrap();
    assert_eq!(said, "abc");
    assert_eq!(text(stalled).await.0, "abc");
}

#[tokio::test(start_paused = true)]
async fn streams_may_be_read_in_turn() {
    let clock = PausedClock::start();
    let talker = Talker::new(&clock, &["a", "b"]);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let (one, two) = (
        model.stream(&hello()).await.unwrap(),
        model.stream(&hello()).await.unwrap(),
    );
    assert_eq!((text(two).await.0.as_str(), text(one).await.0.as_str()), ("ab", "ab"));
    assert_eq!(talker.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_reader_ends_by_its_own_deadline() {
    let clock = PausedClock::start();
    let talker = Talker::new(&clock, &["a", "b", "c"]);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let hasty = model
        .stream(&hello().timeout(Duration::from_millis(1500)))
        .await
        .unwrap();
    let patient = model.stream(&hello().timeout(secs(9))).await.unwrap();
    let (hasty, patient) = tokio::join!(text(hasty), text(patient));
    assert_eq!((hasty.0.as_str(), patient.0.as_str()), ("a", "abc"));
    let error = hasty.1.unwrap_err();
    assert!(
        matches!(error, Error::Timeout(_)) && error.attempts().len() == 1,
        "{error:?}"
    );
    patient.1.unwrap();
    assert_eq!(*talker.timeouts.lock().unwrap(), [None]);

    let mut slow = Talker::new(&clock, &["a"]);
    slow.opens_after = secs(5);
    let model = slow.cache(MemoryCache::new(10_000)).clock(clock.clone());
    let error = model.stream(&hello().timeout(secs(1))).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout(_)) && error.attempts().len() == 1,
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_to_each_reader_once() {
    let clock = PausedClock::start();
    let talker = Talker::new(&clock, &["a", "!"]);
    let model = talker.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let (one, two) = (
        model.stream(&hello()).await.unwrap(),
        model.stream(&hello()).await.unwrap(),
    );
    let (one, two) = tokio::join!(text(one), text(two));
    for (said, end) in [one, two] {
        let error = end.unwrap_err();
        assert_eq!((said.as_str(), error.attempts().len()), ("a", 1));
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    }
    // It is over: the next one asks.
    assert_eq!(text(model.stream(&hello()).await.unwrap()).await.0, "a");
    assert_eq!(talker.opened(), 2);
}

#[tokio::test]
async fn a_failure_to_begin_is_not_handed_to_those_who_wait() {
    let script = Scripted::new().error(down()).pieces(["ok"]);
    let model = script.cache(MemoryCache::new(10_000));
    let request = hello();
    let (first, second) = tokio::join!(model.stream(&request), model.stream(&request));
    assert!(first.is_err());
    assert_eq!(text(second.unwrap()).await.0, "ok");
}

/// Signs of life do not pile up while nobody else reads.
#[tokio::test]
async fn pings_reach_who_reads() {
    struct Pinging;

    #[async_trait]
    impl LanguageModel for Pinging {
        fn provider(&self) -> &str {
            "pinging"
        }

        fn model(&self) -> &str {
            "pinging"
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::all()
        }

        async fn generate(&self, _: &TextRequest) -> Result<TextResponse> {
            Err(down())
        }

        async fn stream(&self, _: &TextRequest) -> Result<TextStream> {
            Ok(TextStream::new(poll_fn(|_| Poll::Ready(Some(Ok(StreamEvent::Ping))))))
        }
    }

    let model = Pinging.cache(MemoryCache::new(10_000));
    let pings = model.stream(&hello()).await.unwrap().take(1000);
    assert!(
        pings
            .all(|event| future::ready(matches!(event, Ok(StreamEvent::Ping))))
            .await
    );
}
