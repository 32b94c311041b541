//! Bodies outside of their rows: the stores that keep them, and the whole suite on stores that put nearly every body there.

mod failing;
mod suites;

use presswork_content_store::conformance::{BLOB_CASES, blob_case};
use presswork_content_store::{BlobKey, BlobStore, Error, FileBlobs, MemoryBlobs};

#[tokio::test]
async fn blobs_in_memory() {
    for case in BLOB_CASES {
        blob_case(case, &MemoryBlobs::new()).await;
    }
}

#[tokio::test]
async fn blobs_in_files() {
    for case in BLOB_CASES {
        let folder = tempfile::tempdir().unwrap();
        blob_case(case, &FileBlobs::open(folder.path().join("blobs")).unwrap()).await;
    }
}

/// A process that was killed left half a file: it is no blob, and goes when it is old.
#[tokio::test]
async fn half_a_file_is_no_blob() {
    let folder = tempfile::tempdir().unwrap();
    drop(FileBlobs::open(folder.path()).unwrap());
    let half = |name: &str| folder.path().join("half-written").join(name);
    std::fs::write(half("new"), "ha").unwrap();
    std::fs::write(half("old"), "ha").unwrap();
    let days = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 24 * 3_600);
    let old = std::fs::File::options().write(true).open(half("old")).unwrap();
    old.set_modified(days).unwrap();
    let blobs = FileBlobs::open(folder.path()).unwrap();
    assert_eq!(blobs.list(None, 10).await.unwrap(), []);
    assert_eq!((half("new").exists(), half("old").exists()), (true, false));
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let answer = FileBlobs::open(&file);
    assert!(
        matches!(&answer, Err(Error::Unavailable { place, .. }) if *place == file.display().to_string()),
        "{answer:?}"
    );
}

#[test]
fn keys_are_what_sha256sum_prints() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(BlobKey::of(b"").as_str(), empty);
    assert_eq!(BlobKey::parse(empty).unwrap(), BlobKey::of(b""));
    for wrong in ["", "../../etc/passwd", &empty.to_uppercase(), &empty[1..]] {
        assert!(BlobKey::parse(wrong).is_err(), "{wrong}");
    }
}
