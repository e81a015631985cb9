//! pip's configuration: which file counts, and how an index gets in and out of it.
//!
//! No password is ever written here: the file is often readable by others, and pip finds credentials in `~/.netrc`, in
//! the keyring, or asks.

use std::path::{Path, PathBuf};

use super::Environment;
use super::ini::{IniDocument, IniError, is_space, words};

const SECTION: &str = "global";

/// The systems whose rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and its like.
    Unix,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one this program was built for.
    #[must_use]
    pub const fn current() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Unix
        }
    }
}

/// The files of the user that pip reads, one after the other, key by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFiles {
    /// Where an edit goes to: the file whose keys win, be it there or not.
    pub path: PathBuf,
    /// pip's other places where there is a file; a key counts where `path` doesn't have it.
    pub others: Vec<PathBuf>,
}

/// Picks the file for an edit: the newer place where there is a file already, since its keys win; else the older one.
/// `exists` tells whether there is a file. `None` without a home folder.
pub fn user_files(
    environment: &Environment,
    platform: Platform,
    exists: impl Fn(&Path) -> bool,
) -> Option<UserFiles> {
    let home = environment.home()?;
    let older = older_place(platform, home);
    // On macOS pip itself looks at the first newer place alone.
    let newer = newer_places(environment, platform, home)
        .into_iter()
        .find(|path| exists(path));
    Some(match newer {
        Some(path) => UserFiles {
            path,
            others: Some(older).filter(|older| exists(older)).into_iter().collect(),
        },
        None => UserFiles {
            path: older,
            others: Vec::new(),
        },
    })
}

fn older_place(platform: Platform, home: &Path) -> PathBuf {
    match platform {
        Platform::Unix | Platform::MacOs => home.join(".pip").join("pip.conf"),
        Platform::Windows => home.join("pip").join("pip.ini"),
    }
}

fn newer_places(environment: &Environment, platform: Platform, home: &Path) -> Vec<PathBuf> {
    let folder = |variable: &str| environment.var_os(variable).map(PathBuf::from);
    let dot_config = || home.join(".config").join("pip").join("pip.conf");
    match platform {
        Platform::Unix => {
            let config = folder("XDG_CONFIG_HOME");
            vec![config.map_or_else(dot_config, |config| config.join("pip").join("pip.conf"))]
        }
        Platform::MacOs => {
            let data =
                folder("XDG_DATA_HOME").unwrap_or_else(|| home.join("Library").join("Application Support"));
            vec![data.join("pip").join("pip.conf"), dot_config()]
        }
        Platform::Windows => {
            let roaming = folder("APPDATA").unwrap_or_else(|| home.join("AppData").join("Roaming"));
            vec![roaming.join("pip").join("pip.ini")]
        }
    }
}

/// An index as pip is to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipIndex {
    /// The address of its Simple API, with a final slash.
    pub url: String,
    /// `host` or `host:port`, where pip would ignore the index unless told to trust it.
    pub trusted_host: Option<String>,
    /// The only index instead of one more.
    pub is_only: bool,
}

/// Writes the index into the text of a pip configuration, in the place of `former`, under which the same repository
/// was known before. All other bytes and all other items of lists stay.
///
/// # Errors
/// The text can't be read, or not be changed without changing the meaning of other lines.
pub fn add_index(text: &str, index: &PipIndex, former: Option<&PipIndex>) -> Result<String, IniError> {
    let mut document = IniDocument::parse(text)?;
    if let Some(former) = former.filter(|former| !is_same(&former.url, &index.url)) {
        forget(&mut document, former)?;
    }
    if index.is_only {
        remove_extra(&mut document, &index.url)?;
        let key = key_in(&document, "index-url");
        let is_there = document
            .own_value(SECTION, &key)
            .is_some_and(|url| is_same(url, &index.url));
        if !is_there {
            document.set(SECTION, &key, &index.url)?;
        }
    } else {
        remove_only(&mut document, &index.url)?;
        let key = key_in(&document, "extra-index-url");
        let list = document.own_value(SECTION, &key).unwrap_or_default();
        if !words(list).any(|url| is_same(url, &index.url)) {
            document.add_item(SECTION, &key, &index.url)?;
        }
    }
    if let Some(host) = &index.trusted_host {
        let key = key_in(&document, "trusted-host");
        document.add_item(SECTION, &key, host)?;
    }
    Ok(document.text().to_owned())
}

/// Takes the index out of the text of a pip configuration: what [`add_index`] wrote, and no more.
///
/// # Errors
/// The text can't be read, or not be changed without changing the meaning of other lines.
pub fn remove_index(text: &str, index: &PipIndex) -> Result<String, IniError> {
    let mut document = IniDocument::parse(text)?;
    forget(&mut document, index)?;
    document.remove_empty_section(SECTION)?;
    Ok(document.text().to_owned())
}

/// The `index-url` of a text, if it is another one than `url`.
#[must_use]
pub fn other_index_url(text: &str, url: &str) -> Option<String> {
    let document = IniDocument::parse(text).ok()?;
    let key = key_in(&document, "index-url");
    let found = document.own_value(SECTION, &key)?;
    (!is_same(found, url)).then(|| found.to_owned())
}

/// How pip is told of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As the only index: `index-url`.
    Only,
    /// As one more: `extra-index-url`.
    Extra,
}

/// How a text names the index, if it does.
#[must_use]
pub fn standing(text: &str, url: &str) -> Option<Standing> {
    let document = IniDocument::parse(text).ok()?;
    let value = |key: &str| document.own_value(SECTION, &key_in(&document, key));
    // pip takes all of `index-url` as one address, but the other as a list.
    if value("index-url").is_some_and(|only| is_same(only, url)) {
        return Some(Standing::Only);
    }
    let list = value("extra-index-url").unwrap_or_default();
    let is_listed = words(list).any(|item| is_same(item, url));
    is_listed.then_some(Standing::Extra)
}

/// Whether a text lists other extra indexes than `url`; a list in a file that wins replaces it as a whole.
#[must_use]
pub fn has_other_extra_indexes(text: &str, url: &str) -> bool {
    IniDocument::parse(text).is_ok_and(|document| {
        let list = document.own_value(SECTION, &key_in(&document, "extra-index-url"));
        list.is_some_and(|list| words(list).any(|item| !is_same(item, url)))
    })
}

/// Keys of any section that name the index, as `[section] key`.
#[must_use]
pub fn keys_naming(text: &str, url: &str) -> Vec<String> {
    let Ok(document) = IniDocument::parse(text) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for section in document.section_names() {
        for key in document.keys(section) {
            let value = document.own_value(section, key).unwrap_or_default();
            if words(value).any(|item| is_same(item, url)) {
                found.push(format!("[{section}] {key}"));
            }
        }
    }
    found
}

/// Keys of `[install]` and `[download]` that win over what is written to `[global]`, as `[section] key`.
#[must_use]
pub fn shadowing_keys(text: &str, is_only: bool) -> Vec<String> {
    let Ok(document) = IniDocument::parse(text) else {
        return Vec::new();
    };
    let wanted = if is_only { "index-url" } else { "extra-index-url" };
    let sections = ["install", "download", "wheel"].into_iter();
    let shadowing = sections.flat_map(|section| {
        let keys = document.keys(section).filter(|key| normalized(key) == wanted);
        keys.map(move |key| format!("[{section}] {key}"))
            .collect::<Vec<_>>()
    });
    shadowing.collect()
}

/// Keys with which a file that pip reads later wins over `url` in an earlier one, as `[section] key`.
#[must_use]
pub fn winning_keys(text: &str, is_only: bool, url: &str) -> Vec<String> {
    let Ok(document) = IniDocument::parse(text) else {
        return Vec::new();
    };
    let wanted = if is_only { "index-url" } else { "extra-index-url" };
    let names_it = |section: &str, key: &str| {
        let list = document.own_value(section, key).unwrap_or_default();
        words(list).any(|item| is_same(item, url))
    };
    let sections = [SECTION, "install", "download", "wheel"].into_iter();
    let winning = sections.flat_map(|section| {
        let keys = document.keys(section).filter(|key| normalized(key) == wanted);
        let others = keys.filter(|key| !names_it(section, key));
        others
            .map(move |key| format!("[{section}] {key}"))
            .collect::<Vec<_>>()
    });
    winning.collect()
}

fn forget(document: &mut IniDocument, index: &PipIndex) -> Result<(), IniError> {
    remove_extra(document, &index.url)?;
    remove_only(document, &index.url)?;
    let Some(host) = &index.trusted_host else {
        return Ok(());
    };
    keys_in(document, "trusted-host")
        .iter()
        .try_for_each(|key| document.remove_item(SECTION, key, host))
}

fn remove_extra(document: &mut IniDocument, url: &str) -> Result<(), IniError> {
    // In every spelling of the key: once the last one is gone, the one before it counts.
    keys_in(document, "extra-index-url").iter().try_for_each(|key| {
        let list = document.own_value(SECTION, key).unwrap_or_default();
        let same: Vec<String> = words(list)
            .filter(|item| is_same(item, url))
            .map(str::to_owned)
            .collect();
        same.iter()
            .try_for_each(|item| document.remove_item(SECTION, key, item))
    })
}

fn remove_only(document: &mut IniDocument, url: &str) -> Result<(), IniError> {
    keys_in(document, "index-url")
        .iter()
        .try_for_each(|key| match document.own_value(SECTION, key) {
            Some(found) if is_same(found, url) => document.remove_key(SECTION, key),
            _ => Ok(()),
        })
}

/// The spelling of a key in the file: pip takes `_` for `-`, and leading dashes. The last one counts.
fn key_in(document: &IniDocument, key: &str) -> String {
    keys_in(document, key).pop().unwrap_or_else(|| key.to_owned())
}

/// All spellings of a key in the file.
fn keys_in(document: &IniDocument, key: &str) -> Vec<String> {
    let keys = document.keys(SECTION).filter(|other| normalized(other) == key);
    keys.map(str::to_owned).collect()
}

fn normalized(key: &str) -> String {
    let key = key.replace('_', "-");
    key.strip_prefix("--").unwrap_or(&key).to_owned()
}

/// Whether two addresses are one; a value that begins on the line behind its key has white space in front.
fn is_same(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

fn bare(url: &str) -> &str {
    url.trim_matches(is_space).trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::super::ini_edit::tests::{ini_text, read_by_python, read_by_us, samples};
    use super::*;
    use proptest::prelude::*;

    fn extra(url: &str) -> PipIndex {
        PipIndex {
            url: url.to_owned(),
            trusted_host: None,
            is_only: false,
        }
    }

    fn add(text: &str, index: &PipIndex) -> String {
        add_index(text, index, None).unwrap()
    }

    #[test]
    fn a_new_file_is_what_the_guide_shows() {
        let index = extra("http://localhost:8080/simple/");
        let text = add("", &index);
        assert_eq!(
            text,
            "[global]\nextra-index-url = http://localhost:8080/simple/\n"
        );
        assert_eq!(remove_index(&text, &index).unwrap(), "");
    }

    #[test]
    fn an_index_is_removed_from_every_spelling_of_its_key() {
        let (ours, other) = ("http://localhost:8080/simple/", "https://other.example/simple/");
        let text = format!("[global]\nextra_index_url = {ours} {other}\nextra-index-url = {ours}\n");
        assert_eq!(
            remove_index(&text, &extra(ours)).unwrap(),
            format!("[global]\nextra_index_url = {other}\n")
        );
    }

    #[test]
    fn an_address_among_others_is_not_the_only_index() {
        let url = "http://localhost:8080/simple/";
        let several = format!("[global]\nindex-url = http://first/simple/\n  {url}\n");
        assert_eq!(standing(&several, url), None);
        let single = format!("[global]\nindex-url =\n  {url}\n");
        assert_eq!(standing(&single, url), Some(Standing::Only));
    }

    /// Python's `split`, by which pip reads lists, knows more separators than Rust's.
    #[test]
    fn items_are_told_apart_as_pip_does_it() {
        let index = extra("http://localhost:8080/simple/");
        let text = "[global]\nextra-index-url = http://first/\u{1f}http://localhost:8080/simple/\u{1c}\n";
        assert_eq!(standing(text, &index.url), Some(Standing::Extra));
        assert_eq!(add(text, &index), text);
        let removed = remove_index(text, &index).unwrap();
        assert_eq!(standing(&removed, &index.url), None);
        assert!(removed.contains("http://first/"));
    }

    #[test]
    fn other_items_comments_and_spellings_stay() {
        let text = "[global]\n# ours\nExtra_Index_URL =\n    https://one/simple\n    https://two/simple/\ntimeout = 5\n";
        let index = PipIndex {
            trusted_host: Some("h:80".to_owned()),
            ..extra("http://h:80/simple/")
        };
        let written = add(text, &index);
        let expected = "[global]\n# ours\nExtra_Index_URL =\n    https://one/simple\n    https://two/simple/\n    \
                        http://h:80/simple/\ntimeout = 5\ntrusted-host = h:80\n";
        assert_eq!(written, expected);
        assert_eq!(remove_index(&written, &index).unwrap(), text);
        assert_eq!(add(text, &extra("https://one/simple/")), text);
    }

    #[test]
    fn the_only_index_replaces_the_extra_one_and_the_reverse() {
        let url = "http://localhost:8080/simple/";
        let only = PipIndex {
            is_only: true,
            ..extra(url)
        };
        let text = "[global]\nextra-index-url = https://one/\n";
        let with_only = add(&add(text, &extra(url)), &only);
        assert_eq!(
            with_only,
            "[global]\nextra-index-url = https://one/\nindex-url = http://localhost:8080/simple/\n"
        );
        assert_eq!(other_index_url(&with_only, url), None);
        assert_eq!(
            other_index_url("[global]\nindex_url = http://x\n", url).as_deref(),
            Some("http://x")
        );
        let with_extra = add(&with_only, &extra(url));
        assert_eq!(
            with_extra,
            "[global]\nextra-index-url = https://one/ http://localhost:8080/simple/\n"
        );
        assert_eq!(remove_index(&with_extra, &only).unwrap(), text);
    }

    #[test]
    fn a_moved_index_leaves_no_old_address() {
        let text = add("", &extra("http://old/simple/"));
        let moved = add_index(
            &text,
            &extra("http://new/simple/"),
            Some(&extra("http://old/simple/")),
        )
        .unwrap();
        assert_eq!(moved, "[global]\nextra-index-url = http://new/simple/\n");
    }

    #[test]
    fn how_an_index_stands_is_read_from_any_spelling() {
        let url = "http://h/simple/";
        for (text, expected) in [
            ("[global]\nindex_url = http://h/simple\n", Some(Standing::Only)),
            (
                "[global]\nextra-index-url =\n  https://one/\n  http://h/simple/\n",
                Some(Standing::Extra),
            ),
            ("[global]\nindex-url = https://one/\n", None),
            ("", None),
        ] {
            assert_eq!(standing(text, url), expected, "{text}");
        }
        let text = "[install]\nextra-index-url = http://h/simple\n[global]\ntrusted-host = h\n";
        assert_eq!(keys_naming(text, url), ["[install] extra-index-url"]);
    }

    #[test]
    fn keys_of_install_are_told() {
        let text = "[install]\nextra_index_url = x\nindex-url = y\n";
        assert_eq!(shadowing_keys(text, false), ["[install] extra_index_url"]);
        assert_eq!(shadowing_keys(text, true), ["[install] index-url"]);
    }

    #[test]
    fn the_newer_place_counts_where_there_is_a_file() {
        let home = Path::new("/home/alice");
        let pick = |platform, variables: &[(&str, &str)], existing: &[&str]| {
            let environment = Environment::for_testing(home, variables);
            let files = user_files(&environment, platform, |path| {
                existing.iter().any(|other| Path::new(other) == path)
            });
            let files = files.unwrap();
            (
                files.path.to_str().unwrap().to_owned(),
                files.others == [Path::new("/home/alice/.pip/pip.conf")],
            )
        };
        let older = || ("/home/alice/.pip/pip.conf".to_owned(), false);
        let dot_config = "/home/alice/.config/pip/pip.conf";
        assert_eq!(pick(Platform::Unix, &[], &[]), older());
        assert_eq!(
            pick(Platform::Unix, &[], &[dot_config]),
            (dot_config.to_owned(), false)
        );
        assert_eq!(
            pick(Platform::Unix, &[], &[dot_config, "/home/alice/.pip/pip.conf"]),
            (dot_config.to_owned(), true)
        );
        assert_eq!(
            pick(Platform::Unix, &[("XDG_CONFIG_HOME", "/c")], &[dot_config]),
            older()
        );
        let in_c = ("/c/pip/pip.conf".to_owned(), false);
        assert_eq!(
            pick(Platform::Unix, &[("XDG_CONFIG_HOME", "/c")], &["/c/pip/pip.conf"]),
            in_c
        );
        let library = "/home/alice/Library/Application Support/pip/pip.conf";
        assert_eq!(
            pick(Platform::MacOs, &[], &[library, dot_config]),
            (library.to_owned(), false)
        );
        assert_eq!(
            pick(Platform::MacOs, &[], &[dot_config]),
            (dot_config.to_owned(), false)
        );
        assert_eq!(pick(Platform::MacOs, &[], &[]), older());
        let roaming = "/home/alice/AppData/Roaming/pip/pip.ini";
        assert_eq!(
            pick(Platform::Windows, &[], &[roaming]),
            (roaming.to_owned(), false)
        );
        assert_eq!(
            pick(Platform::Windows, &[], &[]),
            ("/home/alice/pip/pip.ini".to_owned(), false)
        );
    }

    #[test]
    fn python_reads_what_was_written_and_nothing_else_changed() {
        let index = PipIndex {
            trusted_host: Some("h".to_owned()),
            ..extra("http://h/simple/")
        };
        let (before, after): (Vec<String>, Vec<String>) = samples(&ini_text(), 1_500)
            .into_iter()
            .filter_map(|text| add_index(&text, &index, None).ok().map(|written| (text, written)))
            .unzip();
        assert!(after.len() > 300, "{}", after.len());
        let Some(by_python) = read_by_python(&after) else {
            eprintln!("skipped: there is no python3");
            return;
        };
        for ((before, after), found) in before.iter().zip(&after).zip(by_python) {
            let mut found = found.unwrap();
            let mut expected = read_by_us(before).unwrap();
            let (new, old) = (
                found.get_mut(SECTION).unwrap(),
                expected.entry(SECTION.to_owned()).or_default(),
            );
            for (key, item) in [("extra-index-url", "http://h/simple/"), ("trusted-host", "h")] {
                let list = new.remove(key).unwrap();
                let others = old.remove(key).unwrap_or_default();
                let wanted = others.split_whitespace().chain([item]);
                assert!(list.split_whitespace().eq(wanted), "{before:?} became {after:?}");
            }
            assert_eq!(found, expected, "{before:?} became {after:?}");
        }
    }

    proptest! {
        #[test]
        fn adding_is_idempotent_and_reversible(text in ini_text()) {
            let index = PipIndex { trusted_host: Some("h".to_owned()), ..extra("http://h/simple/") };
            if let Ok(once) = add_index(&text, &index, None) {
                prop_assert_eq!(&add(&once, &index), &once);
                let ends_well = text.ends_with(['\n', '\r']);
                let is_new = !IniDocument::parse(text.clone()).unwrap().has_section(SECTION);
                if is_new && ends_well && !text.trim().is_empty() {
                    prop_assert_eq!(remove_index(&once, &index).unwrap(), text);
                }
            }
        }
    }
}
