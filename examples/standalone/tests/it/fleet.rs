//! Four processes on one Postgres and one Redis, killed and started again at random for a minute: every page is made once
//! and posted once.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::network::Network;
use crate::servers;
use crate::support::{Folder, SETTINGS, small_site, some};

const PROCESSES: usize = 4;
const TOPICS: usize = 80;
const CHAOS: Duration = Duration::from_secs(60);

/// Leases are as short as the settings allow, so that what a dead process held is free again within a minute.
const SHORT_LEASES: &str = "
[generator]
pages_per_run = 20
concurrency = 2
lease_seconds = 31
max_attempts = 20

[model]
timeout_seconds = 1

[poster]
concurrency = 1
lease_seconds = 60
max_attempts = 100

[serve]
schedule = \"* * * * *\"
listen = \"127.0.0.1:0\"
";

#[test]
fn four_processes_share_postgres_and_redis_and_survive_kills() {
    let (Some(postgres), Some(redis)) = (servers::postgres(), servers::redis()) else {
        return;
    };
    let (network, mastodon) = Network::start(Duration::from_millis(1_200));
    let folders: Vec<Folder> = (0..PROCESSES).map(|_| Folder::new()).collect();
    for folder in &folders {
        small_site(folder, TOPICS);
        let target = format!("[[target]]\nkind = \"mastodon\"\nurl = \"{mastodon}\"\naccount = \"me\"\n");
        folder.write("presswork.toml", format!("{SETTINGS}{SHORT_LEASES}{target}"));
    }
    let command = |folder: &Folder, args: &[&str]| {
        let mut command = folder.command(args);
        command
            .env("PRESSWORK_STORE", &postgres.url)
            .env("PRESSWORK_QUEUE", &redis.url)
            .env("MASTODON_ACCESS_TOKEN", "secret")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let start = |folder: &Folder| command(folder, &["serve", "--now"]).spawn().unwrap();
    let status = || -> Value {
        let ran = command(&folders[0], &["status", "--json"])
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        serde_json::from_slice(&ran.stdout).unwrap_or_default()
    };

    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut random = seed | 1;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut processes: Vec<Child> = folders.iter().map(start).collect();
    let began = Instant::now();
    let mut kills = 0;
    while began.elapsed() < CHAOS {
        std::thread::sleep(Duration::from_millis(300 + next(2_000)));
        let victim = next(PROCESSES as u64) as usize;
        let died = processes[victim].try_wait().unwrap();
        assert_eq!(died, None, "a process ended by itself");
        processes[victim].kill().unwrap();
        processes[victim].wait().unwrap();
        processes[victim] = start(&folders[victim]);
        kills += 1;
    }

    let posted = json!({ "posted": TOPICS });
    let deadline = Instant::now() + Duration::from_secs(300);
    while some_posts(&status()) != posted && Instant::now() < deadline {
        std::thread::sleep(Duration::from_secs(1));
    }
    let end = status();
    for process in &mut processes {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let (visible, requests) = (network.visible(), network.requests());
    println!("{kills} kills, {requests} requests for {TOPICS} posts");
    assert_eq!(some(&end["pages"]), json!({ "published": TOPICS }), "{end}");
    assert_eq!(some_posts(&end), posted, "{end}");
    assert_eq!(end["dead_letters"], 0, "{end}");
    assert_eq!(visible.len(), TOPICS, "every page is posted");
    assert!(visible.values().all(|count| *count == 1), "posted twice: {visible:?}");
    assert!(kills > 20, "only {kills} kills; the test proves little");
}

fn some_posts(status: &Value) -> Value {
    status["posts"]
        .as_object()
        .map_or(Value::Null, |_| some(&status["posts"]))
}
