//! Consumers in processes of their own, killed: at random from outside, and by a message from inside.

use std::{
    collections::{BTreeMap, BTreeSet, hash_map::RandomState},
    fs::{self, OpenOptions},
    hash::BuildHasher,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use presswork_queue::{
    Consumer, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Depth, Inspect, Message, Outcome, Queue, Settle,
    Settled, Settlement,
};

const AT: &str = "PRESSWORK_QUEUE_TEST_AT";
const FOLDER: &str = "PRESSWORK_QUEUE_TEST_FOLDER";
const LEASE_MS: &str = "PRESSWORK_QUEUE_TEST_LEASE_MS";
const MAX_ATTEMPTS: &str = "PRESSWORK_QUEUE_TEST_MAX_ATTEMPTS";
/// How many kills per backend, for more than the suite has time for.
const KILLS: &str = "PRESSWORK_QUEUE_KILLS";

const BATCH: usize = 5;
/// Long enough that a busy machine never ends it.
const LONG: Duration = Duration::from_secs(60);
/// Short enough to wait for after a kill.
const SHORT: Duration = Duration::from_millis(400);
/// The message that no process survives.
const POISON: u32 = u32::MAX;
/// Enough that no number of kills makes a dead letter.
const MANY: u32 = 100_000;

/// What the tests need of a queue.
pub(crate) trait Whole: Queue + Consumer + DeadLetters + Inspect {}

impl<T: Queue + Consumer + DeadLetters + Inspect> Whole for T {}

/// Opens the queue that lies at `at`: a URL, or the path of a file.
pub(crate) async fn open(at: &str, lease: Duration, max_attempts: u32) -> Arc<dyn Whole> {
    #[cfg(feature = "redis")]
    if at.starts_with("redis:") {
        let queue = presswork_queue::RedisQueue::connect(at).timeout(Duration::from_secs(30));
        return Arc::new(queue.lease(lease).max_attempts(max_attempts).build().await.unwrap());
    }
    #[cfg(feature = "postgres")]
    if at.starts_with("postgres:") {
        let queue = presswork_queue::PostgresQueue::connect(at);
        return Arc::new(queue.lease(lease).max_attempts(max_attempts).build().await.unwrap());
    }
    #[cfg(feature = "sqlite")]
    if Path::new(at).is_absolute() {
        let queue = presswork_queue::SqliteQueue::builder(at);
        return Arc::new(queue.lease(lease).max_attempts(max_attempts).build().unwrap());
    }
    panic!("no queue lies at {at}")
}

/// A queue and the processes that consume from it.
struct Scene<'a> {
    at: &'a str,
    max_attempts: u32,
    /// Each process writes a log.
    folder: tempfile::TempDir,
}

/// One line of the logs.
#[derive(Clone, Copy)]
struct Line {
    acked: bool,
    number: u32,
    attempt: u32,
}

impl<'a> Scene<'a> {
    fn new(at: &'a str, max_attempts: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            at,
            max_attempts,
            folder,
        }
    }

    async fn open(&self, lease: Duration) -> Arc<dyn Whole> {
        open(self.at, lease, self.max_attempts).await
    }

    /// A process that consumes until nothing came for a second.
    fn spawn(&self, lease: Duration) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kills::child", "--nocapture"])
            .env(AT, self.at)
            .env(FOLDER, self.folder.path())
            .env(LEASE_MS, lease.as_millis().to_string())
            .env(MAX_ATTEMPTS, self.max_attempts.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// What the processes wrote, each in its order.
    fn log(&self) -> Vec<Line> {
        let files = fs::read_dir(self.folder.path()).unwrap();
        let text: String = files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let line = |line: &str| {
            let mut words = line.split(' ');
            let acked = words.next() == Some("acked");
            let mut next = || words.next().unwrap().parse().unwrap();
            Line {
                acked,
                number: next(),
                attempt: next(),
            }
        };
        text.lines().map(line).collect()
    }

    fn delivered(&self) -> Vec<(u32, u32)> {
        let log = self.log().into_iter();
        log.filter(|line| !line.acked)
            .map(|line| (line.number, line.attempt))
            .collect()
    }
}

/// What `spawn` runs; as a test of its own it does nothing.
#[tokio::test]
async fn child() {
    let Ok(at) = std::env::var(AT) else {
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse::<u32>().unwrap();
    let lease = Duration::from_millis(number(LEASE_MS).into());
    let queue = open(&at, lease, number(MAX_ATTEMPTS)).await;
    let log = Path::new(&std::env::var(FOLDER).unwrap()).join(format!("log-{}", std::process::id()));
    let mut log = OpenOptions::new().create(true).append(true).open(log).unwrap();
    loop {
        let deliveries = queue.receive(BATCH, Duration::from_secs(1)).await.unwrap();
        if deliveries.is_empty() {
            return;
        }
        for delivery in deliveries {
            let (number, attempt) = (delivery.json::<u32>().unwrap(), delivery.attempt().unwrap());
            // One write per line: a kill leaves whole lines.
            log.write_all(format!("got {number} {attempt}\n").as_bytes()).unwrap();
            if number == POISON {
                std::process::abort();
            }
            let settled = queue.settle(&[ack(&delivery)]).await.unwrap();
            assert_eq!(settled, [Settled::Done], "no other process is there");
            log.write_all(format!("acked {number} {attempt}\n").as_bytes()).unwrap();
        }
    }
}

fn ack(delivery: &Delivery) -> Settlement {
    Settlement::new(delivery.lease().clone(), Outcome::Ack)
}

async fn send_all(queue: &dyn Whole, numbers: impl IntoIterator<Item = u32>) {
    let messages: Vec<_> = numbers.into_iter().map(|n| Message::json(&n).unwrap()).collect();
    for batch in messages.chunks(100) {
        queue.send_batch(batch).await.unwrap();
    }
}

/// Two processes on the queue at `at` never get the same message.
pub(crate) async fn two_processes_are_disjoint(at: &str) {
    let scene = Scene::new(at, 4);
    let queue = scene.open(LONG).await;
    let mut children = [scene.spawn(LONG), scene.spawn(LONG)];
    send_all(&*queue, 0..300).await;
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let delivered = scene.delivered();
    let numbers: BTreeSet<_> = delivered.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers.len(), 300, "every message came");
    assert!(delivered.iter().all(|(_, attempt)| *attempt == 1), "and none twice");
    assert_eq!(delivered.len(), 300);
    assert_eq!(queue.depth().await.unwrap(), Depth::default());
}

/// Kills a consumer of the queue at `at` again and again, at moments of chance: nothing is lost, nothing comes again
/// after its acknowledgement, and a kill costs no more deliveries than were in hand.
pub(crate) async fn killed_consumers_lose_nothing(at: &str) {
    let rounds: usize = std::env::var(KILLS).map_or(34, |kills| kills.parse().unwrap());
    // More than all of them can handle.
    let messages = rounds as u32 * 100;
    let scene = Scene::new(at, MANY);
    let queue = scene.open(LONG).await;
    send_all(&*queue, 0..messages).await;
    for _ in 0..rounds {
        let chance = RandomState::new().hash_one(0);
        let before = scene.log().len();
        let mut child = scene.spawn(SHORT);
        // Most are killed at work, every fourth while it starts.
        if !chance.is_multiple_of(4) {
            let patience = Instant::now() + LONG;
            while scene.log().len() <= before {
                assert!(Instant::now() < patience, "the process does not get to work");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        tokio::time::sleep(Duration::from_micros((chance >> 8) % 25_000)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let log = scene.log();
    let acked: BTreeMap<_, _> = log
        .iter()
        .filter(|line| line.acked)
        .map(|l| (l.number, l.attempt))
        .collect();
    let mut attempts = BTreeMap::new();
    for line in &log {
        let most = attempts.entry(line.number).or_insert(line.attempt);
        *most = line.attempt.max(*most);
    }
    // What is left is taken to its end; each lease that a killed process held ends within its time.
    let mut last = Instant::now();
    while last.elapsed() < SHORT * 3 {
        let received = queue.receive(100, Duration::from_millis(200)).await.unwrap();
        queue
            .settle(&received.iter().map(ack).collect::<Vec<_>>())
            .await
            .unwrap();
        for delivery in &received {
            attempts.insert(delivery.json().unwrap(), delivery.attempt().unwrap());
            last = Instant::now();
        }
    }
    assert_eq!(attempts.len(), messages as usize, "every message was delivered");
    for (number, attempt) in acked {
        assert_eq!(attempts[&number], attempt, "message {number} came again after its ack");
    }
    assert_eq!(queue.depth().await.unwrap(), Depth::default(), "all are settled");
    let extra: u32 = attempts.values().map(|attempts| attempts - 1).sum();
    println!("{rounds} kills, {messages} messages, {extra} extra deliveries");
    assert!(
        extra as usize <= rounds * BATCH,
        "{extra} extra deliveries; a kill costs one for each message in hand"
    );
}

/// A message that kills every process that gets it ends as a dead letter, and the messages around it are handled.
pub(crate) async fn poison_ends_as_a_dead_letter(at: &str) {
    const MESSAGES: u32 = 20;
    let scene = Scene::new(at, 3);
    let queue = scene.open(SHORT).await;
    send_all(&*queue, (0..MESSAGES / 2).chain([POISON]).chain(MESSAGES / 2..MESSAGES)).await;
    let mut deaths = 0;
    while !scene.spawn(SHORT).wait().unwrap().success() {
        deaths += 1;
        assert!(deaths <= 3, "it is delivered three times and no more");
    }
    assert_eq!(deaths, 3);
    let letters = queue.list(&DeadLetterFilter::all(), None, 10).await.unwrap();
    assert_eq!(letters.len(), 1, "nobody else is dead: {letters:?}");
    assert_eq!(letters[0].body, POISON.to_string().into_bytes());
    assert_eq!(letters[0].attempts, 3);
    assert_eq!(letters[0].last_error.as_deref(), Some(DeadLetter::NO_VERDICT));
    let log = scene.log();
    let acked: BTreeSet<_> = log.iter().filter(|line| line.acked).map(|line| line.number).collect();
    assert_eq!(acked, (0..MESSAGES).collect(), "the others are handled");
    let most = log.iter().filter(|line| line.acked).map(|line| line.attempt).max();
    assert!(most <= Some(2), "and shared at most its first death: {most:?}");
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.dead, depth.ready + depth.leased + depth.delayed), (1, 0));
}
