//! `pkgctl serve` as an index in use: a folder, a user, and what clients call its addresses.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::distributions::{Distribution, sha256};
use super::folder::paths_below;
use super::http::{self, Reply};
use super::upload::Form;
use super::{Server, Testbed};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "pa55: w/rd@%40";
/// The same in a URL.
pub(crate) const PASSWORD_IN_URL: &str = "pa55%3A%20w%2Frd%40%2540";
/// What installers of today ask for.
pub(crate) const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// Flags of an index where everybody may do everything.
pub(crate) const OPEN: [&str; 5] = ["--disable-fallback", "-P", ".", "-a", "."];

/// `pkgctl serve` on the folder `packages`, in a home of its own.
pub(crate) struct Index {
    pub(crate) testbed: Testbed,
    pub(crate) server: Server,
}

impl Index {
    /// Everybody may do everything.
    pub(crate) fn open() -> Self {
        Self::open_with(&[])
    }

    /// The same, with further flags.
    pub(crate) fn open_with(flags: &[&str]) -> Self {
        let all = [&OPEN, flags].concat();
        Self::start(Testbed::new(), &all)
    }

    /// Everything takes alice's password.
    pub(crate) fn guarded() -> Self {
        let testbed = Testbed::new();
        testbed.write("passwords", password_line(USER, PASSWORD));
        Self::start(testbed, &["-P", "passwords", "-a", "update,download,list"])
    }

    /// With exactly these flags, in a home that has what they name.
    pub(crate) fn start(testbed: Testbed, flags: &[&str]) -> Self {
        fs::create_dir_all(testbed.path("packages")).unwrap();
        let arguments = flags.iter().chain(&["packages"]).map(OsString::from);
        let server = testbed.serve(arguments);
        Self { testbed, server }
    }

    /// Stops the server, changes its catalog in SQL, and starts it again with these flags.
    pub(crate) fn with_catalog(self, flags: &[&str], sql: &str) -> Self {
        let Self { testbed, mut server } = self;
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        let catalog = rusqlite::Connection::open(testbed.path("packages/.pkgctl/catalog.db")).unwrap();
        catalog.execute_batch(sql).unwrap();
        drop(catalog);
        Self::start(testbed, flags)
    }

    /// Where uploads go.
    pub(crate) fn upload_url(&self) -> String {
        format!("{}/", self.server.url)
    }

    /// Where installers look.
    pub(crate) fn simple_url(&self) -> String {
        format!("{}/simple/", self.server.url)
    }

    /// The same, with alice's name and password in it.
    pub(crate) fn simple_url_of_alice(&self) -> String {
        with_credentials(&self.simple_url(), &format!("{USER}:{PASSWORD_IN_URL}"))
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        http::get(&self.server.url, path, headers)
    }

    pub(crate) fn post(&self, form: &Form) -> Reply {
        form.post(&self.server.url, &[])
    }

    /// The JSON of a project's page, which must be there.
    pub(crate) fn page(&self, project: &str) -> Value {
        let path = format!("/simple/{project}/");
        self.get(&path, &[("Accept", JSON)]).expect(200).json()
    }

    /// The file names of a project; none when it is unknown.
    pub(crate) fn listed(&self, project: &str) -> Vec<String> {
        listed(&self.server.url, project)
    }

    /// Puts a file into the served folder, as `cp` does.
    pub(crate) fn copy_in(&self, distribution: &Distribution) -> PathBuf {
        distribution.write_into(self.testbed.path("packages"))
    }

    /// Puts a file where uploaders take it from.
    pub(crate) fn in_dist(&self, distribution: &Distribution) -> PathBuf {
        distribution.write_into(self.testbed.path("dist"))
    }

    /// The path that a file uploaded or copied in has in the folder.
    pub(crate) fn stored(&self, filename: &str) -> PathBuf {
        self.testbed.path("packages").join(filename)
    }

    #[track_caller]
    pub(crate) fn assert_stored(&self, distribution: &Distribution) {
        let path = self.stored(&distribution.filename);
        assert_eq!(sha256_of(&path), distribution.sha256(), "{}", path.display());
    }

    /// Everything in the folder but the catalog's own files, sorted; unfinished uploads too.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        files_below(&self.testbed.path("packages"))
    }
}

/// The file names on a project's page; none when it is unknown.
#[track_caller]
pub(crate) fn listed(server: &str, project: &str) -> Vec<String> {
    let page = http::get(server, &format!("/simple/{project}/"), &[("Accept", JSON)]);
    if page.status == 404 {
        return Vec::new();
    }
    let page = page.expect(200).json();
    let files = page["files"].as_array().unwrap().iter();
    files
        .map(|file| file["filename"].as_str().unwrap().to_owned())
        .collect()
}

/// The name of every file below a folder but the catalog's own, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<String> {
    let names = paths_below(folder)
        .into_iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with("catalog.db") && !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

/// A line of a passwords file, as cheap to check as bcrypt can be.
pub(crate) fn password_line(user: &str, password: &str) -> String {
    format!("{user}:{}\n", bcrypt::hash(password, 4).unwrap())
}

pub(crate) fn with_credentials(url: &str, credentials: &str) -> String {
    url.replacen("://", &format!("://{credentials}@"), 1)
}

pub(crate) fn sha256_of(path: &Path) -> String {
    sha256(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}
