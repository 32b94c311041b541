//! TLS: a server whose certificate an authority of the test's own has signed.

use std::{fs, time::Duration};

use presswork_queue::{Consumer, Error, Message, Outcome, Queue, RedisQueue, RedisQueueBuilder, Settle, Settlement};

use super::server::{self, Server};
use crate::certificates::{self, Certificates, text};

fn at(url: &str) -> RedisQueueBuilder {
    RedisQueue::connect(url).timeout(Duration::from_secs(30))
}

fn trusting(url: &str, certificates: &Certificates) -> RedisQueueBuilder {
    at(url).root_certificates(fs::read(certificates.authority()).unwrap())
}

#[tokio::test]
async fn tls_is_spoken_with_whom_the_certificate_names() {
    if let Err(reason) = server::available().and_then(|()| certificates::available()) {
        println!("skipped: {reason}");
        return;
    }
    let certificates = Certificates::make();
    let (certificate, key) = (certificates.certificate(), certificates.key());
    let options = ["--tls-auth-clients", "no", "--tls-cert-file", text(&certificate)];
    let options = [&options[..], &["--tls-key-file", text(&key)]].concat();
    let Some(server) = Server::with_tls(&options) else {
        println!("skipped: redis-server is built without TLS");
        return;
    };
    let url = server.url().replace("redis://127.0.0.1", "rediss://localhost");
    let queue = trusting(&url, &certificates).build().await.unwrap();
    let id = queue.send(&Message::new("sealed")).await.unwrap();
    let delivery = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!((delivery.id(), delivery.body()), (&id, &b"sealed"[..]));
    queue
        .settle(&[Settlement::new(delivery.lease().clone(), Outcome::Ack)])
        .await
        .unwrap();
    // The connection on which a consumer blocks is of the same kind.
    let (received, _) = futures_util::future::join(queue.receive(1, Duration::from_secs(60)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        queue.send(&Message::new("awaited")).await.unwrap()
    })
    .await;
    assert_eq!(received.unwrap()[0].body(), b"awaited");

    let other = Certificates::make();
    let address = url.replace("localhost", "127.0.0.1");
    for (refused, why) in [
        (trusting(&url, &other), "certificate"),
        (at(&url), "certificate"),
        (trusting(&address, &certificates), "not valid for name"),
    ] {
        let error = refused.build().await.unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{error:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let plain = at(&server.url())
        .timeout(Duration::from_secs(2))
        .build()
        .await
        .unwrap_err();
    assert!(matches!(plain, Error::Unavailable { .. }), "{plain:?}");
    let garbled = at(&url).root_certificates("no certificate").build().await.unwrap_err();
    assert!(
        matches!(&garbled, Error::Config { message, .. } if message.contains("root certificates")),
        "{garbled:?}"
    );
    let useless = trusting("redis://127.0.0.1:1", &certificates)
        .build()
        .await
        .unwrap_err();
    assert!(
        matches!(&useless, Error::Config { message, .. } if message.contains("rediss://")),
        "{useless:?}"
    );
}
