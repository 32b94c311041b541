//! `presswork export`, `presswork import FILE.jsonl` and `presswork copy`: every row of a store, out and in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use async_trait::async_trait;
use indicatif::ProgressBar;
use presswork_content_store::{
    Digest, Exported, Imported, Mark, Record, Result as StoreResult, Transfer, copy, digest,
};
use serde::{Deserialize, Serialize};

use crate::cli::Common;
use crate::exit::{BadSettings, Outcome};
use crate::place::{Kind, Place};
use crate::settings::Settings;
use crate::{compose, lock, output, progress};

/// Rows at a time.
const ROWS: u32 = 500;

/// The variable with the store to copy to.
const TO: &str = "PRESSWORK_COPY_TO";

/// The last line of a file: what stands before it, so that a file that was cut short is not taken for a whole one.
#[derive(Serialize, Deserialize)]
struct End {
    end: Digest,
}

/// What was moved.
#[derive(Debug, Serialize)]
struct Moved {
    /// Rows read.
    rows: u64,
    /// Rows that are new there.
    written: u64,
    /// Rows that were there, the same.
    known: u64,
    /// Whether both hold the same rows and nothing else.
    same: bool,
}

/// Writes every row of the store as a line of JSON; `-` is standard output. Nobody else works on the store meanwhile.
///
/// # Errors
/// When the store cannot be read or the file cannot be written; no half file is left at its name.
pub(crate) async fn export(common: &Common, file: &Path) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let _lock = lock::take(&settings)?;
    let store = compose::full_store(&settings, false).await?;
    if file == Path::new("-") {
        let _ = lines(store.as_ref(), BufWriter::new(io::stdout())).await?;
        return Ok(Outcome::Done);
    }
    let beside = beside(file);
    let written = async {
        let out = BufWriter::new(File::create(&beside)?);
        let (rows, out) = lines(store.as_ref(), out).await?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&beside, file)?;
        anyhow::Ok(rows)
    };
    let rows = match written.await {
        Ok(rows) => rows,
        Err(error) => {
            let _ = std::fs::remove_file(&beside);
            return Err(error.context(format!("cannot export to {}", file.display())));
        }
    };
    match common.json {
        true => output::json(&serde_json::json!({ "rows": rows, "file": file }))?,
        false => output::text(&format!("{rows} rows in {}", file.display()))?,
    }
    Ok(Outcome::Done)
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    name.into()
}

async fn lines<W: Write + Send>(store: &dyn Transfer, mut out: W) -> anyhow::Result<(u64, W)> {
    let bar = progress::rows("export");
    let (mut end, mut mark) = (Digest::default(), None);
    loop {
        let piece = store.export(mark.as_ref(), ROWS).await?;
        for record in &piece.records {
            end.add(record);
            writeln!(out, "{}", record.to_json())?;
        }
        bar.inc(piece.records.len() as u64);
        mark = piece.next;
        if mark.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    let rows = count(&end);
    writeln!(out, "{}", serde_json::to_string(&End { end })?)?;
    out.flush()?;
    Ok((rows, out))
}

/// Takes the rows of a file that [`export`] wrote. The file is read to its end and held against its last line before a row
/// of it is written; rows that are there already stay, and one that says something else there is an error.
///
/// # Errors
/// With the line that cannot be read; when the file is cut short; when a row differs.
pub(crate) async fn import(common: &Common, file: &Path) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    let whole = whole(file)?;
    settings.make_data_folder()?;
    let _lock = lock::take(&settings)?;
    let store = compose::full_store(&settings, false).await?;
    let bar = progress::items("import", count(&whole));
    let to = Counted {
        store: store.as_ref(),
        bar: &bar,
    };
    let (mut records, mut done) = (Vec::new(), Imported::default());
    let mut take = async |records: &mut Vec<Record>| {
        let imported = to.import(records).await?;
        records.clear();
        done.written += imported.written;
        done.known += imported.known;
        anyhow::Ok(())
    };
    for record in read(file)? {
        let Line::Row(record) = record? else { break };
        records.push(record);
        if records.len() == ROWS as usize {
            take(&mut records).await?;
        }
    }
    take(&mut records).await?;
    bar.finish_and_clear();
    let same = digest(store.as_ref()).await? == whole;
    report(common, count(&whole), done, same, "the store holds other rows, too")
}

/// Copies every row of the store into another, and compares the two.
///
/// # Errors
/// When one of them cannot be used, or a row is there already and says something else: it is left as it is.
pub(crate) async fn copy_to(common: &Common, to: Option<&str>) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let place = match (to, std::env::var(TO)) {
        // Others on this machine see what a command is called with.
        (Some(to), _) => Place::parse(Kind::Store, "the store to copy to", to, Path::new(""))?
            .no_password("the store to copy to", TO)?,
        (None, Ok(to)) => Place::parse(Kind::Store, TO, &to, Path::new(""))?,
        (None, Err(_)) => {
            return Err(BadSettings(format!("the store to copy to is missing; name it, or set {TO}")).into());
        }
    };
    anyhow::ensure!(place != settings.store, "{place} is the store itself");
    let _lock = lock::take(&settings)?;
    let _other = place.file().map(lock::database).transpose()?;
    let from = compose::full_store(&settings, false).await?;
    let other = Settings {
        store: place,
        ..settings
    };
    let other = compose::full_store(&other, false).await?;
    let bar = progress::rows("copy");
    let counted = Counted {
        store: other.as_ref(),
        bar: &bar,
    };
    let done = copy(from.as_ref(), &counted, ROWS, None, &|_| ()).await?;
    bar.finish_and_clear();
    let (here, there) = (digest(from.as_ref()).await?, digest(other.as_ref()).await?);
    report(
        common,
        count(&here),
        done,
        here == there,
        "the other store holds other rows, too",
    )
}

fn report(common: &Common, rows: u64, done: Imported, same: bool, other: &str) -> anyhow::Result<Outcome> {
    let Imported { written, known } = done;
    if common.json {
        output::json(&Moved {
            rows,
            written,
            known,
            same,
        })?;
    } else {
        let compared = if same { "both hold the same" } else { other };
        output::text(&format!(
            "{rows} rows: {written} written, {known} there already; {compared}"
        ))?;
    }
    // Each row was compared when it was written: less than that there cannot be, more can.
    anyhow::ensure!(
        same || written + known == rows,
        "{rows} rows were read, {written} written and {known} there"
    );
    Ok(Outcome::Done)
}

enum Line {
    Row(Record),
    End(Digest),
}

/// The lines of a file, each with its place where it is wrong.
fn read(file: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Line>>> {
    let name = file.display().to_string();
    let lines = BufReader::new(File::open(file).with_context(|| format!("cannot open {name}"))?).lines();
    Ok(lines.enumerate().map(move |(at, line)| {
        let place = || format!("{name}:{}", at + 1);
        let line = line.with_context(place)?;
        if line.starts_with("{\"end\":") {
            return Ok(Line::End(serde_json::from_str::<End>(&line).with_context(place)?.end));
        }
        Ok(Line::Row(Record::from_json(&line).with_context(place)?))
    }))
}

/// What a file holds, when it is whole.
fn whole(file: &Path) -> anyhow::Result<Digest> {
    let (mut rows, mut end) = (Digest::default(), None);
    for line in read(file)? {
        match line? {
            Line::Row(_) if end.is_some() => anyhow::bail!("{} goes on after its end", file.display()),
            Line::Row(record) => rows.add(&record),
            Line::End(digest) => end = Some(digest),
        }
    }
    match end {
        Some(end) if end == rows => Ok(rows),
        Some(_) => anyhow::bail!(
            "{} is not what `presswork export` wrote: rows are missing or changed",
            file.display()
        ),
        None => anyhow::bail!("{} is cut short: its last line is missing", file.display()),
    }
}

fn count(digest: &Digest) -> u64 {
    digest.iter().map(|(_, rows, _)| rows).sum()
}

/// A store that tells a bar of each row it takes.
struct Counted<'a> {
    store: &'a dyn Transfer,
    bar: &'a ProgressBar,
}

#[async_trait]
impl Transfer for Counted<'_> {
    async fn export<'m>(&self, after: Option<&'m Mark>, limit: u32) -> StoreResult<Exported> {
        self.store.export(after, limit).await
    }

    async fn import(&self, records: &[Record]) -> StoreResult<Imported> {
        let imported = self.store.import(records).await;
        self.bar.inc(records.len() as u64);
        imported
    }
}
