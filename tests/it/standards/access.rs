//! Lines 12 and 13: credentials, and projects with a status.

use std::fs;

use crate::support::Testbed;
use crate::support::distributions::wheel;
use crate::support::index::{Index, OPEN, PASSWORD, USER, password_line};
use crate::support::upload::{form_for, upload};

const TOKEN: &str = "pkgctl-0123456789abcdef";

/// Everything takes a password; alice has one, and so has the user that tokens are sent with.
fn guarded() -> Index {
    let testbed = Testbed::new();
    testbed.write(
        "passwords",
        password_line(USER, PASSWORD) + &password_line("__token__", TOKEN),
    );
    let index = Index::start(
        testbed,
        &[
            "--disable-fallback",
            "-P",
            "passwords",
            "-a",
            "update,download,list",
        ],
    );
    index.copy_in(&wheel("lib", "1.0").build());
    index
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes())
    )
}

const PATHS: [&str; 4] = [
    "/simple/",
    "/simple/lib/",
    "/packages/lib-1.0-py3-none-any.whl",
    "/packages/lib-1.0-py3-none-any.whl.metadata",
];

#[test]
fn line_12_whoever_brings_no_credentials_is_asked_for_them() {
    let index = guarded();
    for path in PATHS
        .iter()
        .chain(&["/simple/missing/", "/packages/missing-1.0.tar.gz"])
    {
        let reply = index.get(path, &[]).expect(401);
        assert!(
            reply.header("www-authenticate").starts_with("Basic realm=\""),
            "{path}"
        );
        let reply = index.get(path, &[("Authorization", &basic(USER, "wrong"))]);
        assert!(matches!(reply.status, 401 | 403), "{path}: {}", reply.status);
    }
    let form = form_for(&wheel("lib", "2.0").build());
    let reply = form.post(&index.server.url, &[]).expect(401);
    assert!(reply.header("www-authenticate").starts_with("Basic realm=\""));
}

#[test]
fn line_12_a_password_and_a_token_open_alike_and_what_is_missing_is_404() {
    let index = guarded();
    for (number, (user, password)) in [(USER, PASSWORD), ("__token__", TOKEN)].into_iter().enumerate() {
        let authorization = basic(user, password);
        let login = [("Authorization", authorization.as_str())];
        for path in PATHS {
            index.get(path, &login).expect(200);
        }
        for missing in ["/simple/missing/", "/packages/missing-1.0.tar.gz"] {
            index.get(missing, &login).expect(404);
        }
        let form = form_for(&wheel("lib", &format!("2.{number}")).build());
        form.post(&index.server.url, &login).expect(200);
    }
}

// F10
#[test]
fn line_12_who_is_known_but_may_not_gets_403() {
    let index = Index::start(Testbed::new(), &[]);
    let form = form_for(&wheel("lib", "1.0").build());
    let reply = form
        .post(&index.server.url, &[("Authorization", &basic(USER, PASSWORD))])
        .expect(403);
    assert_eq!(reply.header("www-authenticate"), "");
}

/// An open index with one project of this status.
fn with_status(status: &str) -> Index {
    let index = Index::open();
    upload(&index.server.url, &wheel("lib", "1.0").build()).expect(200);
    index.page("lib");
    let sql = format!("UPDATE projects SET status = '{status}', status_reason = 'since today'");
    index.with_catalog(&OPEN, &sql)
}

#[test]
fn line_13_an_archived_project_serves_its_files_and_takes_none() {
    let index = with_status("archived");
    let page = index.page("lib");
    assert_eq!(page["project-status"]["status"], "archived");
    assert_eq!(page["project-status"]["reason"], "since today");
    assert_eq!(index.listed("lib").len(), 1);
    index.get("/packages/lib-1.0-py3-none-any.whl", &[]).expect(200);
    let html = index.get("/simple/lib/", &[]).text();
    assert!(
        html.contains("<meta name=\"pypi:project-status\" content=\"archived\">"),
        "{html}"
    );
    let refused = upload(&index.server.url, &wheel("lib", "2.0").build()).expect(403);
    assert!(refused.text().contains("archived"), "{}", refused.text());
    assert!(!index.stored("lib-2.0-py3-none-any.whl").exists());
    upload(&index.server.url, &wheel("other", "1.0").build()).expect(200);
}

#[test]
fn line_13_a_quarantined_project_offers_nothing() {
    let index = with_status("quarantined");
    let page = index.page("lib");
    assert_eq!(page["project-status"]["status"], "quarantined");
    assert_eq!(
        (
            page["files"].as_array().unwrap().len(),
            page["versions"].as_array().unwrap().len()
        ),
        (0, 0)
    );
    assert!(!index.get("/simple/lib/", &[]).expect(200).text().contains("<a "));
    upload(&index.server.url, &wheel("lib", "2.0").build()).expect(403);
    // What was listed before is not to be had by its address either; the file itself stays where it is.
    let kept = index.stored("lib-1.0-py3-none-any.whl");
    assert!(index.get("/packages/lib-1.0-py3-none-any.whl", &[]).status >= 400);
    assert!(
        index
            .get("/packages/lib-1.0-py3-none-any.whl.metadata", &[])
            .status
            >= 400
    );
    assert!(fs::exists(kept).unwrap());
}
