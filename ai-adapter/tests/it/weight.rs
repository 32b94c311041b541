//! What a provider costs in dependencies, guarded by the number in the README.

use std::collections::BTreeSet;
use std::process::Command;

/// Unique crates behind `features` on Linux, this one not counted.
fn crates(features: &str) -> usize {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let tree = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args([
            "--target",
            "x86_64-unknown-linux-gnu",
            "--manifest-path",
            manifest,
            "--features",
            features,
        ])
        .output()
        .expect("cargo tree runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let lines = String::from_utf8(tree.stdout).expect("UTF-8");
    let unique: BTreeSet<String> = lines
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    unique.len() - 1
}

#[test]
fn dependencies_do_not_outgrow_the_readme() {
    let readme = include_str!("../../README.md");
    let mut rows = 0;
    for line in readme.lines().filter(|line| line.contains("crates |")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let features = cells[1].trim_matches('`').replace("none", "");
        let promised: usize = cells[2]
            .trim_end_matches(" crates")
            .parse()
            .expect("a number of crates");
        let actual = crates(&features);
        assert!(
            actual <= promised,
            "`{features}`: {actual} crates, the README promises {promised}"
        );
        // What a program with async-openai 0.43 has, the lightest of the peers.
        assert!(promised < 126, "`{features}` weighs as much as async-openai");
        rows += 1;
    }
    assert_eq!(rows, 8);
    assert!(readme.contains("async-openai 0.43 has 126"));
}
