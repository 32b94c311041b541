//! A connection that breaks after any number of bytes: a caller who repeats each call with its op changes everything once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use presswork_content_store::{
    Claim, Content, NewOutbox, NewPage, NewSpend, Op, Outbox, OutboxClaim, Pages, PostClaim, PostKey, PostLedger,
    PostOutcome, PostQuery, PostStatus, PostgresStore, SavePage, SpendLedger, SpendQuery, Status,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::server::Server;

/// Bytes from one cut to the next, where the setting does not say 1.
const STEP: i64 = 1_009;
const STEP_SETTING: &str = "CONTENT_STORE_CUT_STEP";
/// More than any round's calls take.
const NEVER: i64 = i64::MAX / 2;
const LEASE: Duration = Duration::from_secs(60);

/// Passes bytes on until as many have gone by, in either direction, as `left` says. Cuts once.
async fn proxy(to: u16, left: Arc<AtomicI64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            tokio::spawn(pass(client, server, Arc::clone(&left)));
        }
    });
    port
}

async fn pass(mut client: TcpStream, mut server: TcpStream, left: Arc<AtomicI64>) {
    let (mut up, mut down) = ([0; 4096], [0; 4096]);
    loop {
        let (count, from, to) = tokio::select! {
            count = client.read(&mut up) => (count, &up, &mut server),
            count = server.read(&mut down) => (count, &down, &mut client),
        };
        let Ok(count @ 1..) = count else { return };
        let before = left.fetch_sub(count as i64, Ordering::SeqCst);
        let most = usize::try_from(before).unwrap_or(0).min(count);
        if to.write_all(&from[..most]).await.is_err() {
            return;
        }
        if most < count {
            left.store(NEVER, Ordering::SeqCst);
            return; // both ends see the connection close
        }
    }
}

/// Repeats the call while its error says that it may be.
macro_rules! until_it_works {
    ($call:expr) => {{
        let mut tries = 0;
        loop {
            match $call.await {
                Ok(answer) => break answer,
                Err(error) => assert!(error.is_retryable() && tries < 50, "{error:?}"),
            }
            tries += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }};
}

#[tokio::test]
async fn connection_cut_anywhere_changes_everything_once() {
    let Some(server) = Server::start(&["fsync=off"]).await else {
        return;
    };
    let step = std::env::var(STEP_SETTING).map_or(STEP, |step| step.parse().unwrap());
    let left = Arc::new(AtomicI64::new(NEVER));
    let port = proxy(server.port(), Arc::clone(&left)).await;
    let url = server.url("");
    let cut_off = url.replace(&format!(":{}/", server.port()), &format!(":{port}/"));
    assert_ne!(cut_off, url);
    let clean = PostgresStore::connect(&url).await.unwrap();
    let store = PostgresStore::connect(&cut_off).await.unwrap();
    let mut cut = 0;
    loop {
        left.store(cut, Ordering::SeqCst);
        let site = format!("site-{cut}");
        a_life(&store, &site).await;
        let is_over = left.load(Ordering::SeqCst) < NEVER / 2; // before its cut
        once(&clean, &site).await;
        if is_over {
            break;
        }
        cut += step;
    }
    assert!(cut > 5_000, "all is over after {cut} bytes");
    assert_eq!(clean.outbox_counts().await.unwrap().pending, 0);
}

async fn a_life(store: &PostgresStore, site: &str) {
    let topic = NewPage {
        site: site.to_owned(),
        locale: "en".to_owned(),
        slug: "page".to_owned(),
        row_key: "row".to_owned(),
        primary_keyword: "word".to_owned(),
        topic: json!({ "name": "Zürich" }),
    };
    let op = Op::now();
    until_it_works!(store.plan(&op, std::slice::from_ref(&topic)));
    let claim = Claim {
        site: site.to_owned(),
        owner: "writer".to_owned(),
        limit: 1,
        lease: LEASE,
        max_attempts: 1,
    };
    let op = Op::now();
    let page = until_it_works!(store.claim(&op, &claim)).remove(0);
    let save = SavePage {
        content: Content {
            title: "Title".to_owned(),
            body_html: "<p>words</p>".repeat(100),
            word_count: 100,
            ..Content::default()
        },
        to: Status::Published,
        outbox: vec![NewOutbox {
            topic: "pages".to_owned(),
            payload: json!(site),
        }],
        spend: vec![NewSpend {
            page_id: Some(page.id),
            campaign: String::new(),
            purpose: "draft".to_owned(),
            provider: "openai".to_owned(),
            model: "small".to_owned(),
            input_tokens: Some(1),
            output_tokens: Some(1),
            cost_micros: Some(7),
            outcome: "ok".to_owned(),
        }],
    };
    let op = Op::now();
    until_it_works!(store.save(&op, &page.to_ref(), &save));
    let claim = OutboxClaim {
        owner: "sender".to_owned(),
        limit: 9,
        lease: LEASE,
        max_attempts: 9,
    };
    let op = Op::now();
    let rows = until_it_works!(store.claim_outbox(&op, &claim));
    let ids: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
    let op = Op::now();
    assert_eq!(until_it_works!(store.mark_sent(&op, "sender", &ids)), 1);
    let key = PostKey {
        page_id: page.id,
        target: "mastodon".to_owned(),
        account: "me".to_owned(),
        campaign: String::new(),
    };
    let op = Op::now();
    let PostClaim::Claimed(post) = until_it_works!(store.claim_post(&op, &key, "poster", LEASE)) else {
        panic!("{site}: the post is ours");
    };
    let op = Op::now();
    let armed = until_it_works!(store.arm_post(&op, &post.to_ref(), "Hello", &json!([1]), LEASE));
    let op = Op::now();
    let posted = PostOutcome::Posted {
        remote_id: "42".to_owned(),
        url: None,
    };
    until_it_works!(store.settle_post(&op, &armed.to_ref(), &posted));
}

/// Each change of the life was made, and none of them twice.
async fn once(store: &PostgresStore, site: &str) {
    let page = store.get_by_slug(site, "en", "page").await.unwrap().unwrap();
    assert_eq!(
        (page.status, page.version, page.attempts),
        (Status::Published, 3, 1),
        "{site}"
    );
    let query = PostQuery {
        page_id: Some(page.id),
        ..PostQuery::default()
    };
    let posts = store.list_posts(&query, None, 9).await.unwrap().items;
    let told: Vec<_> = posts
        .iter()
        .map(|post| (post.status, post.attempts, post.version))
        .collect();
    assert_eq!(told, [(PostStatus::Posted, 1, 3)], "{site}");
    let spent = store
        .spend(&SpendQuery {
            site: Some(site.to_owned()),
            from_ms: 0,
            until_ms: i64::from(u32::MAX) * 1_000,
        })
        .await
        .unwrap();
    assert_eq!(spent.cost_micros, 7, "{site}");
}
