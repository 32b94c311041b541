//! Commands and flags.

use std::path::PathBuf;

use crate::commands::edit::Wish;
use clap::{ArgAction, Args, Parser, Subcommand};

/// Drafts pages, stores them, queues them and posts them.
///
/// Without a command it does one full cycle: import the topics, draft the next pages, post them, write the site.
/// The first run needs no key, no server and no configuration: it uses a built-in sample site and an offline writer.
#[derive(Debug, Parser)]
#[command(name = "presswork", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// What to do; one full cycle when left out.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Flags every command takes.
    #[command(flatten)]
    pub(crate) common: Common,
}

const EXIT_CODES: &str = "Exit codes: 0 done · 1 failed · 2 wrong usage or configuration · \
3 done, but some pages or posts failed · 4 the data folder is in use by another presswork";

/// Flags every command takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Configuration file [default: presswork.toml when it exists, else the built-in sample]
    #[arg(long, global = true, value_name = "FILE", env = "PRESSWORK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for databases, posts and the site [default: presswork-data beside the configuration file]
    #[arg(long, global = true, value_name = "DIR", env = "PRESSWORK_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Print one JSON document on standard output instead of tables.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more on standard error: -v progress, -vv every step. `RUST_LOG` overrides.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan the topics of a CSV file, or take the rows of a file that `export` wrote (*.jsonl).
    Import {
        /// The file: columns key, slug, keyword and any facts; or rows, when its name ends with .jsonl.
        file: PathBuf,
        /// Plan also topics whose page was public and was deleted.
        #[arg(long)]
        deleted: bool,
    },
    /// Write every row of the store to a file, a line of JSON each.
    Export {
        /// The file, named *.jsonl so that `import` knows it; `-` for standard output.
        file: PathBuf,
    },
    /// Copy every row of the store into another, and compare them.
    Copy {
        /// The other store: sqlite:PATH or postgres://... [default: the variable PRESSWORK_COPY_TO, which may hold a password]
        to: Option<String>,
    },
    /// One cycle without import: draft the next pages, post them, write the site.
    Run {
        /// Pages to draft at most [default: generator.pages_per_run]
        #[arg(long, value_name = "N")]
        pages: Option<u32>,
    },
    /// Stay: draft on a schedule, post as messages come, serve the site on loopback.
    Serve {
        /// Address of the local site [default: serve.listen]
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<std::net::SocketAddr>,
        /// Draft once right away instead of waiting for the schedule.
        #[arg(long)]
        now: bool,
    },
    /// Look whether everything the settings name can be used, and say what to do; posts nothing.
    Check,
    /// Show pages, messages, posts and spend, and what waits for a person.
    Status,
    /// List the pages that wait for review, or give a verdict.
    Review {
        /// The verdict.
        #[command(subcommand)]
        verdict: Option<Verdict>,
    },
    /// Change what a page says; no later draft writes over it.
    Edit {
        /// Slug of the page.
        slug: String,
        /// What is changed.
        #[command(flatten)]
        wish: Wish,
    },
    /// Move a page to another address; the old one leads there.
    Rename {
        /// Slug of the page.
        slug: String,
        /// The new slug.
        to: String,
    },
    /// Delete a page for good; its address says that it is gone.
    Delete {
        /// Slug of the page.
        slug: String,
        /// Really.
        #[arg(long)]
        yes: bool,
    },
    /// Give failed topics, rejected posts and dead letters another chance.
    Redrive {
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Say whether a parked post is on the network: its outcome is unknown, and only a person can tell.
    Resolve {
        /// Slug of the page.
        slug: String,
        /// Network of the post, when the page has parked posts on several.
        #[arg(long)]
        target: Option<String>,
        /// The answer.
        #[command(flatten)]
        answer: Answer,
    },
    /// List posts, newest last.
    Posts {
        /// Only posts of this status, e.g. posted, unknown, rejected.
        #[arg(long)]
        status: Option<String>,
        /// Posts to list at most, the newest.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

/// What a person saw on the network.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Answer {
    /// The post is there, at this address.
    #[arg(long, value_name = "URL")]
    pub(crate) posted: Option<String>,
    /// The post is not there; it is posted with the next run.
    #[arg(long)]
    pub(crate) absent: bool,
}

/// A person's verdict on a page in review.
#[derive(Debug, Subcommand)]
pub(crate) enum Verdict {
    /// Publish pages and queue their posts.
    Approve {
        /// Slugs of the pages.
        #[arg(required_unless_present = "all")]
        slugs: Vec<String>,
        /// Every page in review.
        #[arg(long, conflicts_with = "slugs")]
        all: bool,
    },
    /// Refuse pages.
    Reject {
        /// Slugs of the pages.
        #[arg(required = true)]
        slugs: Vec<String>,
        /// Why; kept with the page.
        #[arg(long)]
        reason: Option<String>,
    },
}
