//! What `Cargo.lock` builds in, held against `deny.toml`: `cargo deny` says the same and more, where it is installed.

use std::cmp::Ordering;
use std::fs;

use toml_edit::{Array, DocumentMut, InlineTable, Item};

use crate::support::blessed::project_path;

fn read(path: &str) -> DocumentMut {
    fs::read_to_string(project_path(path)).unwrap().parse().unwrap()
}

fn texts(list: &Array) -> Vec<&str> {
    list.iter().map(|value| value.as_str().unwrap()).collect()
}

/// A list of inline tables.
fn tables(list: &Item) -> impl Iterator<Item = &InlineTable> {
    let list = list.as_array().unwrap().iter();
    list.map(|value| value.as_inline_table().unwrap())
}

fn text<'a>(table: &'a InlineTable, key: &str) -> &'a str {
    table.get(key).unwrap().as_str().unwrap()
}

/// The numbers of a version, without what stands behind a dash or a plus.
fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['-', '+']).next().unwrap();
    release.split('.').map(|number| number.parse().unwrap()).collect()
}

/// Whether a version is among those that `spec` bans: `NAME`, or `NAME:` and bounds such as `>=1.3.0, <2.3.0`.
fn is_banned(spec: &str, name: &str, version: &str) -> bool {
    let (banned, bounds) = spec.split_once(':').unwrap_or((spec, ""));
    let within = |bound: &str| {
        let (is_met, than): (fn(Ordering) -> bool, _) = match bound.trim() {
            "" => return true,
            bound if bound.starts_with(">=") => (Ordering::is_ge, &bound[2..]),
            bound if bound.starts_with('<') => (Ordering::is_lt, &bound[1..]),
            other => panic!("a bound that this test does not know: {other}"),
        };
        is_met(numbers(version).cmp(&numbers(than)))
    };
    banned == name && bounds.split(',').all(within)
}

#[test]
fn bounds_are_understood() {
    assert!(is_banned("tar:<0.4.45", "tar", "0.4.44"));
    assert!(!is_banned("tar:<0.4.45", "tar", "0.4.45"));
    assert!(is_banned("zip:>=1.3.0, <2.3.0", "zip", "2.2.4"));
    assert!(!is_banned("zip:>=1.3.0, <2.3.0", "zip", "1.2.9"));
    assert!(is_banned("tokio-tar", "tokio-tar", "9.9.9"));
    assert!(!is_banned("tokio-tar", "tar", "0.4.46"));
}

#[test]
fn j1_no_crate_is_built_in_that_is_known_to_be_deceived() {
    let deny = read("deny.toml");
    for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock"] {
        for package in read(lock)["package"].as_array_of_tables().unwrap() {
            let [name, version] = ["name", "version"].map(|key| package[key].as_str().unwrap());
            for ban in tables(&deny["bans"]["deny"]) {
                let is_banned = is_banned(text(ban, "crate"), name, version);
                assert!(!is_banned, "{lock} has {name} {version}: {}", text(ban, "reason"));
            }
            let Some(source) = package.get("source").and_then(Item::as_str) else {
                continue;
            };
            assert!(source.starts_with("registry+"), "{lock} has {name} from {source}");
            assert!(
                package.contains_key("checksum"),
                "{lock} has {name} without a checksum"
            );
        }
    }
}

/// The licenses that the crates state themselves, where their sources are at hand.
#[test]
fn every_license_is_allowed() {
    let deny = read("deny.toml");
    let allowed = texts(deny["licenses"]["allow"].as_array().unwrap());
    let output = std::process::Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--manifest-path",
        ])
        .arg(project_path("Cargo.toml"))
        .output()
        .unwrap();
    let Ok(metadata) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
        eprintln!("skipped: not all crates have been fetched");
        return;
    };
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        // Before there was a grammar for it, a slash stood between alternatives.
        let stated = package["license"]
            .as_str()
            .unwrap_or_default()
            .replace('/', " OR ");
        let own: Vec<&str> = tables(&deny["licenses"]["exceptions"])
            .filter(|exception| text(exception, "crate") == name)
            .flat_map(|exception| texts(exception.get("allow").unwrap().as_array().unwrap()))
            .collect();
        let is_allowed = |license: &spdx::LicenseReq| {
            let license = license.to_string();
            allowed.contains(&license.as_str()) || own.contains(&license.as_str())
        };
        let expression = spdx::Expression::parse(&stated);
        assert!(
            expression.is_ok_and(|expression| expression.evaluate(is_allowed)),
            "{name} is licensed as `{stated}`"
        );
    }
}

#[test]
fn nothing_of_ours_is_unsafe() {
    assert_eq!(
        read("Cargo.toml")["lints"]["rust"]["unsafe_code"].as_str(),
        Some("forbid")
    );
}
