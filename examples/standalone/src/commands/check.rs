//! `presswork check`: whether everything the settings name can be used.

use std::sync::Arc;
use std::time::Duration;

use presswork_ai_adapter::{LanguageModel, TextRequest};
use presswork_content_store::{ContentStore, Op};
use presswork_pipeline::spend;
use presswork_pipeline::topics::Topics;
use presswork_queue::Inspect;
use presswork_social::{Certainty, Error as SocialError, SocialTarget};
use serde::Serialize;

use crate::cli::Common;
use crate::exit::{BadSettings, Outcome, USAGE, code_of};
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::{compose, output, sample};

/// How long the model may take to answer one word.
const MODEL_TIMEOUT: Duration = Duration::from_secs(30);

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Row {
    /// What.
    what: String,
    /// Whether it can be used; `None` for what is not there yet.
    ok: Option<bool>,
    /// How it stands.
    found: String,
    /// What to do, where something is to do.
    todo: Option<String>,
    /// The exit code this alone would have.
    #[serde(skip)]
    code: u8,
}

impl Row {
    fn good(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ok: Some(true),
            found: found.into(),
            todo: None,
            code: 0,
        }
    }

    fn bad(what: impl Into<String>, error: &anyhow::Error, todo: &str) -> Self {
        Self {
            what: what.into(),
            ok: Some(false),
            found: output::plain(&format!("{error:#}")),
            todo: Some(todo.into()),
            code: code_of(error),
        }
    }

    fn todo(mut self, todo: impl Into<String>) -> Self {
        self.todo = Some(todo.into());
        self
    }
}

/// Looks at everything and says what to do. Nothing is posted, and no file is made; the model is asked for one word, which may
/// cost some millionths of a dollar and stands in the spend ledger.
///
/// # Errors
/// [`BadSettings`] when the settings cannot be read at all. What else cannot be used is in the table, and the exit code says
/// whether a setting is wrong (2) or something fails (1).
pub(crate) async fn run(common: &Common) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    let mut rows = vec![of_site(&settings)];
    rows.push(of_topics(&settings));
    rows.push(of_schedule(&settings));
    let there = settings.need_data_folder().is_ok();
    let store = if there {
        stores(&settings, &mut rows).await
    } else {
        rows.push(Row {
            ok: None,
            ..Row::good("data", format!("{} is not there yet", settings.data.display())).todo("presswork makes it")
        });
        None
    };
    let model = match compose::model(&settings) {
        Ok(writer) => of_model(&settings, &writer.model, store.as_deref()).await,
        Err(error) => Row::bad("model", &error, "mend [model], or set the variable"),
    };
    rows.push(model);
    targets(&settings, there, &mut rows).await;
    report(common, &rows)?;
    Ok(match rows.iter().map(|row| row.code).max() {
        Some(USAGE) => Outcome::BadSettings,
        Some(1..) => Outcome::Failed,
        _ => Outcome::Done,
    })
}

/// Every target that is not a file; a file is made by the first run.
async fn targets(settings: &Settings, there: bool, rows: &mut Vec<Row>) {
    let mut settings = settings.clone();
    let all = &mut settings.pipeline.targets;
    let files = all.is_empty() || all.iter().any(|target| target.kind == "outbox");
    if !there {
        all.retain(|target| target.kind != "outbox");
    }
    if files && !there {
        rows.push(Row {
            ok: None,
            ..Row::good("outbox", "a file, not there yet").todo("presswork makes it")
        });
        if all.is_empty() {
            return;
        }
    }
    match compose::targets(&settings) {
        Ok(targets) => {
            for target in targets {
                rows.push(of_target(target.as_ref()).await);
            }
        }
        Err(error) => rows.push(Row::bad("targets", &error, "mend [[target]], or set the variable")),
    }
}

fn of_site(settings: &Settings) -> Row {
    let site = &settings.pipeline.site;
    let row = Row::good("site", format!("{:?} at {}", site.name, site.base_url));
    match settings.sample {
        true => row.todo("this is the built-in sample; [site] and topics in presswork.toml describe yours"),
        false => row,
    }
}

/// Every row is read, as an import would.
fn of_topics(settings: &Settings) -> Row {
    let site = &settings.pipeline.site;
    let count = || -> anyhow::Result<usize> {
        match &settings.topics {
            Some(file) => {
                let name = file.display().to_string();
                let open = std::fs::File::open(file).map_err(|error| BadSettings(format!("{name}: {error}")))?;
                all(Topics::new(&name, open, site)?)
            }
            None if settings.sample => all(Topics::new("sample topics", sample::TOPICS.as_bytes(), site)?),
            None => Ok(0),
        }
    };
    match count() {
        Ok(0) => Row::good("topics", "none").todo("set topics in presswork.toml, or presswork import FILE"),
        Ok(count) => Row::good("topics", format!("{count} rows, all good")),
        Err(error) => Row::bad("topics", &error, "mend the file; nothing of it is imported before"),
    }
}

fn all<R: std::io::Read>(topics: Topics<R>) -> anyhow::Result<usize> {
    let mut count = 0;
    for topic in topics {
        topic?;
        count += 1;
    }
    Ok(count)
}

fn of_schedule(settings: &Settings) -> Row {
    let next = || -> anyhow::Result<String> {
        let now = jiff::Timestamp::now();
        let (_, next) = Schedule::new(&settings.serve)?.next(now, None)?;
        Ok(format!(
            "the next run of serve is at {}",
            next.strftime("%Y-%m-%d %H:%M %Z")
        ))
    };
    match next() {
        Ok(found) => Row::good("schedule", found),
        Err(error) => Row::bad("schedule", &error, "mend [serve]"),
    }
}

/// Store and queue; the store is wanted afterwards.
async fn stores(settings: &Settings, rows: &mut Vec<Row>) -> Option<Arc<dyn ContentStore>> {
    let todo = "look whether the server runs and the address is right; PRESSWORK_STORE and PRESSWORK_QUEUE hold it";
    let store = match compose::store(settings, false).await {
        Ok(store) => match settings.pipeline.site.same_locale(store.as_ref()).await {
            Ok(()) => {
                rows.push(Row::good("store", settings.store.to_string()));
                Some(store)
            }
            Err(error) => {
                rows.push(Row::bad(
                    "store",
                    &error.into(),
                    "give the new language a [site] id of its own",
                ));
                None
            }
        },
        Err(error) => {
            rows.push(Row::bad("store", &error, todo));
            None
        }
    };
    let depth = async {
        let queue = compose::queue(settings, false).await?;
        anyhow::Ok(Inspect::depth(&*queue).await?)
    };
    rows.push(match depth.await {
        Ok(depth) => {
            let row = Row::good(
                "queue",
                format!("{}, {} messages wait", settings.queue, depth.ready + depth.delayed),
            );
            match depth.dead {
                0 => row,
                dead => row.todo(format!(
                    "{dead} dead letters: presswork status says why, presswork redrive puts them back"
                )),
            }
        }
        Err(error) => Row::bad("queue", &error, todo),
    });
    store
}

async fn of_model(settings: &Settings, model: &dyn LanguageModel, store: Option<&dyn ContentStore>) -> Row {
    let what = format!("model {}", model.provider());
    if settings.pipeline.model.provider == "template" {
        return Row::good(what, "writes offline, no model").todo("set [model] in presswork.toml to let a model write");
    }
    let ask = TextRequest::user("Answer with the one word: ready").max_output_tokens(16);
    match model.generate(&ask.timeout(MODEL_TIMEOUT)).await {
        Ok(answer) => {
            if let Some(store) = store {
                let spent = spend::of_answer(&settings.pipeline.poster.campaign, "check", &answer);
                if let Err(error) = store.record_spend(&Op::now(), &[spent]).await {
                    tracing::warn!(%error, "spend is not recorded");
                }
            }
            Row::good(what, format!("{} answers", model.model()))
        }
        Err(error) => Row::bad(
            what,
            &error.into(),
            "look at the key, the name and the quota at the provider",
        ),
    }
}

async fn of_target(target: &dyn SocialTarget) -> Row {
    let what = format!("{} {}", target.network(), target.account());
    match target.check().await {
        Ok(account) => {
            let limits = target.limits();
            let lost = match limits.reconcile {
                Certainty::Exact => "a lost answer is looked up",
                Certainty::Likely => "a lost answer is looked up by its text",
                _ => "a lost answer is for a person to look up",
            };
            let found = format!(
                "posts as {}, up to {} characters; {lost}",
                account.handle, limits.max_text
            );
            Row::good(what, output::plain(&found))
        }
        Err(error) => {
            let todo = match &error {
                SocialError::Config { .. } => "mend the target in presswork.toml",
                SocialError::Unauthenticated { .. } => "make a new token at the network, with the right to post",
                error if error.is_retryable() => "try again later; until then pages are made and their messages wait",
                _ => "look at the account at the network",
            };
            let wrong = matches!(error, SocialError::Config { .. });
            let mut row = Row::bad(what, &error.into(), todo);
            if wrong {
                row.code = USAGE;
            }
            row
        }
    }
}

fn report(common: &Common, rows: &[Row]) -> anyhow::Result<()> {
    if common.json {
        return output::json(&rows);
    }
    let mut lines = Vec::new();
    for row in rows {
        let mark = match row.ok {
            Some(true) => "ok",
            Some(false) => "FAILS",
            None => "not yet",
        };
        lines.push(vec![row.what.clone(), mark.into(), row.found.clone()]);
        // Below and not beside: both may be long, and a terminal is narrow.
        if let Some(todo) = &row.todo {
            lines.push(vec![String::new(), String::new(), format!("→ {todo}")]);
        }
    }
    let heads = ["What", "", "How it stands, and → what to do"];
    output::text(&output::table(&heads, lines, false).to_string())
}
