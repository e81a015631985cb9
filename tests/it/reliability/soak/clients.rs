//! Sixty-four clients of every manner. Each goes on until the time is over or somebody has found a fault.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::times::Times;
use super::world::{COPIERS, NAMES, STATES, STEADY, UPLOADERS, World};
use crate::reliability::client::{Connection, Dice};
use crate::support::distributions::sha256;
use crate::support::index::Index;
use crate::support::upload::{Form, form_for};

/// Those who read as fast as they get answers.
const READERS: u64 = 36;
/// Those who read at a pace that a busy server can keep, and measure it.
const WITNESSES: u32 = 4;
const SLOW: u64 = 6;
const STALLED: u64 = 6;

/// A witness sends its next request this long after the last, or as soon as that is answered.
const PACE: Duration = Duration::from_millis(20);

/// What all clients share.
pub(super) struct Soak<'a> {
    pub(super) index: &'a Index,
    pub(super) world: &'a World,
    is_over: AtomicBool,
    /// The first thing that went wrong; everybody stops then.
    fault: Mutex<Option<String>>,
    /// Digests by name of what uploaders were told is stored; none for what was removed.
    pub(super) acknowledged: Mutex<BTreeMap<String, Option<String>>>,
    pub(super) told: Told,
}

/// What the clients have to tell afterwards.
pub(super) struct Told {
    pub(super) witnessed: Times,
    pub(super) pages: Times,
    pub(super) files: Times,
    pub(super) uploads: Times,
    pub(super) removals: Times,
    pub(super) copies: AtomicU64,
    pub(super) slow_downloads: AtomicU64,
    pub(super) stalled: AtomicU64,
    pub(super) told_to_wait: AtomicU64,
}

impl<'a> Soak<'a> {
    pub(super) fn new(index: &'a Index, world: &'a World) -> Self {
        Self {
            index,
            world,
            is_over: AtomicBool::new(false),
            fault: Mutex::default(),
            acknowledged: Mutex::default(),
            told: Told {
                witnessed: Times::new(),
                pages: Times::new(),
                files: Times::new(),
                uploads: Times::new(),
                removals: Times::new(),
                copies: AtomicU64::new(0),
                slow_downloads: AtomicU64::new(0),
                stalled: AtomicU64::new(0),
                told_to_wait: AtomicU64::new(0),
            },
        }
    }

    /// All clients at once, while this thread does something else, whose end is the end of them all.
    pub(super) fn run<T>(&self, mut dice: Dice, meanwhile: impl FnOnce() -> T) -> Result<T, String> {
        let outcome = std::thread::scope(|scope| {
            let mut next = || Dice::new(dice.next());
            for number in 0..WITNESSES {
                let dice = next();
                scope.spawn(move || self.witness(number, dice));
            }
            for _ in 0..READERS {
                let dice = next();
                scope.spawn(move || self.read(dice));
            }
            for who in 0..UPLOADERS {
                let dice = next();
                scope.spawn(move || self.upload(who, dice));
            }
            for who in UPLOADERS..UPLOADERS + COPIERS {
                let dice = next();
                scope.spawn(move || self.copy(who, dice));
            }
            for _ in 0..SLOW {
                scope.spawn(|| self.sip());
            }
            for _ in 0..STALLED {
                let dice = next();
                scope.spawn(move || self.stall(dice));
            }
            let outcome = meanwhile();
            self.is_over.store(true, Ordering::Relaxed);
            outcome
        });
        self.fault.lock().unwrap().take().map_or(Ok(outcome), Err)
    }

    pub(super) fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn fails(&self, fault: String) {
        self.is_over.store(true, Ordering::Relaxed);
        self.fault.lock().unwrap().get_or_insert(fault);
    }

    fn read(&self, dice: Dice) {
        yield_to_the_server();
        self.read_on(Reader {
            soak: self,
            connection: self.connection(),
            dice,
            next_turn: None,
        });
    }

    /// Asks at a pace of its own; who waits for an answer stands for those who would have asked in the meantime.
    fn witness(&self, number: u32, dice: Dice) {
        self.read_on(Reader {
            soak: self,
            connection: self.connection(),
            dice,
            next_turn: Some(Instant::now() + PACE * number / WITNESSES),
        });
    }

    fn read_on(&self, mut reader: Reader<'_>) {
        while self.goes_on() {
            let outcome = match reader.dice.below(3) {
                0 => reader.read_steady(),
                _ => reader.read_changing(),
            };
            if let Err(fault) = outcome {
                self.fails(fault);
            }
        }
    }

    fn connection(&self) -> Connection {
        Connection::to(&self.index.server.url)
    }

    fn upload(&self, who: u64, mut dice: Dice) {
        yield_to_the_server();
        let mut connection = self.connection();
        let names = &self.world.changing[usize::try_from(who).unwrap()];
        let mut is_there = vec![false; names.len()];
        while self.goes_on() {
            let number = usize::try_from(dice.below(NAMES)).unwrap();
            let is_removed = is_there[number] && dice.below(4) == 0;
            let sent = &names[number][usize::try_from(dice.below(STATES)).unwrap()];
            let form = form_for(sent);
            let begun = Instant::now();
            let answer = match is_removed {
                true => connection.remove(&format!("lib{who}x{number}"), "1.0"),
                false => connection.post(&form),
            };
            match answer {
                Ok(200) => is_there[number] = !is_removed,
                other => return self.fails(format!("uploader {who}: {other:?}")),
            }
            let times = if is_removed {
                &self.told.removals
            } else {
                &self.told.uploads
            };
            times.take_since(begun);
            let digest = (!is_removed).then(|| sent.sha256());
            self.acknowledged
                .lock()
                .unwrap()
                .insert(sent.filename.clone(), digest);
        }
    }

    /// Copies files into the folder as `cp`, `rsync` and `mv` do, and removes them.
    fn copy(&self, who: u64, mut dice: Dice) {
        yield_to_the_server();
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
            self.told.copies.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(5 + dice.below(20)));
        }
    }

    /// Takes a large file in small sips.
    fn sip(&self) {
        yield_to_the_server();
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
                self.told.slow_downloads.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Begins something and leaves it there.
    fn stall(&self, mut dice: Dice) {
        yield_to_the_server();
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
            self.told.stalled.fetch_add(1, Ordering::Relaxed);
            let until = Instant::now() + Duration::from_millis(500 + dice.below(15_000));
            while self.goes_on() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// One who reads pages, and the files on them.
struct Reader<'a> {
    soak: &'a Soak<'a>,
    connection: Connection,
    dice: Dice,
    /// When a witness asks again; the others never wait.
    next_turn: Option<Instant>,
}

impl Reader<'_> {
    /// A request whose answer is waited for.
    fn ask(&mut self, times: &Times, path: &str) -> Result<(u16, Vec<u8>), String> {
        if let Some(turn) = self.next_turn {
            std::thread::sleep(turn.saturating_duration_since(Instant::now()));
        }
        let begun = Instant::now();
        let answer = self.connection.get(path);
        if self.next_turn.is_some() {
            self.soak.told.witnessed.take_for_all_since(begun, PACE);
            self.next_turn = Some(begun + PACE);
        } else {
            times.take_since(begun);
        }
        answer.map_err(|error| format!("{path}: {error}"))
    }

    fn read_steady(&mut self) -> Result<(), String> {
        let distribution = &self.soak.world.steady[usize::try_from(self.dice.below(STEADY)).unwrap()];
        let path = format!("/packages/{}", distribution.filename);
        let (status, body) = self.ask(&self.soak.told.files, &path)?;
        match status == 200 && body == distribution.bytes {
            true => Ok(()),
            false => Err(format!("{path}: {status}, {} bytes", body.len())),
        }
    }

    /// A page, and the files on it.
    fn read_changing(&mut self) -> Result<(), String> {
        let soak = self.soak;
        let who = self.dice.below(UPLOADERS + COPIERS);
        let project = format!("lib{who}x{}", self.dice.below(NAMES));
        let (status, page) = self.ask(&soak.told.pages, &format!("/simple/{project}/"))?;
        match status {
            404 => return Ok(()),
            // Its only file is being copied anew: nobody must take that for a project that was never here.
            503 if who >= UPLOADERS && String::from_utf8_lossy(&page).contains("being written right now") => {
                soak.told.told_to_wait.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            _ => {}
        }
        let page: serde_json::Value = serde_json::from_slice(&page)
            .map_err(|_| format!("{project}: {status}, {}", String::from_utf8_lossy(&page)))?;
        for file in page["files"].as_array().into_iter().flatten() {
            let filename = file["filename"].as_str().unwrap_or_default();
            let listed = file["hashes"]["sha256"].as_str().unwrap_or_default();
            if !soak.world.is_sound(filename, listed) {
                return Err(format!("{filename} is listed with {listed}"));
            }
            let (status, body) = self.ask(&soak.told.files, &format!("/packages/{filename}"))?;
            match status {
                // It has gone since.
                404 => {}
                // It is being copied anew.
                503 if who >= UPLOADERS => {
                    soak.told.told_to_wait.fetch_add(1, Ordering::Relaxed);
                }
                200 if soak.world.is_sound(filename, &sha256(&body)) => {}
                _ => return Err(format!("{filename}: {status}, {} bytes", body.len())),
            }
        }
        Ok(())
    }
}

/// In earnest, clients have machines of their own; here this thread leaves the processors to the server and to the
/// witnesses when they want them.
fn yield_to_the_server() {
    let _ = rustix::process::nice(10);
}
