//! What presswork-social weighs in a Worker.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{
    program,
    table::{Metric, Reach, Role, Row, Table},
};

const CONTENDERS: &[(&str, &str, Role)] = &[
    ("base", "one POST: reqwest + serde_json", Role::Base),
    ("four", "presswork: X, Mastodon, Bluesky, Buffer", Role::Own),
];

pub fn wasm() -> Result<Vec<Table>> {
    let mut rows = Vec::new();
    for (feature, name, role) in CONTENDERS {
        let wasm = without_custom_sections(&build(feature)?).context("the module cannot be read")?;
        rows.push(Row::new(
            name,
            *role,
            vec![wasm.len() as f64 / 1e3, gzipped(&wasm)? / 1e3],
        ));
    }
    Ok(vec![Table {
        title: "A wasm module with the profile of the Workers, in kB".to_owned(),
        metrics: vec![
            Metric {
                name: "raw",
                reach: Reach::Nothing,
            },
            Metric {
                name: "gzipped",
                reach: Reach::Plus(120.0),
            },
        ],
        rows,
        notes: vec![
            "Without custom sections, which wasm-bindgen takes out of a Worker; what describes the glue to it is still in.".to_owned(),
        ],
    }])
}

fn build(feature: &str) -> Result<Vec<u8>> {
    let folder = program::root().join("social-wasm");
    let target = program::root().join("target");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&folder)
        .args(["build", "--quiet", "--profile", "worker"]);
    cargo.args(["--target", "wasm32-unknown-unknown", "--features", feature]);
    cargo.arg("--target-dir").arg(&target);
    if !cargo.status().context("cargo does not start")?.success() {
        bail!("social-wasm with `{feature}` does not build; it needs `rustup target add wasm32-unknown-unknown`");
    }
    Ok(std::fs::read(
        target.join("wasm32-unknown-unknown/worker/social_wasm.wasm"),
    )?)
}

/// Names, producers and what wasm-bindgen leaves for its tool are custom sections: their id is 0.
fn without_custom_sections(wasm: &[u8]) -> Option<Vec<u8>> {
    let mut kept = wasm.get(..8)?.to_vec();
    let mut at = 8;
    while at < wasm.len() {
        let (mut length, mut next) = (0_usize, at + 1);
        for shift in (0..35).step_by(7) {
            let byte = *wasm.get(next)?;
            next += 1;
            length |= usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                break;
            }
        }
        let section = wasm.get(at..next + length)?;
        if section[0] != 0 {
            kept.extend_from_slice(section);
        }
        at = next + length;
    }
    Some(kept)
}

/// Bytes after `gzip -9`, as Cloudflare counts.
fn gzipped(bytes: &[u8]) -> Result<f64> {
    let file = std::env::temp_dir().join(format!("social-wasm.{}", std::process::id()));
    std::fs::write(&file, bytes)?;
    let output = Command::new("gzip").args(["-9", "-c"]).arg(&file).output();
    std::fs::remove_file(&file)?;
    let output = output.context("gzip does not start")?;
    if !output.status.success() {
        bail!("gzip: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout.len() as f64)
}
