//! The files that wrangler applies are the schema of the store.

use std::{collections::BTreeMap, fs, path::Path};

use presswork_content_store::migrations::export;

#[test]
fn the_migrations_folder_is_what_the_store_exports() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files: BTreeMap<String, String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                fs::read_to_string(file.path()).unwrap(),
            )
        })
        .collect();
    let exported = export().into_iter().map(|(name, sql)| (name.to_owned(), sql)).collect();
    assert_eq!(files, exported);
}
