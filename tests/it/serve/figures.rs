//! `/ready` and `/metrics`: what an operator's machines ask.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use base64::Engine as _;

use crate::support::distributions::wheel;
use crate::support::http::{Reply, get, request};
use crate::support::upload::upload;
use crate::support::{Server, Testbed, tools};

fn serve(flags: &[&str]) -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    fs::write(folder.join("notes.txt"), "not a distribution").unwrap();
    let mut arguments: Vec<std::ffi::OsString> = flags.iter().map(Into::into).collect();
    arguments.push(folder.into());
    let server = testbed.serve(arguments);
    (testbed, server)
}

/// Prometheus' own reader of the format, which is strict, gives all samples as `name{label="value"}`.
fn read_by_prometheus(testbed: &Testbed, reply: &Reply) -> Option<BTreeMap<String, f64>> {
    let Ok(parser) = tools::prometheus_parser() else {
        return None;
    };
    let script = "\
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
samples = {}
for family in text_string_to_metric_families(sys.stdin.read()):
    for sample in family.samples:
        labels = ','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))
        samples[sample.name + ('{' + labels + '}' if labels else '')] = sample.value
json.dump(samples, sys.stdout)
";
    let mut python = parser
        .python(testbed)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(&reply.body).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "not OpenMetrics:\n{}", reply.text());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn metrics_tell_what_was_done() {
    let (testbed, server) = serve(&["-P", ".", "-a", "."]);
    let page = get(&server.url, "/simple/lib/", &[]).expect(200);
    get(&server.url, "/simple/lib/", &[]).expect(200);
    get(&server.url, "/simple/", &[]).expect(200);
    get(
        &server.url,
        "/simple/lib/",
        &[("If-None-Match", page.header("etag"))],
    )
    .expect(304);
    get(&server.url, "/simple/lib/no/such/page", &[]).expect(404);
    let file = get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[]).expect(200);
    request(
        &server.url,
        "HEAD",
        "/packages/lib-1.0-py3-none-any.whl",
        &[],
        &[],
    )
    .expect(200);
    let new = wheel("other", "2.0").build();
    upload(&server.url, &new).expect(200);
    upload(&server.url, &new).expect(200);
    let mut other_bytes = wheel("other", "2.0").description("other bytes").build();
    other_bytes.filename.clone_from(&new.filename);
    upload(&server.url, &other_bytes).expect(409);

    let reply = get(&server.url, "/metrics", &[]).expect(200);
    assert!(
        reply
            .header("content-type")
            .starts_with("application/openmetrics-text"),
        "{}",
        reply.header("content-type")
    );
    let Some(samples) = read_by_prometheus(&testbed, &reply) else {
        return;
    };
    let requests = "pkgctl_http_request_duration_seconds_count";
    let bodies = "pkgctl_http_response_body_bytes_total";
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    for (name, value) in [
        (format!("{requests}{{kind=project,status=2xx}}"), 2.0),
        (format!("{requests}{{kind=project,status=3xx}}"), 1.0),
        (format!("{requests}{{kind=root,status=2xx}}"), 1.0),
        (format!("{requests}{{kind=other,status=4xx}}"), 1.0),
        (format!("{requests}{{kind=file,status=2xx}}"), 2.0),
        (format!("{requests}{{kind=upload,status=2xx}}"), 2.0),
        (format!("{requests}{{kind=upload,status=4xx}}"), 1.0),
        (format!("{bodies}{{kind=file}}"), file.body.len() as f64),
        (format!("{bodies}{{kind=project}}"), 2.0 * page.body.len() as f64),
        ("pkgctl_files".to_owned(), 2.0),
        ("pkgctl_projects".to_owned(), 2.0),
        ("pkgctl_ignored_files".to_owned(), 1.0),
        ("pkgctl_uploads_total{outcome=stored}".to_owned(), 1.0),
        ("pkgctl_uploads_total{outcome=unchanged}".to_owned(), 1.0),
        ("pkgctl_uploads_total{outcome=refused}".to_owned(), 1.0),
        ("pkgctl_uploaded_bytes_total".to_owned(), new.bytes.len() as f64),
        ("pkgctl_cache_hits_total{cache=pages}".to_owned(), 2.0),
        ("pkgctl_cache_misses_total{cache=pages}".to_owned(), 2.0),
        ("pkgctl_cache_hits_total{cache=files}".to_owned(), 1.0),
        ("pkgctl_folder_scan_duration_seconds_count".to_owned(), 1.0),
    ] {
        assert_eq!(samples.get(&name), Some(&value), "{name}\n{}", reply.text());
    }
    for work in ["read", "write"] {
        assert!(samples[&format!("pkgctl_catalog_duration_seconds_count{{work={work}}}")] >= 1.0);
    }
    assert!(samples["pkgctl_cache_size_bytes{cache=files}"] >= file.body.len() as f64);
    assert!(samples.contains_key(&format!(
        "pkgctl_build_info{{version={}}}",
        env!("CARGO_PKG_VERSION")
    )));
}

#[test]
fn metrics_are_open_unless_they_are_named() {
    let testbed = Testbed::new();
    testbed
        .run_with_input(
            [
                "adduser",
                "-f",
                "htpasswd",
                "--cost",
                "4",
                "--password-stdin",
                "ann",
            ],
            "secret12\n",
        )
        .expect_code(0);
    fs::create_dir_all(testbed.path("packages")).unwrap();
    let serve = |actions: &str| testbed.serve(["-P", "htpasswd", "-a", actions, "packages"]);
    let open = serve("update");
    get(&open.url, "/metrics", &[]).expect(200);
    let guarded = serve("update, Metrics");
    let credentials = base64::engine::general_purpose::STANDARD.encode("ann:secret12");
    let refused = get(&guarded.url, "/metrics", &[]).expect(401);
    assert!(refused.header("www-authenticate").starts_with("Basic "));
    assert!(!refused.text().contains("pkgctl_"));
    get(
        &guarded.url,
        "/metrics",
        &[("Authorization", &format!("Basic {credentials}"))],
    )
    .expect(200);
    get(&guarded.url, "/simple/", &[]).expect(200);
}

#[test]
fn ready_means_that_the_folders_can_be_read() {
    let (testbed, server) = serve(&["-P", ".", "-a", "."]);
    let ready = get(&server.url, "/ready", &[]).expect(200);
    assert_eq!(ready.text(), "ready\n");
    assert_eq!(ready.header("cache-control"), "no-store");
    fs::remove_dir_all(testbed.path("packages")).unwrap();
    let gone = get(&server.url, "/ready", &[]).expect(503);
    assert!(gone.text().len() > 20, "no reason is given: {:?}", gone.text());
    // Restarting it would not bring the folder back.
    get(&server.url, "/health", &[]).expect(200);
}
