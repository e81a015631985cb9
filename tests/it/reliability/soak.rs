//! Everything at once, as fast as it goes: 64 clients read, upload, overwrite, remove and copy files into the folder,
//! slow and stalled ones among them. No error, no growth, every digest right, and readers are answered in time.
//!
//! `PKGCTL_TEST_SOAK_SECONDS=1200 cargo test --release --test it -- --nocapture soak` is the long run. From a minute on
//! the times of answers are judged too; before that they are only told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::client::{Connection, Dice, seed, setting};
use crate::support::Testbed;
use crate::support::distributions::{Distribution, sdist, sha256, wheel};
use crate::support::index::{Index, OPEN};
use crate::support::upload::{Form, form_for};

const READERS: u64 = 40;
const UPLOADERS: u64 = 8;
const COPIERS: u64 = 4;
const SLOW: u64 = 6;
const STALLED: u64 = 6;

/// Names of each who changes files, and states that each of them may have.
const NAMES: u64 = 4;
const STATES: u64 = 4;
/// Projects that stay as they are.
const STEADY: u64 = 24;

/// 99 of 100 answers to readers must come within this time.
const MAX_P99: Duration = Duration::from_millis(50);

/// All that may ever be under a name.
struct World {
    steady: Vec<Distribution>,
    large: Distribution,
    /// By who changes them and number; each in all its states.
    changing: Vec<Vec<Vec<Distribution>>>,
    /// Digests by file name.
    sound: BTreeMap<String, BTreeSet<String>>,
}

impl World {
    fn new() -> Self {
        let padding = |number: u64| usize::try_from(1_000 + number * 7_919 % 60_000).unwrap();
        let steady: Vec<Distribution> = (0..STEADY)
            .map(|number| {
                wheel(&format!("steady{number}"), "1.0")
                    .padding(padding(number), number)
                    .build()
            })
            .collect();
        let large = wheel("large", "1.0").padding(8 << 20, 1).build();
        let states = |who: u64, number: u64| -> Vec<Distribution> {
            let build = |state| {
                sdist(&format!("lib{who}x{number}"), "1.0")
                    .padding(padding(who * 31 + number * 7 + state), state)
                    .build()
            };
            (0..STATES).map(build).collect()
        };
        let changing: Vec<Vec<Vec<Distribution>>> = (0..UPLOADERS + COPIERS)
            .map(|who| (0..NAMES).map(|number| states(who, number)).collect())
            .collect();
        let mut sound: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let all = steady
            .iter()
            .chain([&large])
            .chain(changing.iter().flatten().flatten());
        for distribution in all {
            let digests = sound.entry(distribution.filename.clone()).or_default();
            digests.insert(distribution.sha256());
        }
        Self {
            steady,
            large,
            changing,
            sound,
        }
    }

    fn is_sound(&self, filename: &str, digest: &str) -> bool {
        self.sound
            .get(filename)
            .is_some_and(|digests| digests.contains(digest))
    }
}

/// How long answers took, in steps of 50 microseconds up to half a second.
struct Times(Vec<AtomicU64>);

impl Times {
    fn new() -> Self {
        Self((0..10_000).map(|_| AtomicU64::new(0)).collect())
    }

    fn take(&self, begun: Instant) {
        let step = usize::try_from(begun.elapsed().as_micros() / 50).unwrap();
        self.0[step.min(self.0.len() - 1)].fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|step| step.load(Ordering::Relaxed)).sum()
    }

    /// The time that so many of a thousand answers kept.
    fn within(&self, of_a_thousand: u64) -> Duration {
        let mut left = self.count() * of_a_thousand / 1000;
        for (step, count) in self.0.iter().enumerate() {
            let count = count.load(Ordering::Relaxed);
            if count >= left {
                return Duration::from_micros(50 * (step as u64 + 1));
            }
            left -= count;
        }
        Duration::MAX
    }
}

/// What all clients share.
struct Soak<'a> {
    index: &'a Index,
    world: &'a World,
    is_over: AtomicBool,
    times: Times,
    uploads: AtomicU64,
    removals: AtomicU64,
    copies: AtomicU64,
    slow_downloads: AtomicU64,
    stalled: AtomicU64,
    told_to_wait: AtomicU64,
    /// The first thing that went wrong; everybody stops then.
    fault: std::sync::Mutex<Option<String>>,
}

impl Soak<'_> {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn fails(&self, fault: String) {
        self.is_over.store(true, Ordering::Relaxed);
        self.fault.lock().unwrap().get_or_insert(fault);
    }

    fn connection(&self) -> Connection {
        Connection::to(&self.index.server.url)
    }

    fn read(&self, mut dice: Dice) {
        let mut connection = self.connection();
        while self.goes_on() {
            let outcome = match dice.below(3) {
                0 => self.read_steady(&mut connection, &mut dice),
                _ => self.read_changing(&mut connection, &mut dice),
            };
            if let Err(fault) = outcome {
                self.fails(fault);
            }
        }
    }

    /// A request whose answer is waited for.
    fn timed(&self, connection: &mut Connection, path: &str) -> Result<(u16, Vec<u8>), String> {
        let begun = Instant::now();
        let answer = connection.get(path).map_err(|error| format!("{path}: {error}"))?;
        self.times.take(begun);
        Ok(answer)
    }

    fn read_steady(&self, connection: &mut Connection, dice: &mut Dice) -> Result<(), String> {
        let distribution = &self.world.steady[usize::try_from(dice.below(STEADY)).unwrap()];
        let path = format!("/packages/{}", distribution.filename);
        let (status, body) = self.timed(connection, &path)?;
        match status == 200 && body == distribution.bytes {
            true => Ok(()),
            false => Err(format!("{path}: {status}, {} bytes", body.len())),
        }
    }

    /// A page, and the files on it.
    fn read_changing(&self, connection: &mut Connection, dice: &mut Dice) -> Result<(), String> {
        let who = dice.below(UPLOADERS + COPIERS);
        let project = format!("lib{who}x{}", dice.below(NAMES));
        let (status, page) = self.timed(connection, &format!("/simple/{project}/"))?;
        match status {
            404 => return Ok(()),
            // Its only file is being copied anew: nobody must take that for a project that was never here.
            503 if who >= UPLOADERS && String::from_utf8_lossy(&page).contains("being written right now") => {
                self.told_to_wait.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            _ => {}
        }
        let page: serde_json::Value = serde_json::from_slice(&page)
            .map_err(|_| format!("{project}: {status}, {}", String::from_utf8_lossy(&page)))?;
        for file in page["files"].as_array().into_iter().flatten() {
            let filename = file["filename"].as_str().unwrap_or_default();
            let listed = file["hashes"]["sha256"].as_str().unwrap_or_default();
            if !self.world.is_sound(filename, listed) {
                return Err(format!("{filename} is listed with {listed}"));
            }
            let (status, body) = self.timed(connection, &format!("/packages/{filename}"))?;
            match status {
                // It has gone since.
                404 => {}
                // It is being copied anew.
                503 if who >= UPLOADERS => {
                    self.told_to_wait.fetch_add(1, Ordering::Relaxed);
                }
                200 if self.world.is_sound(filename, &sha256(&body)) => {}
                _ => return Err(format!("{filename}: {status}, {} bytes", body.len())),
            }
        }
        Ok(())
    }

    fn upload(&self, who: u64, mut dice: Dice) {
        let mut connection = self.connection();
        let names = &self.world.changing[usize::try_from(who).unwrap()];
        let mut is_there = vec![false; names.len()];
        while self.goes_on() {
            let number = usize::try_from(dice.below(NAMES)).unwrap();
            let is_removed = is_there[number] && dice.below(4) == 0;
            let answer = if is_removed {
                connection.remove(&format!("lib{who}x{number}"), "1.0")
            } else {
                let state = usize::try_from(dice.below(STATES)).unwrap();
                connection.post(&form_for(&names[number][state]))
            };
            match answer {
                Ok(200) => is_there[number] = !is_removed,
                other => self.fails(format!("uploader {who}: {other:?}")),
            }
            let counter = if is_removed { &self.removals } else { &self.uploads };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Copies files into the folder as `cp`, `rsync` and `mv` do, and removes them.
    fn copy(&self, who: u64, mut dice: Dice) {
        let names = &self.world.changing[usize::try_from(who).unwrap()];
        while self.goes_on() {
            let number = usize::try_from(dice.below(NAMES)).unwrap();
            let state = usize::try_from(dice.below(STATES)).unwrap();
            let distribution = &names[number][state];
            let path = self.index.stored(&distribution.filename);
            match dice.below(3) {
                0 => drop(fs::remove_file(&path)),
                1 => {
                    let _ = fs::remove_file(&path);
                    let mut file = fs::File::create(&path).unwrap();
                    for piece in distribution.bytes.chunks(16 * 1024) {
                        file.write_all(piece).unwrap();
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                _ => {
                    let hidden = path.with_file_name(format!(".{}.Xy12Z", distribution.filename));
                    fs::write(&hidden, &distribution.bytes).unwrap();
                    fs::rename(&hidden, &path).unwrap();
                }
            }
            self.copies.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(5 + dice.below(20)));
        }
    }

    /// Takes a large file in small sips.
    fn sip(&self) {
        let address = self.index.server.url.strip_prefix("http://").unwrap();
        while self.goes_on() {
            let mut stream = TcpStream::connect(address).unwrap();
            let head = format!(
                "GET /packages/{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                self.world.large.filename
            );
            stream.write_all(head.as_bytes()).unwrap();
            let (mut answer, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
            while self.goes_on() {
                match stream.read(&mut piece) {
                    Ok(0) => break,
                    Ok(length) => answer.extend(&piece[..length]),
                    Err(error) => return self.fails(format!("a slow client: {error}")),
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            if self.goes_on() {
                if !answer.ends_with(&self.world.large.bytes) {
                    self.fails(format!("a slow client has {} bytes", answer.len()));
                }
                self.slow_downloads.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Begins something and leaves it there.
    fn stall(&self, mut dice: Dice) {
        let address = self.index.server.url.strip_prefix("http://").unwrap();
        let body = form_for(&self.world.large).body();
        let beginnings = [
            String::new(),
            "GET /simple/ HTTP/1.1\r\nHost: x\r\nX-Never".to_owned(),
            format!(
                "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
                Form::content_type(),
                body.len()
            ),
        ];
        while self.goes_on() {
            let kind = usize::try_from(dice.below(3)).unwrap();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(beginnings[kind].as_bytes()).unwrap();
            if kind == 2 {
                let _ = stream.write_all(&body[..usize::try_from(dice.below(1 << 20)).unwrap()]);
            }
            self.stalled.fetch_add(1, Ordering::Relaxed);
            let until = Instant::now() + Duration::from_millis(500 + dice.below(15_000));
            while self.goes_on() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// Resident memory in KiB and open descriptors.
    fn size(&self) -> (u64, u64) {
        let process = format!("/proc/{}", self.index.server.id());
        let status = fs::read_to_string(format!("{process}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kib = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let descriptors = fs::read_dir(format!("{process}/fd")).unwrap().count();
        (kib, descriptors as u64)
    }

    /// The largest sizes of a time.
    fn watch(&self, time: Duration) -> (u64, u64) {
        let until = Instant::now() + time;
        let mut largest = (0, 0);
        while self.goes_on() && Instant::now() < until {
            let now = self.size();
            largest = (largest.0.max(now.0), largest.1.max(now.1));
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
    for distribution in world.steady.iter().chain([&world.large]) {
        index.copy_in(distribution);
    }
    let soak = Soak {
        index: &index,
        world: &world,
        is_over: AtomicBool::new(false),
        times: Times::new(),
        uploads: AtomicU64::new(0),
        removals: AtomicU64::new(0),
        copies: AtomicU64::new(0),
        slow_downloads: AtomicU64::new(0),
        stalled: AtomicU64::new(0),
        told_to_wait: AtomicU64::new(0),
        fault: std::sync::Mutex::default(),
    };
    soak.connection().get("/simple/").unwrap();
    let (_, idle_descriptors) = soak.size();
    let third = Duration::from_secs(seconds) / 3;
    let (warm, late) = std::thread::scope(|scope| {
        let mut dice = Dice::new(seed);
        let mut next = || Dice::new(dice.next());
        let soak = &soak;
        for _ in 0..READERS {
            let dice = next();
            scope.spawn(move || soak.read(dice));
        }
        for who in 0..UPLOADERS {
            let dice = next();
            scope.spawn(move || soak.upload(who, dice));
        }
        for who in UPLOADERS..UPLOADERS + COPIERS {
            let dice = next();
            scope.spawn(move || soak.copy(who, dice));
        }
        for _ in 0..SLOW {
            scope.spawn(move || soak.sip());
        }
        for _ in 0..STALLED {
            let dice = next();
            scope.spawn(move || soak.stall(dice));
        }
        soak.watch(third);
        let warm = soak.watch(third);
        let late = soak.watch(third);
        soak.is_over.store(true, Ordering::Relaxed);
        (warm, late)
    });
    tell(&soak, warm, late);
    if let Some(fault) = soak.fault.lock().unwrap().take() {
        // What the server says of it may be on its way.
        std::thread::sleep(Duration::from_millis(500));
        panic!("{fault}\n{}", last_lines(&index.server.log()));
    }
    judge(&soak, seconds, idle_descriptors, warm, late);
}

fn tell(soak: &Soak<'_>, warm: (u64, u64), late: (u64, u64)) {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    eprintln!(
        "soak: {} reads, {} uploads, {} removals, {} copies and removals by hand, {} slow downloads, {} stalled, \
         {} told to wait",
        soak.times.count(),
        count(&soak.uploads),
        count(&soak.removals),
        count(&soak.copies),
        count(&soak.slow_downloads),
        count(&soak.stalled),
        count(&soak.told_to_wait)
    );
    eprintln!(
        "soak: reads p50 {:?}, p90 {:?}, p99 {:?}, p99.9 {:?}; memory {} then {} KiB, descriptors {} then {}",
        soak.times.within(500),
        soak.times.within(900),
        soak.times.within(990),
        soak.times.within(999),
        warm.0,
        late.0,
        warm.1,
        late.1
    );
}

fn judge(soak: &Soak<'_>, seconds: u64, idle_descriptors: u64, warm: (u64, u64), late: (u64, u64)) {
    let log = soak.index.server.log();
    // What is copied in over an old file is not there while it is written, and whoever asks for it is told so.
    let is_bad = |line: &&str| {
        (line.contains("ERROR") && !line.contains("is being written right now")) || line.contains("panicked")
    };
    let bad: Vec<&str> = log.lines().filter(is_bad).take(20).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    // What was read last is what the folder holds: nothing is forgotten, nothing lies about.
    for name in soak.index.leftovers() {
        let digest = sha256(&fs::read(soak.index.stored(&name)).unwrap_or_default());
        assert!(soak.world.is_sound(&name, &digest), "{name} lies about");
    }
    let begun = Instant::now();
    while soak.size().1 > idle_descriptors + 32 {
        assert!(
            begun.elapsed().as_secs() < 30,
            "{} descriptors, {idle_descriptors} before",
            soak.size().1
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    if seconds < 60 {
        return;
    }
    assert!(
        late.0 < warm.0 + (warm.0 / 10).max(16 * 1024),
        "memory grows: {} then {} KiB",
        warm.0,
        late.0
    );
    assert!(
        late.1 <= warm.1 + 16,
        "descriptors grow: {} then {}",
        warm.1,
        late.1
    );
    let p99 = soak.times.within(990);
    assert!(p99 < MAX_P99, "99 of 100 reads take up to {p99:?}");
}

fn last_lines(log: &str) -> String {
    let is_routine = |line: &str| line.contains("INFO") || line.contains(" DEBUG ");
    let lines: Vec<&str> = log.lines().filter(|line| !is_routine(line)).collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
