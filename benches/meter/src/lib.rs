//! What every bench program shares: an allocator that counts, and one way to report.
//!
//! A program is one scenario per process. It takes `<scenario> <n> [more]`, does the scenario's work `n` times and prints
//! one JSON object. Instructions are counted from outside, as the difference of two runs with different `n`.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Calls to `alloc`, `alloc_zeroed` and `realloc`.
static CALLS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn grown(by: i64) {
    CALLS.fetch_add(1, Relaxed);
    let live = LIVE.fetch_add(by, Relaxed) + by;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size() as i64);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        grown(size as i64 - layout.size() as i64);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

/// How often the process has asked for memory so far.
pub fn allocations() -> u64 {
    CALLS.load(Relaxed)
}

/// Bytes asked for and not given back.
pub fn live() -> i64 {
    LIVE.load(Relaxed)
}

/// The most that was ever live since the last [`reset_peak`].
pub fn peak() -> i64 {
    PEAK.load(Relaxed)
}

/// Starts [`peak`] anew from what is live.
pub fn reset_peak() {
    PEAK.store(live(), Relaxed);
}

/// CPU time of the process, all its threads, user and system: what a busy neighbour disturbs less than the wall clock.
pub fn cpu() -> Duration {
    // Fields 14 and 15 of /proc/self/stat are ticks of 10 ms; schedstat has nanoseconds but per thread.
    let threads = std::fs::read_dir("/proc/self/task").map(|tasks| {
        tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
            .sum()
    });
    Duration::from_nanos(threads.unwrap_or(0))
}

/// The command line: scenario, count, and whatever the program wants beside.
pub struct Args {
    pub scenario: String,
    pub n: u64,
    pub rest: Vec<String>,
}

impl Args {
    pub fn read() -> Self {
        let mut args = std::env::args().skip(1);
        let scenario = args.next().expect("usage: <scenario> <n> [more]");
        let n = args
            .next()
            .and_then(|n| n.parse().ok())
            .expect("usage: <scenario> <n> [more]");
        Self {
            scenario,
            n,
            rest: args.collect(),
        }
    }
}

/// What one run gave; printed as one JSON object.
#[derive(Default)]
pub struct Report(BTreeMap<&'static str, f64>);

impl Report {
    pub fn set(mut self, name: &'static str, value: f64) -> Self {
        self.0.insert(name, value);
        self
    }

    pub fn print(&self) {
        let fields: Vec<_> = self.0.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        println!("{{{}}}", fields.join(","));
    }
}

/// Allocations, wall and CPU nanoseconds from here to [`per`](Meter::per).
pub struct Meter {
    allocations: u64,
    cpu: Duration,
    start: Instant,
}

impl Meter {
    pub fn start() -> Self {
        // Reading the CPU time allocates; that is nobody's work.
        let cpu = cpu();
        Self {
            allocations: allocations(),
            cpu,
            start: Instant::now(),
        }
    }

    /// The costs so far, for one of `n`.
    pub fn per(&self, n: u64) -> Report {
        let (wall, allocations) = (self.start.elapsed(), allocations() - self.allocations);
        let cpu = cpu().saturating_sub(self.cpu);
        let n = n.max(1) as f64;
        Report::default()
            .set("allocations", allocations as f64 / n)
            .set("wall_ns", wall.as_nanos() as f64 / n)
            .set("cpu_ns", cpu.as_nanos() as f64 / n)
    }
}
