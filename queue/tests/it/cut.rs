//! A connection that breaks after any number of bytes, in the handshake and in every call.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use presswork_queue::{Delivery, Error, Message, Outcome, Settled, Settlement};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::kills::{Whole, open};

/// Short: what a lost answer leased is waited for.
const LEASE: Duration = Duration::from_millis(300);
/// Bytes from one cut to the next, where the setting does not say 1.
const STEP: i64 = 37;
const STEP_SETTING: &str = "PRESSWORK_QUEUE_CUT_STEP";
/// More than any round's calls take.
const NEVER: i64 = i64::MAX / 2;

/// Passes bytes on to a server until as many have gone by, in either direction, as it was told to wait for.
struct Proxy {
    address: String,
    left: Arc<AtomicI64>,
}

impl Proxy {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let left = Arc::new(AtomicI64::new(NEVER));
        let proxy = Self { address, left };
        let left = Arc::clone(&proxy.left);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, Arc::clone(&left)));
            }
        });
        proxy
    }

    /// Cuts once, after that many bytes.
    fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    fn has_cut(&self) -> bool {
        // Far from it still after a round: never reached.
        self.left.load(Ordering::SeqCst) > NEVER / 2
    }
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

/// As a careful caller: what may be repeated is, and nothing else is refused.
async fn until_it_works<T>(mut call: impl AsyncFnMut() -> presswork_queue::Result<T>) -> T {
    for _ in 0..50 {
        match call().await {
            Ok(value) => return value,
            Err(error) => assert!(
                error.is_retryable() || matches!(error, Error::OutcomeUnknown { .. }),
                "{error:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it never works again");
}

/// Sends, receives and settles one message a round, cut at ever later bytes, until a round is over before its cut.
pub(crate) async fn connection_cut_anywhere_loses_nothing(server: &str) {
    let step = std::env::var(STEP_SETTING).map_or(STEP, |step| step.parse().unwrap());
    let (start, rest) = server.split_once("//").unwrap();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap();
    let proxy = Proxy::to(host.to_owned()).await;
    let queue = open(&server.replace(host, &proxy.address), LEASE, 100).await;
    let mut attempts = BTreeMap::new();
    let mut cut = 0;
    loop {
        proxy.cut_after(cut);
        one_round(&*queue, cut, &mut attempts).await;
        assert!(attempts[&cut] <= 2, "{cut}: {attempts:?} for one cut");
        if !proxy.has_cut() {
            break;
        }
        cut += step;
    }
    assert!(cut > 500, "{start}: all is over after {cut} bytes");
    let clean = open(server, LEASE, 100).await;
    let depth = clean.depth().await.unwrap();
    assert_eq!((depth.ready, depth.delayed, depth.leased, depth.dead), (0, 0, 0, 0));
    println!(
        "{start}: {} rounds, {} delivered twice",
        attempts.len(),
        attempts.values().filter(|n| **n > 1).count()
    );
}

async fn one_round(queue: &dyn Whole, number: i64, attempts: &mut BTreeMap<i64, u32>) {
    let message = Message::new(number.to_string()).idempotency_key(format!("round {number}"));
    until_it_works(async || queue.send(&message).await).await;
    let delivery = loop {
        let mut deliveries = until_it_works(async || queue.receive(10, LEASE).await).await;
        assert!(deliveries.len() < 2, "{number}: more than was sent");
        if let Some(delivery) = deliveries.pop() {
            break delivery;
        }
    };
    let said: i64 = std::str::from_utf8(delivery.body()).unwrap().parse().unwrap();
    assert_eq!(said, number, "one of before came again after it was acknowledged");
    attempts.insert(number, delivery.attempt().unwrap());
    let settled = until_it_works(async || queue.settle(&[ack(&delivery)]).await).await;
    // Stale when an earlier answer was lost.
    assert!(matches!(settled[..], [Settled::Done | Settled::Stale]), "{settled:?}");
}

fn ack(delivery: &Delivery) -> Settlement {
    Settlement::new(delivery.lease().clone(), Outcome::Ack)
}
