//! pypiserver's command line, as it is typed and as it stands in old scripts and containers.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::http::get;
use crate::support::{Outcome, Testbed, tools};

/// What `--show-config` shows of these words.
fn shown(testbed: &Testbed, words: &[&str]) -> BTreeMap<String, String> {
    let outcome = testbed
        .run(["serve", "--show-config"].iter().chain(words))
        .expect_code(0);
    let lines = outcome.stdout.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once("  # ")?.0.split_once(" = "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Reads command lines, a JSON list of lists, by pypiserver's own parser.
const READ_BY_PYPISERVER: &str = r#"
import contextlib, io, json, sys
from pypiserver.config import Config
for words in json.loads(sys.argv[1]):
    read = None
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            c = Config.from_args(words)
            read = {"roots": [str(r) for r in c.roots], "port": c.port, "host": c.host, "verbose": c.verbosity,
                    "overwrite": c.overwrite, "authenticate": sorted(c.authenticate),
                    "passwords": c.password_file, "disable-fallback": c.disable_fallback,
                    "fallback-url": c.fallback_url, "hash-algo": c.hash_algo, "log-file": c.log_file}
        except SystemExit:
            pass
    print(json.dumps(read))
"#;

fn read_by_pypiserver(testbed: &Testbed, lines: &[Vec<&str>]) -> Option<Vec<Value>> {
    let tool = tools::pypiserver().ok()?;
    let lines = serde_json::to_string(lines).unwrap();
    let outcome = Outcome::of(tool.python(testbed).args(["-c", READ_BY_PYPISERVER, &lines])).expect_code(0);
    Some(
        outcome
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// What we show, in pypiserver's terms.
fn in_its_terms(testbed: &Testbed, shown: &BTreeMap<String, String>) -> Value {
    let text = |key: &str| shown.get(key).map(|value| value.trim_matches('"').to_owned());
    let path = |key: &str| {
        let home = format!("{}/", testbed.home().display());
        text(key).map(|path| path.strip_prefix(&home).unwrap_or(&path).to_owned())
    };
    let roots: Vec<String> = shown.get("roots").map_or_else(
        || vec![testbed.path("packages").display().to_string()],
        |list| serde_json::from_str(list).unwrap(),
    );
    let mut authenticate: Vec<String> = text("authenticate")
        .unwrap_or_else(|| "update".to_owned())
        .split(',')
        .map(|action| action.trim().to_lowercase())
        .filter(|action| action != ".")
        .collect();
    authenticate.sort();
    authenticate.dedup();
    serde_json::json!({
        "roots": roots,
        "port": text("port").unwrap().parse::<u16>().unwrap(),
        "host": text("host"),
        "verbose": text("verbose").unwrap().parse::<u8>().unwrap(),
        "overwrite": text("overwrite").unwrap() == "true",
        "authenticate": authenticate,
        "passwords": path("passwords"),
        "disable-fallback": text("disable-fallback").unwrap() == "true",
        "fallback-url": text("fallback-url"),
        "hash-algo": text("hash-algo"),
        "log-file": path("log-file"),
    })
}

#[test]
fn command_lines_mean_what_they_mean_to_pypiserver() {
    let testbed = Testbed::new();
    testbed.write("htpasswd", "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
    for folder in ["packages", "one", "two"] {
        std::fs::create_dir_all(testbed.path(folder)).unwrap();
    }
    let (one, two) = (
        testbed.path("one").display().to_string(),
        testbed.path("two").display().to_string(),
    );
    let (one, two) = (one.as_str(), two.as_str());
    let lines = [
        vec![],
        vec!["run"],
        vec!["run", one],
        vec![one],
        vec!["run", "-p", "8081", one, two],
        vec!["run", one, two, "-p", "8081"],
        vec!["-p", "8081", one],
        vec![one, "-p", "8081"],
        vec!["run", "-p8081", "-ov", "-v", one],
        vec!["run", "-vv", "-o", "-i", "127.0.0.1", one],
        vec!["run", "-H", "::1", one],
        vec!["run", "--interface=127.0.0.1", one],
        vec!["run", "--host", "localhost", "--verbose", one],
        vec!["run", "-a", ".", "-P", ".", one],
        vec!["-P", "htpasswd", "-a", "Update, list,update", one],
        vec!["run", "--auth", "list,update", "--pass", "htpasswd", one],
        vec!["run", "-P", "htpasswd", "-a", "list", "-a", "download", one],
        vec!["run", "-p", "1", "-p", "2", "-i", "a", "-H", "b", one],
        vec!["run", "--disable", "--over", "--hash", "md5", one],
        vec![
            "run",
            "--fall",
            "http://127.0.0.1:9/simple",
            "--log-fi",
            "x.log",
            one,
        ],
        vec!["run", "-o", "--", one],
        vec!["run", "--", one],
    ];
    let Some(theirs) = read_by_pypiserver(&testbed, &lines) else {
        return;
    };
    for (words, theirs) in lines.iter().zip(&theirs) {
        assert!(!theirs.is_null(), "pypiserver does not take {words:?}");
        let ours = in_its_terms(&testbed, &shown(&testbed, words));
        let theirs = with_default_fallback(theirs, &ours);
        assert_eq!(ours, theirs, "{words:?}");
    }
}

/// Its default for the fallback ends in a slash.
fn with_default_fallback(theirs: &Value, ours: &Value) -> Value {
    let mut theirs = theirs.clone();
    let trimmed = theirs["fallback-url"]
        .as_str()
        .unwrap()
        .trim_end_matches('/')
        .to_owned();
    if ours["fallback-url"] == Value::String(trimmed) {
        theirs["fallback-url"] = ours["fallback-url"].clone();
    }
    theirs
}

/// Each beginning of each of its long options, by its own parser: `--h` is nothing, `--ho` is `--host`.
#[test]
fn long_options_may_be_cut_short_as_far_as_pypiserver_understands_them() {
    const TELL_PREFIXES: &str = r#"
import json
from pypiserver.config import get_parser
run = get_parser()._subparsers._group_actions[0].choices["run"]
names = sorted(n for n in run._option_string_actions if n.startswith("--"))
found = {}
for name in names:
    for end in range(3, len(name) + 1):
        meant = run._option_string_actions.get(name[:end])
        options = [name[:end]] if meant else [n for n in names if n.startswith(name[:end])]
        found[name[:end]] = options[0] if len(options) == 1 else None
print(json.dumps(found))
"#;
    let testbed = Testbed::new();
    let Ok(tool) = tools::pypiserver() else { return };
    let outcome = Outcome::of(tool.python(&testbed).args(["-c", TELL_PREFIXES])).expect_code(0);
    let prefixes: BTreeMap<String, Option<String>> = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(prefixes.len() > 100);
    let program = pkgctl::command();
    let serve = program.find_subcommand("serve").unwrap();
    let known = |name: &str| {
        serve.get_arguments().find(|option| {
            let name = name.trim_start_matches("--");
            option.get_long() == Some(name) || option.get_all_aliases().is_some_and(|all| all.contains(&name))
        })
    };
    // An unknown word behind it ends the call, and its name tells how far the parser came.
    for (prefix, meant) in prefixes {
        let Some(meant) = meant else {
            // What is ambiguous there has no meaning here either, unless it is an option of ours.
            if known(&prefix).is_none() {
                testbed
                    .run(["serve", &prefix, "--show-config"])
                    .expect_failure(2, &prefix);
            }
            continue;
        };
        let Some(option) = known(&meant) else { continue };
        let mut words = vec!["serve", prefix.as_str()];
        if option.get_action().takes_values() {
            words.push("1");
        }
        words.push("--no-such-option");
        let outcome = testbed.run(&words).expect_code(2);
        assert!(
            outcome.stderr.contains("--no-such-option") || outcome.stderr.contains(&format!("'{meant}")),
            "{prefix}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn run_is_pypiserver_s_word_and_never_a_folder() {
    let testbed = Testbed::new();
    let roots = |words: &[&str]| shown(&testbed, words).remove("roots");
    let home = testbed.home().display().to_string();
    let folder = |name: &str| Some(format!("[\"{home}/{name}\"]"));
    assert_eq!(roots(&["run"]), None);
    assert_eq!(roots(&["run", "one"]), folder("one"));
    assert_eq!(roots(&["-p", "1", "run", "one"]), folder("one"));
    assert_eq!(roots(&["-P", "run", "one"]), folder("one"));
}

#[test]
fn a_folder_named_run_is_written_with_its_path() {
    let testbed = Testbed::new();
    std::fs::create_dir_all(testbed.path("run")).unwrap();
    let roots = |words: &[&str]| shown(&testbed, words).remove("roots");
    let folder = Some(format!("[\"{}/run\"]", testbed.home().display()));
    assert_eq!(roots(&["./run"]).map(|roots| roots.replace("/./", "/")), folder);
    assert_eq!(roots(&["run", "run"]), folder);
    assert_eq!(roots(&["--", "run"]), folder);
    let server = testbed
        .serve(["run", "one", "-P", ".", "-a", "."].map(|word| if word == "one" { "." } else { word }));
    assert!(
        server.log().contains("write ./run for the folder"),
        "{}",
        server.log()
    );
}

#[test]
fn options_without_effect_say_what_to_do_instead() {
    let testbed = Testbed::new();
    let server = testbed.serve([
        "--server",
        "waitress",
        "--backend=cached-dir",
        "--log-req-frmt",
        "%s",
        "--log-res-frmt",
        "%s",
        "--log-err-frmt",
        "%s",
        ".",
    ]);
    let log = server.log();
    assert!(log.contains("--server and --backend ignored"), "{log}");
    assert!(
        log.contains("--log-req-frmt and --log-res-frmt and --log-err-frmt ignored")
            && log.contains("--log-format json"),
        "{log}"
    );
    get(&server.url, "/simple/", &[]).expect(200);
}

#[test]
fn fetching_updates_is_no_part_of_a_server() {
    let testbed = Testbed::new();
    for words in [
        &["update", "packages"][..],
        &["-v", "update", "-x", "packages"],
        &["-U", "packages"],
        &["-Ux", "-d", "elsewhere", "packages"],
        &["packages", "-x"],
    ] {
        let outcome = testbed
            .run(["serve"].iter().chain(words))
            .expect_failure(2, "pypiserver");
        assert!(
            outcome.stderr.contains("pip download"),
            "{words:?}: {}",
            outcome.stderr
        );
    }
    // Only in its place; a folder of that name has a path.
    assert!(shown(&testbed, &["one", "update"]).contains_key("roots"));
    assert!(shown(&testbed, &["./update"]).contains_key("roots"));
}

#[test]
fn serve_tells_its_version() {
    let testbed = Testbed::new();
    for words in [["serve", "--version"], ["serve", "-V"]] {
        let outcome = testbed.run(words).expect_code(0);
        assert_eq!(
            outcome.stdout,
            concat!("pkgctl ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}

#[test]
fn words_that_make_no_sense_are_told_like_every_failure() {
    let testbed = Testbed::new();
    for (words, told, remedy) in [
        (&["upload"][..], "upload", "pkgctl publish"),
        (&["server"], "server", "pkgctl serve"),
        (&["login"], "login", "pkgctl configure"),
        (&["htpasswd"], "htpasswd", "pkgctl adduser"),
        (&["passwd"], "passwd", "pkgctl adduser"),
        (&["serv"], "serv", "pkgctl serve"),
        (&["xyzzy"], "xyzzy", "pkgctl --help"),
        (&["serve", "--prot", "1"], "--prot", "`--port`"),
        (&["serve", "--xyzzy"], "--xyzzy", "pkgctl serve --help"),
        (&["serve", "--log-format", "jsn"], "jsn", "`json`"),
        (&["serve", "-p"], "--port", "pkgctl serve --help"),
        (&["publish", "--repositry", "x"], "--repositry", "`--repository`"),
        (&["completions", "tcsh"], "tcsh", "`zsh`"),
    ] {
        let outcome = testbed.run(words).expect_failure(2, told);
        assert!(outcome.stderr.contains(remedy), "{words:?}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("tip:"), "{words:?}: {}", outcome.stderr);
        assert!(
            outcome.stderr.starts_with("error: ") && outcome.stdout.is_empty(),
            "{words:?}"
        );
    }
}
