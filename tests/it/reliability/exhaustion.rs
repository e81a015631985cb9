//! Nothing left of something: space, descriptors, rights, time. D3, D14, D17, A24.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::http::get;
use crate::support::index::{Index, OPEN, sha256_of};
use crate::support::testbed::Server;
use crate::support::tools;
use crate::support::upload::{Form, form_for, upload};
use crate::support::{Testbed, debian};

const MIB: usize = 1 << 20;

/// A server on small disks of its own, mounted where only it sees them.
struct SmallDisk {
    server: Server,
    /// The packages folder as the server sees it.
    folder: PathBuf,
    _testbed: Testbed,
}

impl SmallDisk {
    /// One disk of `size` for the packages, and one for the state folder where `state_size` is given. `None` where
    /// nothing can be mounted, which counts as a failure where tools are required.
    fn mounted(size: &str, state_size: Option<&str>, flags: &str) -> Option<Self> {
        if !tools::can_mount() {
            return None;
        }
        let testbed = Testbed::new();
        let (folder, state) = (testbed.path("packages"), testbed.path("state"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(&state).unwrap();
        let of_state = state_size.map_or_else(String::new, |size| {
            format!(" && mount -t tmpfs -o size={size} none \"$2\"")
        });
        let state_flag = state_size.map_or("", |_| "--state-dir \"$2\"");
        let script = format!(
            "mount -t tmpfs -o size={size} none \"$1\"{of_state} && exec \"$0\" serve -p 0 -i 127.0.0.1 \
             --disable-fallback -P . -a . {flags} {state_flag} \"$1\""
        );
        let mut command = testbed.program("unshare");
        command
            .args(["-rm", "sh", "-c", &script, crate::support::binary()])
            .args([&folder, &state]);
        let server = Server::start(command);
        let folder = PathBuf::from(format!("/proc/{}/root{}", server.id(), folder.display()));
        Some(Self {
            server,
            folder,
            _testbed: testbed,
        })
    }

    /// Everything in the packages folder, but for the catalog.
    fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for folder in [self.folder.clone(), self.folder.join(".pkgctl/incoming")] {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name != ".pkgctl" && name != ".filler" {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }

    #[track_caller]
    fn assert_serves(&self, distribution: &Distribution) {
        let path = format!("/packages/{}", distribution.filename);
        let reply = get(&self.server.url, &path, &[]).expect(200);
        assert!(reply.body == distribution.bytes, "{path}");
    }

    /// Refused with 507 and a sentence that says so; what is there is served, and nothing is left behind.
    #[track_caller]
    fn assert_no_space_for(&self, refused: &Distribution, there: &Distribution) {
        let reply = upload(&self.server.url, refused).expect(507);
        assert!(reply.text().contains("space"), "{}", reply.text());
        self.assert_serves(there);
        let name = refused.filename.split('-').next().unwrap();
        get(&self.server.url, &format!("/simple/{name}/"), &[]).expect(404);
        assert_eq!(self.files(), std::slice::from_ref(&there.filename));
    }
}

/// Leaves `rest` bytes of the disk free.
fn fill(folder: &Path, rest: usize) {
    let mut filler = fs::File::create(folder.join(".filler")).unwrap();
    while filler.write_all(&[0x55; 4096]).is_ok() {}
    let length = filler.metadata().unwrap().len();
    filler.set_len(length.saturating_sub(rest as u64)).unwrap();
}

fn padded(name: &str, bytes: usize) -> Distribution {
    wheel(name, "1.0").padding(bytes, 3).build()
}

// D3: there is room enough when it begins, and none when the bytes have come.
#[test]
fn a_disk_that_fills_while_the_bytes_come_is_told() {
    let Some(disk) = SmallDisk::mounted("16m", None, "--keep-free 0") else {
        return;
    };
    let (there, large) = (padded("there", MIB), padded("large", 6 * MIB));
    upload(&disk.server.url, &there).expect(200);
    let body = form_for(&large).body();
    let mut client = TcpStream::connect(disk.server.url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        Form::content_type(),
        body.len()
    );
    client.write_all(head.as_bytes()).unwrap();
    client.write_all(&body[..2 * MIB]).unwrap();
    let begun = Instant::now();
    while disk.files().len() < 2 {
        assert!(begun.elapsed().as_secs() < 20, "the spool never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    fill(&disk.folder, 512 * 1024);
    let _ = client.write_all(&body[2 * MIB..]);
    let mut answer = String::new();
    let _ = client.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 507"), "{answer}");
    assert!(answer.contains("space"), "{answer}");
    disk.assert_no_space_for(&large, &there);
    fs::remove_file(disk.folder.join(".filler")).unwrap();
    upload(&disk.server.url, &large).expect(200);
    disk.assert_serves(&large);
}

// D3: the spool fits, but beside it there is no room for the copy on the packages' own disk.
#[test]
fn a_disk_that_is_full_when_the_file_gets_its_name_is_told() {
    let Some(disk) = SmallDisk::mounted("8m", Some("64m"), "--keep-free 1") else {
        return;
    };
    let (there, large) = (padded("there", MIB), padded("large", 3 * MIB));
    upload(&disk.server.url, &there).expect(200);
    // Enough by the announcement, and then something else takes it: what is announced is held against both disks, so
    // the form is sent in pieces of unknown length.
    fill(&disk.folder, MIB);
    let body = form_for(&large).body();
    let mut chunked = Vec::new();
    for piece in body.chunks(100_000) {
        chunked.extend(format!("{:x}\r\n", piece.len()).bytes());
        chunked.extend(piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let send = || {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
            Form::content_type()
        );
        crate::support::http::raw(&disk.server.url, &[head.as_bytes(), &chunked].concat())
    };
    let reply = send().expect(507);
    assert!(reply.text().contains("space"), "{}", reply.text());
    disk.assert_no_space_for(&large, &there);
    fs::remove_file(disk.folder.join(".filler")).unwrap();
    send().expect(200);
    disk.assert_serves(&large);
}

// D3: the file is in its place, but the catalog can't take note of it: it must not stay.
#[test]
fn a_disk_that_has_no_room_for_the_catalog_is_told() {
    let Some(disk) = SmallDisk::mounted("64m", Some("2m"), "--keep-free 1") else {
        return;
    };
    let there = padded("there", 1000);
    upload(&disk.server.url, &there).expect(200);
    let state = PathBuf::from(disk.folder.to_str().unwrap().replace("/packages", "/state"));
    // So little that the spool fits, and nothing else does.
    let mut refused = 0;
    for rest in [8192, 12288, 16384, 20480, 24576] {
        fill(&state, rest);
        let more = sdist(&format!("more{rest}"), "1.0").build();
        match upload(&disk.server.url, &more).status {
            507 => {
                refused += 1;
                get(&disk.server.url, &format!("/simple/more{rest}/"), &[]).expect(404);
                assert!(!disk.folder.join(&more.filename).exists());
            }
            status => assert_eq!(status, 200, "{rest}"),
        }
        disk.assert_serves(&there);
    }
    assert!(refused > 0);
    fs::remove_file(state.join(".filler")).unwrap();
    let begun = Instant::now();
    while upload(&disk.server.url, &sdist("later", "1.0").build()).status != 200 {
        assert!(begun.elapsed().as_secs() < 30, "{}", disk.server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

// D3: each fits alone, and both together do not.
#[test]
fn announced_uploads_are_summed_against_the_free_space() {
    let Some(disk) = SmallDisk::mounted("16m", None, "--keep-free 1M") else {
        return;
    };
    let one = padded("one", 9 * MIB);
    let body = form_for(&one).body();
    let mut stalled = TcpStream::connect(disk.server.url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        Form::content_type(),
        body.len()
    );
    stalled.write_all(head.as_bytes()).unwrap();
    stalled.write_all(&body[..5 * MIB]).unwrap();
    let begun = Instant::now();
    while disk.files().is_empty() {
        assert!(begun.elapsed().as_secs() < 20, "the spool never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let refused = upload(&disk.server.url, &padded("two", 9 * MIB)).expect(507);
    assert!(refused.text().contains("space"), "{}", refused.text());
    // A small one has its place beside it, and the first comes to its end.
    upload(&disk.server.url, &padded("small", MIB)).expect(200);
    stalled.write_all(&body[5 * MIB..]).unwrap();
    let mut answer = String::new();
    stalled.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    disk.assert_serves(&one);
}

// D14
#[test]
fn a_folder_that_becomes_read_only_is_read_and_not_written() {
    // A disk on which the catalog is open for writing can't become read-only.
    let Some(disk) = SmallDisk::mounted("16m", Some("16m"), "--keep-free 1") else {
        return;
    };
    let there = padded("there", 1000);
    upload(&disk.server.url, &there).expect(200);
    let mount = |how: &str| {
        let inside = disk.folder.to_str().unwrap();
        let inside = &inside[inside.find("/root").unwrap() + "/root".len()..];
        let status = Command::new("nsenter")
            .args([
                "-U",
                "-m",
                "--preserve-credentials",
                "-t",
                &disk.server.id().to_string(),
            ])
            .args(["mount", "-o", &format!("remount,{how}"), inside])
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !mount("ro") {
        tools::skip("nothing can be mounted anew here");
        return;
    }
    let reply = upload(&disk.server.url, &padded("new", 1000)).expect(503);
    assert!(reply.text().contains("can't be written to"), "{}", reply.text());
    disk.assert_serves(&there);
    assert!(mount("rw"));
    let begun = Instant::now();
    while upload(&disk.server.url, &padded("new", 1000)).status != 200 {
        assert!(begun.elapsed().as_secs() < 30, "{}", disk.server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

// A24: no more descriptors than a few, and more clients than that.
#[test]
fn without_descriptors_it_waits_and_goes_on() {
    let testbed = Testbed::new();
    let there = wheel("there", "1.0").build();
    there.write_into(testbed.path("packages"));
    let mut command = testbed.program("prlimit");
    command
        .arg("--nofile=48:48")
        .arg(crate::support::binary())
        .args(["serve", "-p", "0", "-i", "127.0.0.1"])
        .args(OPEN)
        .arg("packages");
    let server = Server::start(command);
    let address = server.url.strip_prefix("http://").unwrap();
    let open_descriptors = || fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap().count();
    get(&server.url, "/simple/there/", &[]).expect(200);
    let before = open_descriptors();
    for _ in 0..3 {
        let silent: Vec<TcpStream> = (0..100).map_while(|_| TcpStream::connect(address).ok()).collect();
        std::thread::sleep(Duration::from_millis(200));
        drop(silent);
        let begun = Instant::now();
        loop {
            let page = get(&server.url, "/simple/there/", &[]);
            let file = get(&server.url, &format!("/packages/{}", there.filename), &[]);
            if page.status == 200 && file.status == 200 && file.body == there.bytes {
                break;
            }
            assert!(begun.elapsed().as_secs() < 30, "{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    upload(&server.url, &wheel("new", "1.0").build()).expect(200);
    let begun = Instant::now();
    while open_descriptors() > before + 4 {
        assert!(
            begun.elapsed().as_secs() < 20,
            "{} descriptors, {before} before",
            open_descriptors()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

// D17: files from the future, from before 1970, and from a clock that was set back.
#[test]
fn times_that_make_no_sense_do_no_harm() {
    let index = Index::open();
    let second = Duration::from_secs(1);
    let times = [
        SystemTime::UNIX_EPOCH - 3600 * second,
        SystemTime::UNIX_EPOCH,
        SystemTime::now() + 3600 * 24 * 365 * 40 * second,
        SystemTime::now() + 3600 * second,
    ];
    for (number, time) in times.into_iter().enumerate() {
        let first = wheel(&format!("lib{number}"), "1.0").build();
        let path = index.copy_in(&first);
        let set = |path: &Path| {
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(time)
        };
        set(&path).unwrap();
        let page = index.page(&format!("lib{number}"));
        assert_eq!(page["files"][0]["hashes"]["sha256"], first.sha256());
        // Other bytes under the very same time.
        let second = wheel(&format!("lib{number}"), "1.0").padding(10, 1).build();
        second.write_into(index.testbed.path("packages"));
        set(&path).unwrap();
        let page = index.page(&format!("lib{number}"));
        assert_eq!(page["files"][0]["hashes"]["sha256"], second.sha256(), "{time:?}");
        let served = index
            .get(&format!("/packages/{}", second.filename), &[])
            .expect(200);
        assert!(served.body == second.bytes, "{time:?}");
        let etag = served.header("etag").to_owned();
        let path = format!("/packages/{}", second.filename);
        index.get(&path, &[("If-None-Match", &etag)]).expect(304);
    }
}

// D17: the machine's clock is years away, and goes back, from one start to the next.
#[test]
fn a_clock_that_jumps_between_two_starts_does_no_harm() {
    let Ok(faketime) = debian::faketime() else {
        return;
    };
    let testbed = Testbed::new();
    fs::create_dir_all(testbed.path("packages")).unwrap();
    let mut expected = Vec::new();
    for (number, offset) in ["+3650d", "-3650d", "+0d"].into_iter().enumerate() {
        let mut command = testbed.program(crate::support::binary());
        command
            .env("LD_PRELOAD", &faketime)
            .env("FAKETIME", offset)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .args(["serve", "-p", "0", "-i", "127.0.0.1"])
            .args(OPEN)
            .arg("packages");
        let server = Server::start(command);
        let lib = wheel("lib", &format!("1.{number}")).build();
        upload(&server.url, &lib).expect(200);
        upload(&server.url, &lib).expect(200);
        expected.push(lib.filename.clone());
        let page = get(
            &server.url,
            "/simple/lib/",
            &[("Accept", crate::support::index::JSON)],
        );
        let page = page.expect(200).json();
        let files = page["files"].as_array().unwrap();
        let listed: Vec<&str> = files
            .iter()
            .map(|file| file["filename"].as_str().unwrap())
            .collect();
        assert_eq!(listed, expected);
        let path = testbed.path("packages").join(&lib.filename);
        assert_eq!(sha256_of(&path), lib.sha256());
        let form = Form::default()
            .field(":action", "remove_pkg")
            .field("name", "lib")
            .field("version", "9.9");
        form.post(&server.url, &[]).expect(404);
    }
}
