//! Every fault at every step of every target: a post with a picture, and with two answers where the network takes them,
//! is made once for each request that an undisturbed run makes and each fault that this request may meet.
//!
//! | fault | x | mastodon | bluesky | buffer | linkedin | threads | webhook |
//! |---|---|---|---|---|---|---|---|
//! | answer lost, request lost, 500 after the commit, unreadable success, 429, refused credentials: at each request | here | here | here | here | here | here | here, without the last two |
//! | connection refused, silence | suite | suite | suite | suite | suite | suite | suite |
//! | 429 in each form of header | here | here | here | here | here | here | here |
//! | half a thread posted | here | here | one commit | one mutation | no threads | here | one request |
//! | duplicate answer | `x` | `answers` | a record key is one record | `buffer` | `linkedin` | a container is published once | an id is one post |
//! | media never ready | `x` | `mastodon` | at once | fetched later: `accepted_is_not_published` | at once | `threads` | fetched later |
//! | token ends in mid-thread, renewal lost, two processes | `tokens` | does not end | `tokens` | does not end | `tokens` | `tokens` | does not end |
//! | several of these at random | simulation | simulation | simulation | simulation | simulation | simulation | simulation |

use std::time::Duration;

use presswork_social::{
    Clock, Error, Media, Post, SocialTarget, Step, Thread,
    conformance::{Fault, Harness},
};

use crate::{
    clock::{START_MS, iso},
    server::Reply,
    site::{Site, World},
};

/// What one request may meet; the suite itself has the connection that is refused and the silence, which cost seconds.
const FAULTS: [Fault; 6] = [
    Fault::RateLimited { seconds: 3 },
    Fault::Unauthenticated,
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::ServerErrorAfterCommit,
    Fault::GarbageAnswer,
];

async fn wait<W: World>(site: &Site<W>, error: &Error) {
    if matches!(error, Error::Unauthenticated { .. }) {
        site.world.lock().unwrap().reconnect();
    } else {
        assert!(error.is_retryable() && !error.is_unknown(), "{error:?}");
    }
    let wait = error.retry_after().unwrap_or(Duration::from_secs(5));
    site.clock.sleep(wait).await;
}

/// Goes on until every part is posted, as a poster does: publishes what is not known to be there, looks up what may be.
async fn post<W: World>(site: &Site<W>) -> Vec<String> {
    let limits = site.limits();
    let mut root = Post::new("one & only").idempotency_key("matrix");
    let picture = Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png").alt("a cat");
    let picture = picture.public_url("https://media.example/cat.png");
    loop {
        match site.upload(&picture).await {
            Ok(upload) => break root = root.media(upload),
            Err(error) => wait(site, &error).await,
        }
    }
    let rest: &[&str] = if limits.reply || limits.thread > 0 {
        &["two", "three"]
    } else {
        &[]
    };
    let mut thread = Thread::new(root, rest, &limits);
    let mut looks = false;
    for _ in 0..60 {
        thread.arm(site.now_ms());
        let step = if looks {
            thread.settle(site).await
        } else {
            thread.advance(site).await
        };
        match step {
            Ok(Step::Done) => return thread.published().iter().map(|part| part.id.clone()).collect(),
            Ok(Step::Part | Step::Absent) => looks = false,
            Ok(Step::Look) => looks = true,
            Ok(other) => panic!("{other:?}"),
            Err(error) => wait(site, &error).await,
        }
    }
    panic!("the post was never done");
}

async fn every_fault_at_every_step<W: World>() {
    let honest = Site::<W>::start().await;
    post(&honest).await;
    let expected: Vec<String> = honest.visible().await.into_iter().map(|seen| seen.text).collect();
    for step in 0..honest.seen().len() {
        for fault in FAULTS.into_iter().filter(|fault| W::can(*fault)) {
            let site = Site::<W>::start().await;
            (
                site.world.lock().unwrap().common().anywhere,
                site.world.lock().unwrap().common().passes,
            ) = (true, step);
            site.inject(fault).await;
            let ids = post(&site).await;
            assert!(
                site.world.lock().unwrap().common().fault.is_none(),
                "{fault:?} at {step} was not met"
            );
            let visible = site.visible().await;
            let (shown, known): (Vec<_>, Vec<_>) = visible.into_iter().map(|seen| (seen.text, seen.id)).unzip();
            assert_eq!(shown, expected, "{fault:?} at request {step}");
            assert_eq!(known[..ids.len()], ids, "{fault:?} at request {step}");
        }
    }
}

async fn every_form_of_header_says_when_to_come_back<W: World>() {
    let site = Site::<W>::start().await;
    site.check().await.unwrap();
    let epoch = (START_MS / 1_000 + 90).to_string();
    let forms: [&[(&'static str, &str)]; 8] = [
        &[("retry-after", "90")],
        &[("retry-after", "Mon, 23 Nov 2026 12:01:30 GMT")],
        &[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", &epoch)],
        &[
            ("x-rate-limit-remaining", "7"),
            ("x-rate-limit-reset", "1"),
            ("x-user-limit-24hour-reset", &epoch),
        ],
        &[
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", &iso(START_MS + 90_000)),
        ],
        &[("ratelimit-remaining", "0"), ("ratelimit-reset", &epoch)],
        &[("ratelimit", r#""100-in-15min";r=0;t=90, "250-in-24h";r=9;t=900"#)],
        &[
            ("ratelimit", r#""250-in-24h";r=0;t=90"#),
            ("ratelimit", r#""100-in-15min";r=0;t=7"#),
        ],
    ];
    for form in forms {
        let mut reply = site.world.lock().unwrap().limited(1);
        let Reply::Answer { headers, .. } = &mut reply else {
            panic!("no answer")
        };
        *headers = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        site.script([reply]);
        let error = site.publish(&Post::new("text").idempotency_key("k")).await.unwrap_err();
        assert!(
            matches!(&error, Error::RateLimited { retry_after: Some(wait), .. } if *wait == Duration::from_secs(90)),
            "{form:?}: {error:?}"
        );
    }
    assert_eq!(site.visible().await.len(), 0);
}

macro_rules! of_every_target {
    ($($target:ident),+) => {$(
        mod $target {
            #[tokio::test]
            async fn every_fault_at_every_step() {
                super::every_fault_at_every_step::<crate::$target::World>().await;
            }

            #[tokio::test]
            async fn every_form_of_header_says_when_to_come_back() {
                super::every_form_of_header_says_when_to_come_back::<crate::$target::World>().await;
            }
        }
    )+};
}

of_every_target!(x, mastodon, bluesky, buffer, linkedin, threads, webhook);
