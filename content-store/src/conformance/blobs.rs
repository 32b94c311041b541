//! What every [`BlobStore`] must do. A store under test is empty.

use std::collections::BTreeSet;

use crate::{BlobKey, BlobStore, platform};

/// The cases, by the names at the bullets of [`BlobStore`].
pub const BLOB_CASES: [&str; 4] = [
    "put_keeps_the_bytes_and_may_be_repeated",
    "get_of_an_unknown_key_is_none",
    "delete_forgets_one_key_and_may_be_repeated",
    "list_gives_every_key_once",
];

/// Runs one of [`BLOB_CASES`] on an empty store.
///
/// # Panics
/// When the store does not do what the case says, and when there is no such case.
pub async fn blob_case(case: &str, store: &dyn BlobStore) {
    match case {
        "put_keeps_the_bytes_and_may_be_repeated" => puts(store).await,
        "get_of_an_unknown_key_is_none" => {
            put(store, b"another").await;
            assert_eq!(store.get(&BlobKey::of(b"never put")).await.unwrap(), None);
        }
        "delete_forgets_one_key_and_may_be_repeated" => deletes(store).await,
        "list_gives_every_key_once" => lists(store).await,
        _ => panic!("there is no case {case}"),
    }
}

async fn put(store: &dyn BlobStore, bytes: &[u8]) -> BlobKey {
    let key = BlobKey::of(bytes);
    store.put(&key, bytes).await.unwrap();
    key
}

async fn puts(store: &dyn BlobStore) {
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    for bytes in [&b""[..], b"\0\xff\r\n", "Z\u{fc}rich".as_bytes(), &large] {
        let key = put(store, bytes).await;
        assert_eq!(put(store, bytes).await, key);
        assert_eq!(store.get(&key).await.unwrap().as_deref(), Some(bytes));
    }
}

async fn deletes(store: &dyn BlobStore) {
    let (gone, stays) = (put(store, b"gone").await, put(store, b"stays").await);
    store.delete(&gone).await.unwrap();
    store.delete(&gone).await.unwrap();
    assert_eq!(store.get(&gone).await.unwrap(), None);
    assert_eq!(store.get(&stays).await.unwrap().as_deref(), Some(&b"stays"[..]));
}

async fn lists(store: &dyn BlobStore) {
    assert_eq!(store.list(None, 10).await.unwrap(), []);
    for wrong in [0, 1_001] {
        assert!(store.list(None, wrong).await.is_err());
    }
    let start = platform::now_ms();
    let mut expected = BTreeSet::new();
    for n in 0..23_u8 {
        expected.insert(put(store, &[n]).await);
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let piece = store.list(after.as_ref(), 5).await.unwrap();
        assert!(piece.len() <= 5);
        let Some(last) = piece.last() else { break };
        after = Some(last.key.clone());
        // A file system may count in seconds, and another machine's clock is not this one's.
        let minute = 60_000;
        let near = |at_ms: i64| (start - minute..platform::now_ms() + minute).contains(&at_ms);
        assert!(piece.iter().all(|entry| near(entry.put_at_ms)), "{piece:?}");
        found.extend(piece.into_iter().map(|entry| entry.key));
    }
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
}
