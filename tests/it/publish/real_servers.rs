//! Real index servers: what is there, what is refused, and how a second run ends.

use super::{SDIST, WHEEL, expect_in_order, my_wheel};
use crate::support::devpi::{self, Devpi};
use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::index::{Index, PASSWORD, USER, password_line};
use crate::support::pypiserver::Pypiserver;
use crate::support::{Outcome, Testbed, tools};

/// An index, and a user of it.
struct Account<'a> {
    bed: &'a Testbed,
    url: String,
    user: &'a str,
    password: &'a str,
}

impl Account<'_> {
    fn publish(&self, arguments: &[&str]) -> Outcome {
        self.publish_as(self.password, arguments)
    }

    fn publish_as(&self, password: &str, arguments: &[&str]) -> Outcome {
        let mut command = self.bed.pkgctl(["publish", "--repository-url", &self.url]);
        command.args(arguments);
        command
            .env("TWINE_USERNAME", self.user)
            .env("TWINE_PASSWORD", password);
        Outcome::of(&mut command)
    }

    /// What every index has to make possible: a rehearsal, an upload, the same again, another file of that name.
    fn walk_through(&self, verified: &str, same: &str) {
        let ours = [my_wheel(), sdist("my-lib", "1.0").build()];
        for file in &ours {
            file.write_into(self.bed.path("dist"));
        }
        let rehearsed = self.publish(&["--dry-run"]).expect_code(0);
        expect_in_order(
            &rehearsed.stdout,
            &["credentials", "accepted", "): new", "): new"],
        );
        self.publish_as("wrong", &["--dry-run"])
            .expect_failure(1, "would refuse the files");

        let first = self.publish(&[]).expect_code(0);
        expect_in_order(&first.stdout, &[WHEEL, verified, SDIST, verified]);
        self.assert_offered(&first, &ours);
        self.publish(&[]).expect_code(0);
        let skipped = self.publish(&["--skip-existing"]).expect_code(0);
        expect_in_order(
            &skipped.stderr,
            &[&format!("already there {WHEEL}"), same, SDIST, same],
        );

        wheel("my-lib", "1.0")
            .description("Other.\n")
            .build()
            .write_into(self.bed.path("dist"));
        let refused = self.publish(&["--skip-existing"]).expect_failure(1, WHEEL);
        assert!(
            refused.stderr.contains("another file of that name"),
            "{}",
            refused.stderr
        );
        // The next release goes on top.
        std::fs::remove_dir_all(self.bed.path("dist")).unwrap();
        wheel("my-lib", "1.1").build().write_into(self.bed.path("dist"));
        self.publish(&["--skip-existing"]).expect_code(0);
    }

    /// The addresses in the table lead to the files.
    fn assert_offered(&self, outcome: &Outcome, files: &[Distribution]) {
        for file in files {
            let line = outcome
                .stdout
                .lines()
                .find(|line| line.starts_with(&file.filename))
                .unwrap();
            let url = line.split_whitespace().last().unwrap();
            assert!(url.starts_with("http://127.0.0.1:"), "{line}");
            let (server, path) = url.split_at(url.find('/').unwrap() + 2);
            let (host, path) = path.split_at(path.find('/').unwrap());
            let login = data_encoding::BASE64.encode(format!("{}:{}", self.user, self.password).as_bytes());
            let headers = [("Authorization", format!("Basic {login}"))];
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            let reply = crate::support::http::get(&format!("{server}{host}"), path, &headers);
            assert!(reply.expect(200).body == file.bytes, "{url}");
        }
    }
}

#[test]
fn this_programs_own_server() {
    let index = Index::guarded();
    Account {
        bed: &index.testbed,
        url: index.upload_url(),
        user: USER,
        password: PASSWORD,
    }
    .walk_through("uploaded, verified", "same bytes");
}

/// pypiserver with alice as its user, and these digests in its pages.
fn walk_through_pypiserver(authenticated: &str, digest: &str, verified: &str, same: &str) {
    let Ok(tool) = tools::pypiserver() else { return };
    let bed = Testbed::new();
    std::fs::create_dir_all(bed.path("packages")).unwrap();
    bed.write("passwords", password_line(USER, PASSWORD));
    let flags = [
        "-P",
        "passwords",
        "-a",
        authenticated,
        "--hash-algo",
        digest,
        "packages",
    ];
    let server = Pypiserver::start(&tool, &bed, &flags);
    Account {
        bed: &bed,
        url: format!("{}/", server.url),
        user: USER,
        password: PASSWORD,
    }
    .walk_through(verified, same);
}

#[test]
fn pypiserver_whose_pages_show_an_md5() {
    walk_through_pypiserver("update", "md5", "uploaded", "same MD5");
}

#[test]
fn pypiserver_whose_pages_show_a_sha256_and_are_closed() {
    walk_through_pypiserver(
        "update,download,list",
        "sha256",
        "uploaded, verified",
        "same bytes",
    );
}

#[test]
fn devpi_whose_pages_are_at_a_place_of_its_own() {
    let Ok(tool) = tools::devpi() else { return };
    let bed = Testbed::new();
    let server = Devpi::start(&tool, &bed);
    Account {
        bed: &bed,
        url: format!("{}/", server.url),
        user: devpi::USER,
        password: devpi::PASSWORD,
    }
    .walk_through("uploaded, verified", "same bytes");
}
