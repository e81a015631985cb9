//! How much memory the commonest requests ask for: the number of allocations from a request's first byte to its answer's
//! last, pinned, so that a slow-down fails without a clock. A program of its own, because it counts for the whole process.

#![expect(clippy::unwrap_used, reason = "a test stops at what goes wrong")]

use std::alloc::System;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pkgctl::auth::{PasswordSource, Policy};
use pkgctl::catalog::SqliteCatalog;
use pkgctl::index::{self, Index};
use pkgctl::server;
use pkgctl::storage::{self, LocalStore};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: usize = 1000;

/// A small wheel by hand: a zip of stored members.
fn write_wheel(folder: &Path, version: &str) {
    let metadata = format!("Metadata-Version: 2.1\nName: lib\nVersion: {version}\n");
    let mut wheel = zip::ZipWriter::new(
        fs::File::create(folder.join(format!("lib-{version}-py3-none-any.whl"))).unwrap(),
    );
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    wheel
        .start_file(format!("lib-{version}.dist-info/METADATA"), stored)
        .unwrap();
    wheel.write_all(metadata.as_bytes()).unwrap();
    let file = wheel.finish().unwrap();
    // What is read from a file is kept when a change would show in its time.
    file.set_modified(SystemTime::now() - Duration::from_secs(3600))
        .unwrap();
}

async fn index_over(folder: &Path) -> Arc<Index> {
    let state_dir = folder.join(".pkgctl");
    let roots = [folder.to_owned()];
    let store = LocalStore::open(storage::Settings::new(roots.to_vec(), state_dir.clone())).unwrap();
    let (catalog, _) = SqliteCatalog::open(&state_dir.join("catalog.db"), &roots).unwrap();
    let index = Index::open(Arc::new(store), Arc::new(catalog), index::Settings::default());
    index.await.unwrap()
}

fn settings() -> server::Settings {
    server::Settings {
        max_upload_bytes: 1 << 20,
        fallback: None,
        files_may_change: false,
        file_max_age_seconds: None,
        mount: "/".parse().unwrap(),
        health_path: server::HealthPath::default(),
        welcome: None,
        limits: server::Limits::default(),
        trusted_proxies: server::TrustedProxies::none(),
    }
}

/// Allocations for each of many requests over one connection, the server's alone: this side has its room beforehand.
fn allocations_for_each(connection: &mut TcpStream, request: &str) -> f64 {
    let mut answer = vec![0; 1 << 20];
    // Answers are written in one piece, and are small.
    let mut ask = || {
        connection.write_all(request.as_bytes()).unwrap();
        assert_ne!(connection.read(&mut answer).unwrap(), 0);
    };
    (0..20).for_each(|_| ask());
    let before = COUNTED.stats();
    (0..REQUESTS).for_each(|_| ask());
    let made = COUNTED.stats() - before;
    (made.allocations + made.reallocations) as f64 / REQUESTS as f64
}

#[test]
fn an_answer_from_memory_asks_for_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["1.0", "2.0", "3.0"] {
        write_wheel(folder.path(), version);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    let index = runtime.block_on(index_over(folder.path()));
    let access = server::Access {
        policy: Policy::new(&PasswordSource::None, None).unwrap(),
        authenticator: None,
    };
    let live = server::Live::new(settings(), access, index);
    let listeners = server::Listeners {
        sockets: vec![server::Listener::Tcp(listener)],
        tls: None,
    };
    let limits = server::Limits::default();
    runtime.spawn(async move { server::run(live, &limits, listeners, std::future::pending()).await });

    let connect = || {
        let connection = TcpStream::connect(address).unwrap();
        connection.set_nodelay(true).unwrap();
        connection
    };
    let head = "HTTP/1.1\r\nHost: x\r\nUser-Agent: pip/25.0\r\n\r\n";
    let file = "/packages/lib-1.0-py3-none-any.whl";
    let mut too_many = Vec::new();
    for (most, request) in [
        (PAGE, format!("GET /simple/lib/ {head}")),
        (PAGE, format!("GET /simple/ {head}")),
        (LIST, format!("GET /packages/ {head}")),
        (FILE, format!("GET {file} {head}")),
        (FILE, format!("HEAD {file} {head}")),
        (FILE, format!("GET {file}.metadata {head}")),
    ] {
        // What is asked for first is not at hand yet, which makes the connection hyper's.
        allocations_for_each(&mut connect(), &request);
        let made = allocations_for_each(&mut connect(), &request);
        let what = request.split(" HTTP").next().unwrap_or_default().to_owned();
        eprintln!("{what}: {made:.1} allocations, {most} at most");
        if made > most {
            too_many.push((what, made, most));
        }
    }
    assert!(
        too_many.is_empty(),
        "more allocations than were pinned: {too_many:?}"
    );
}

/// Measured, with a little room for what another version of a crate may do. Lower them when there are fewer.
///
/// What is answered at the door takes room for the request's bytes and whoever shares them, and for the answer's lines and
/// its head.
const PAGE: f64 = 4.0;
const FILE: f64 = 4.0;
/// The list of all files has a route.
const LIST: f64 = 34.1;
