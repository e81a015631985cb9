//! Everything at once, as fast as it goes: 64 clients read, upload, overwrite, remove and copy files into the folder,
//! slow and stalled ones among them. No error, no growth, every digest right, and readers are answered in time.
//!
//! `PKGCTL_TEST_SOAK_SECONDS=1200 cargo test --release --test it -- --nocapture soak` is the long run;
//! `PKGCTL_TEST_BINARY=/path/to/pkgctl` makes it one of a binary that is there. From a minute on the times of answers and
//! the growth are judged too; before that they are only told.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::client::{Dice, seed, setting};
use crate::support::Testbed;
use crate::support::distributions::sha256;
use crate::support::index::{Index, OPEN};
use clients::Soak;
use world::World;

mod clients;
mod times;
mod world;

/// 99 of 100 answers to witnesses must come within this time.
const MAX_P99: Duration = Duration::from_millis(50);

/// The largest that the server's process has been in a time.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    resident_kib: u64,
    descriptors: u64,
}

impl Size {
    fn of(index: &Index) -> Self {
        let process = format!("/proc/{}", index.server.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        Self {
            resident_kib: line.split_whitespace().nth(1).unwrap().parse().unwrap(),
            descriptors: fs::read_dir(format!("{process}/fd")).unwrap().count() as u64,
        }
    }

    /// The largest in the time to come, which ends when the clients do.
    fn within(time: Duration, soak: &Soak<'_>) -> Self {
        let until = Instant::now() + time;
        let mut largest = Self::default();
        while soak.goes_on() && Instant::now() < until {
            let now = Self::of(soak.index);
            largest.resident_kib = largest.resident_kib.max(now.resident_kib);
            largest.descriptors = largest.descriptors.max(now.descriptors);
            std::thread::sleep(Duration::from_millis(100));
        }
        largest
    }
}

#[test]
fn sixty_four_clients_at_once_find_no_fault() {
    let seconds = setting("PKGCTL_TEST_SOAK_SECONDS", 6);
    let seed = seed();
    eprintln!("soak: {seconds} seconds, PKGCTL_TEST_SEED={seed}");
    let world = World::new();
    let index = Index::start(
        Testbed::new(),
        &[&OPEN[..], &["--overwrite", "--keep-free", "1M"]].concat(),
    );
    index.server.forget_routine();
    for distribution in world.steady.iter().chain([&world.large]) {
        index.copy_in(distribution);
    }
    let soak = Soak::new(&index, &world);
    index.get("/simple/", &[]).expect(200);
    let idle = Size::of(&index);
    let third = Duration::from_secs(seconds) / 3;
    let outcome = soak.run(Dice::new(seed), || {
        Size::within(third, &soak);
        [Size::within(third, &soak), Size::within(third, &soak)]
    });
    let [warm, late] = outcome.unwrap_or_else(|fault| {
        // What the server says of it may be on its way.
        std::thread::sleep(Duration::from_millis(500));
        panic!("{fault}\n{}", last_lines(&index.server.log()));
    });
    tell(&soak, warm, late);
    assert_no_trouble_was_logged(&index);
    assert_folder_and_pages_agree(&soak);
    assert_descriptors_are_given_back(&index, idle);
    if seconds >= 60 {
        judge(&soak, warm, late);
    }
}

fn tell(soak: &Soak<'_>, warm: Size, late: Size) {
    let told = &soak.told;
    eprintln!("soak, as clients saw it who had the processors when nobody else wanted them:");
    for (name, times) in [
        ("pages", &told.pages),
        ("files", &told.files),
        ("uploads", &told.uploads),
        ("removals", &told.removals),
    ] {
        eprintln!("  {name:9} {times}");
    }
    eprintln!(
        "soak, as witnesses saw it who asked at their own pace:\n  reads     {}",
        told.witnessed
    );
    eprintln!("soak, as the server counted its own work:");
    let metrics = soak.index.get("/metrics", &[]).expect(200).text();
    for (name, family, labels) in [
        ("pages", "http_request", "kind=\"project\",status=\"2xx\""),
        ("files", "http_request", "kind=\"file\",status=\"2xx\""),
        ("uploads", "http_request", "kind=\"upload\",status=\"2xx\""),
        ("reads of the catalog", "catalog", "work=\"read\""),
        ("writes of the catalog", "catalog", "work=\"write\""),
        ("files read for their facts", "file_reading", ""),
    ] {
        if let Some((count, half, most)) = times::told_by_the_server(&metrics, family, labels) {
            eprintln!("  {name:27} {count:>9}  p50 <= {half} s  p99 <= {most} s");
        }
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    eprintln!(
        "soak: {} copies and removals by hand, {} slow downloads, {} stalled, {} told to wait; memory {} then {} KiB, \
         descriptors {} then {}",
        count(&told.copies),
        count(&told.slow_downloads),
        count(&told.stalled),
        count(&told.told_to_wait),
        warm.resident_kib,
        late.resident_kib,
        warm.descriptors,
        late.descriptors
    );
}

fn assert_no_trouble_was_logged(index: &Index) {
    let log = index.server.log();
    // What is copied in over an old file is not there while it is written, and whoever asks for it is told so.
    let is_bad = |line: &&str| {
        (line.contains("ERROR") && !line.contains("is being written right now")) || line.contains("panicked")
    };
    let bad: Vec<&str> = log.lines().filter(is_bad).take(20).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// What uploaders were told last is so, nothing else lies about, and pages show what lies there.
fn assert_folder_and_pages_agree(soak: &Soak<'_>) {
    let index = soak.index;
    let digest_of = |name: &str| fs::read(index.stored(name)).ok().map(|bytes| sha256(&bytes));
    for (filename, acknowledged) in soak.acknowledged.lock().unwrap().iter() {
        assert_eq!(&digest_of(filename), acknowledged, "{filename}");
    }
    for name in index.leftovers() {
        let digest = digest_of(&name).unwrap_or_default();
        assert!(soak.world.is_sound(&name, &digest), "{name} lies about");
        let project = name.split('-').next().unwrap();
        let page = index.page(project);
        let is_it = |file: &&serde_json::Value| file["filename"] == *name;
        let listed = page["files"].as_array().unwrap().iter().find(is_it);
        assert_eq!(listed.unwrap()["hashes"]["sha256"], *digest, "{name}");
    }
}

fn assert_descriptors_are_given_back(index: &Index, idle: Size) {
    let begun = Instant::now();
    while Size::of(index).descriptors > idle.descriptors + 32 {
        let now = Size::of(index);
        assert!(begun.elapsed().as_secs() < 30, "{now:?}, {idle:?} before");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn judge(soak: &Soak<'_>, warm: Size, late: Size) {
    assert!(
        late.resident_kib < warm.resident_kib + (warm.resident_kib / 10).max(16 * 1024),
        "memory grows: {warm:?}, then {late:?}"
    );
    assert!(
        late.descriptors <= warm.descriptors + 16,
        "descriptors grow: {warm:?}, then {late:?}"
    );
    let p99 = soak.told.witnessed.within(990);
    assert!(p99 < MAX_P99, "99 of 100 reads take up to {p99:?}");
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
