//! Runs programs and reads what they report.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result, bail};

pub type Values = BTreeMap<String, f64>;

/// One run of a program: `<scenario> <n> [more]`.
pub fn run(program: &Path, scenario: &str, n: u64, more: &[&str]) -> Result<Values> {
    let output = Command::new(program)
        .arg(scenario)
        .arg(n.to_string())
        .args(more)
        .output()?;
    values(program, scenario, &output)
}

fn values(program: &Path, scenario: &str, output: &Output) -> Result<Values> {
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{} {scenario}: {}: {error}", program.display(), output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{} {scenario} printed no JSON", program.display()))
}

/// Instructions of one unit of work: the difference of a long and a short run under callgrind, so that start-up does
/// not count. All threads of the program count, the kernel and other processes do not.
pub fn instructions(program: &Path, scenario: &str, (short, long): (u64, u64), more: &[&str]) -> Result<f64> {
    let few = collected(program, scenario, short, more)?;
    let many = collected(program, scenario, long, more)?;
    Ok((many - few) / (long - short) as f64)
}

pub fn collected(program: &Path, scenario: &str, n: u64, more: &[&str]) -> Result<f64> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("callgrind.{}.{run}", std::process::id()));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .arg(scenario)
        .arg(n.to_string())
        .args(more)
        .output()
        .context("valgrind does not start; instructions are counted with its callgrind")?;
    values(program, scenario, &output)?;
    let profile = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let total = profile.lines().rev().find_map(|line| {
        let line = line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:"))?;
        line.trim().parse().ok()
    });
    total.context("callgrind wrote no total")
}

/// The median of each value over `rounds` runs of every program, the programs taking turns within a round.
pub fn medians(rounds: usize, mut run: impl FnMut(usize) -> Result<Values>, programs: usize) -> Result<Vec<Values>> {
    let mut all = vec![BTreeMap::<String, Vec<f64>>::new(); programs];
    for _ in 0..rounds {
        for (program, seen) in all.iter_mut().enumerate() {
            for (name, value) in run(program)? {
                seen.entry(name).or_default().push(value);
            }
        }
    }
    let medians = all
        .into_iter()
        .map(|seen| seen.into_iter().map(|(name, values)| (name, median(values))).collect());
    Ok(medians.collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}
