//! Where settings come from: flag over variable over `pkgctl.toml` over default, and `--show-config`, which tells.

use std::collections::BTreeMap;

use crate::support::distributions::wheel;
use crate::support::http::get;
use crate::support::upload::form_for;
use crate::support::{Outcome, Server, Testbed};

/// What `--show-config` shows: for each key its value as TOML has it, and the comment behind it.
fn shown(
    testbed: &Testbed,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> BTreeMap<String, (String, String)> {
    let mut command = testbed.pkgctl(["serve", "--show-config"]);
    command.args(arguments).envs(variables.iter().copied());
    let outcome = Outcome::of(&mut command).expect_code(0);
    assert_eq!(outcome.stderr, "", "what was asked for goes to stdout");
    let lines = outcome.stdout.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, rest)| {
            let (value, origin) = rest.rsplit_once("  # ").unwrap();
            (key.to_owned(), (value.to_owned(), origin.to_owned()))
        })
        .collect()
}

fn fails(testbed: &Testbed, content: &str) -> Outcome {
    testbed.write("bad.toml", content);
    testbed.run(["serve", "-p", "0", "--config", "bad.toml", "."])
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let testbed = Testbed::new();
    testbed.write(
        "some.toml",
        "port = 4001\nhash-algo = \"md5\"\nprivate = [\"of-the-file\"]\nmax-upload-size = '3M'\nverbose = 1\n\
         roots = ['of-the-file']\noverwrite = true\nlog-stream = \"stdout\"\n",
    );
    let file = ["--config", "some.toml"];
    let variables = [
        ("PKGCTL_PORT", "4002"),
        ("PKGCTL_HASH_ALGO", "sha384"),
        ("PKGCTL_PRIVATE", "of-the-variable,b"),
        ("PKGCTL_MAX_UPLOAD_SIZE", "4M"),
        ("PKGCTL_VERBOSE", "2"),
        ("PKGCTL_ROOTS", "/of/the/variable:/b"),
        ("PKGCTL_OVERWRITE", "no"),
        ("PKGCTL_LOG_STREAM", "none"),
    ];
    let flags = [
        "-p",
        "4003",
        "--hash-algo",
        "sha512",
        "--private",
        "of-the-flag",
        "--max-upload-size",
        "5M",
        "-vvv",
        "/of/the/flag",
        "-o",
        "--log-stream",
        "stderr",
    ];
    let keys = [
        "port",
        "hash-algo",
        "private",
        "max-upload-size",
        "verbose",
        "roots",
        "overwrite",
        "log-stream",
    ];
    let values = |arguments: &[&str], variables: &[(&str, &str)]| {
        let shown = shown(&testbed, arguments, variables);
        keys.map(|key| shown.get(key).map_or("", |(value, _)| value).to_owned())
    };
    let all: Vec<&str> = file.iter().chain(&flags).copied().collect();
    let of_the_file = format!("[\"{}\"]", testbed.path("of-the-file").display());
    assert_eq!(
        values(&[], &[]),
        ["8080", "\"sha256\"", "", "\"2G\"", "0", "", "false", "\"stderr\""]
    );
    assert_eq!(
        values(&file, &[]),
        [
            "4001",
            "\"md5\"",
            "[\"of-the-file\"]",
            "\"3M\"",
            "1",
            &of_the_file,
            "true",
            "\"stdout\""
        ]
    );
    assert_eq!(
        values(&file, &variables),
        [
            "4002",
            "\"sha384\"",
            "[\"of-the-variable\", \"b\"]",
            "\"4M\"",
            "2",
            "[\"/of/the/variable\", \"/b\"]",
            "false",
            "\"none\""
        ]
    );
    assert_eq!(
        values(&all, &variables),
        [
            "4003",
            "\"sha512\"",
            "[\"of-the-flag\"]",
            "\"5M\"",
            "3",
            "[\"/of/the/flag\"]",
            "true",
            "\"stderr\""
        ]
    );
}

#[test]
fn each_value_tells_where_it_comes_from() {
    let testbed = Testbed::new();
    let file = testbed.write("some.toml", "# mine\nhost = \"127.0.0.1\"\n");
    let shown = shown(
        &testbed,
        &["--config", "some.toml", "-p", "1"],
        &[("PKGCTL_OVERWRITE", "1")],
    );
    let origin = |key: &str| shown[key].1.as_str();
    assert_eq!(origin("port"), "--port");
    assert_eq!(origin("overwrite"), "PKGCTL_OVERWRITE");
    assert_eq!(origin("host"), format!("{}, line 2", file.display()));
    assert_eq!(origin("hash-algo"), "default");
}

#[test]
fn every_flag_is_a_key() {
    let testbed = Testbed::new();
    let text = testbed.run(["serve", "--show-config"]).expect_code(0).stdout;
    let program = pkgctl::command();
    let serve = program.find_subcommand("serve").unwrap();
    let mut keys = 0;
    for option in serve.get_arguments() {
        let long = option.get_long().unwrap_or("roots");
        let without_effect = option
            .get_help()
            .is_some_and(|help| help.to_string().starts_with("Ignored"));
        if without_effect || ["config", "show-config", "help", "version"].contains(&long) {
            continue;
        }
        let is_shown = [format!("{long} = "), format!("# {long} is not set")]
            .iter()
            .any(|start| text.lines().any(|line| line.starts_with(start.as_str())));
        assert!(is_shown, "`{long}` is missing:\n{text}");
        keys += 1;
    }
    assert!(keys > 12, "{keys}");
}

#[test]
fn what_is_shown_gives_the_same_settings_again() {
    let testbed = Testbed::new();
    let arguments = [
        "-p",
        "4003",
        "-H",
        "::1",
        "-P",
        "a \"quoted\"\\file\u{e4}",
        "-a",
        "list, update",
        "--private",
        "a-*",
        "--private",
        "b",
        "-o",
        "-vv",
        "--state-dir",
        "~/state",
        "--log-frmt",
        "%(levelname)s\t%(message)s",
        "--log-file",
        "x#y.log",
        "one",
        "two three",
    ];
    let first = shown(&testbed, &arguments, &[]);
    let text = testbed
        .run(["serve", "--show-config"].iter().chain(&arguments))
        .stdout;
    testbed.write("elsewhere/again.toml", &text);
    let again = shown(&testbed, &["--config", "elsewhere/again.toml"], &[]);
    let values = |shown: &BTreeMap<String, (String, String)>| -> BTreeMap<String, String> {
        shown
            .iter()
            .map(|(key, (value, _))| (key.clone(), value.clone()))
            .collect()
    };
    assert_eq!(values(&again), values(&first));
    assert!(values(&again).len() > 12);
    assert!(first["state-dir"].0.contains("/home/state"), "{first:?}");
    // Without anything set, too.
    let text = testbed.run(["serve", "--show-config"]).stdout;
    testbed.write("default.toml", &text);
    assert_eq!(
        values(&shown(&testbed, &["--config", "default.toml"], &[])),
        values(&shown(&testbed, &[], &[]))
    );
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let testbed = Testbed::new();
    let outcome = testbed
        .run([
            "serve",
            "--show-config",
            "--fallback-url",
            "https://alice:hunter2@index.example/simple",
        ])
        .expect_code(0);
    assert!(!outcome.stdout.contains("hunter2"), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("# fallback-url = ****"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn the_file_is_the_named_one_or_the_folder_s_or_the_user_s() {
    let testbed = Testbed::new();
    let port = |arguments: &[&str], variables: &[(&str, &str)]| {
        shown(&testbed, arguments, variables)["port"].0.clone()
    };
    assert_eq!(port(&[], &[]), "8080");
    testbed.write(".config/pkgctl/pkgctl.toml", "port = 1\nhash-algo = 'md5'");
    assert_eq!(port(&[], &[]), "1");
    testbed.write("elsewhere/pkgctl/pkgctl.toml", "port = 2");
    let moved = testbed.path("elsewhere");
    assert_eq!(port(&[], &[("XDG_CONFIG_HOME", moved.to_str().unwrap())]), "2");
    testbed.write("packages/.pkgctl/pkgctl.toml", "port = 3");
    assert_eq!(port(&[], &[]), "3");
    // Files are not mixed: what one leaves out is the default.
    assert_eq!(shown(&testbed, &[], &[])["hash-algo"].0, "\"sha256\"");
    testbed.write("other/.pkgctl/pkgctl.toml", "port = 4");
    assert_eq!(port(&["other", "packages"], &[]), "4");
    assert_eq!(port(&["run", "other"], &[]), "4");
    assert_eq!(port(&[], &[("PKGCTL_ROOTS", "other:packages")]), "4");
    testbed.write("named.toml", "port = 5");
    assert_eq!(port(&["other"], &[("PKGCTL_CONFIG", "named.toml")]), "5");
    testbed.write("flagged.toml", "port = 6");
    assert_eq!(
        port(
            &["--config", "~/flagged.toml"],
            &[("PKGCTL_CONFIG", "named.toml")]
        ),
        "6"
    );
    assert_eq!(port(&["other"], &[("PKGCTL_CONFIG", "")]), "4");
    assert_eq!(port(&["--config", "/dev/null"], &[]), "8080");
}

#[test]
fn paths_start_from_the_file_s_folder() {
    let testbed = Testbed::new();
    testbed.write(
        "etc/pkgctl.toml",
        "roots = ['packages', '/srv/more', '~/mine']\npasswords = 'htpasswd'\nlog-file = '../log'",
    );
    let shown = shown(&testbed, &["--config", "etc/pkgctl.toml"], &[]);
    let home = testbed.home().display().to_string();
    assert_eq!(
        shown["roots"].0,
        format!("[\"{home}/etc/packages\", \"/srv/more\", \"{home}/mine\"]")
    );
    assert_eq!(shown["passwords"].0, format!("\"{home}/etc/htpasswd\""));
    assert_eq!(shown["log-file"].0, format!("\"{home}/etc/../log\""));
}

#[test]
fn a_server_runs_by_its_file() {
    let testbed = Testbed::new();
    testbed.write(
        "packages/.pkgctl/pkgctl.toml",
        "host = '127.0.0.1'\nport = 0\npasswords = '.'\nauthenticate = '.'\ndisable-fallback = true\n\
         max-upload-size = 2048\n",
    );
    let server = Server::start(testbed.pkgctl(["serve"]));
    assert!(
        server.log().contains("packages/.pkgctl/pkgctl.toml"),
        "{}",
        server.log()
    );
    get(&server.url, "/simple/absent/", &[]).expect(404);
    form_for(&wheel("lib", "1.0").build())
        .post(&server.url, &[])
        .expect(200);
    let large = wheel("lib", "2.0").padding(1 << 16, 1).build();
    form_for(&large).post(&server.url, &[]).expect(413);
}

#[test]
fn a_file_that_can_t_be_used_is_named_with_line_and_key() {
    let testbed = Testbed::new();
    for (content, line, key, remedy) in [
        // No TOML.
        ("port = \n", "line 1", "", "key = value"),
        ("\nport 8080\n", "line 2", "", "key = value"),
        ("port = 1\nport = 2\n", "line 2", "duplicate", "key = value"),
        // Kinds that no setting has.
        ("port = 80.5\n", "line 1", "port", "whole number"),
        ("[serve]\nport = 1\n", "line 1", "serve", "key = value"),
        // Keys that there are not.
        ("\nprot = 1\n", "line 2", "prot", "did you mean `port`?"),
        (
            "max_upload_size = '1G'\n",
            "line 1",
            "max_upload_size",
            "did you mean `max-upload-size`?",
        ),
        (
            "interface = '::'\n",
            "line 1",
            "interface",
            "did you mean `host`?",
        ),
        ("folders = ['a']\n", "line 1", "folders", "did you mean `roots`?"),
        ("config = 'other.toml'\n", "line 1", "config", "--show-config"),
        ("backend = 'auto'\n", "line 1", "backend", ""),
        // Values that the option does not take.
        ("port = 'http'\n", "line 1", "port", "port = 8080"),
        ("port = 99999\n", "line 1", "port", "port = 8080"),
        ("port = true\n", "line 1", "port", "port = 8080"),
        ("overwrite = 'yes'\n", "line 1", "overwrite", "overwrite = true"),
        ("verbose = -1\n", "line 1", "verbose", "verbose = 1"),
        ("host = ['a', 'b']\n", "line 1", "host", "host = \"0.0.0.0\""),
        (
            "hash-algo = 'crc32'\n",
            "line 1",
            "hash-algo",
            "hash-algo = \"sha256\"",
        ),
        ("max-upload-size = 'lots'\n", "line 1", "max-upload-size", "2G"),
        ("log-frmt = '%(nonsense)s'\n", "line 1", "log-frmt", "--log-frmt"),
        // Values that make no sense only together with others.
        ("# a\nprivate = ['corp-[']\n", "line 2", "private", "corp-*"),
        (
            "authenticate = 'explode'\n",
            "line 1",
            "authenticate",
            "-a update,download",
        ),
        (
            "fallback-url = 'ftp://x/'\n",
            "line 1",
            "fallback-url",
            "https://",
        ),
    ] {
        let outcome = fails(&testbed, content).expect_failure(2, "bad.toml");
        for told in [line, key, remedy] {
            assert!(
                outcome.stderr.contains(told),
                "{content:?} without `{told}`:\n{}",
                outcome.stderr
            );
        }
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn a_mistake_in_the_file_is_told_although_a_flag_hides_it() {
    let testbed = Testbed::new();
    testbed.write("bad.toml", "port = 'http'\n");
    testbed
        .run(["serve", "--config", "bad.toml", "--port", "0", "--show-config"])
        .expect_failure(2, "bad.toml");
}

#[test]
fn a_named_file_must_be_there_and_an_implicit_one_must_be_sound() {
    let testbed = Testbed::new();
    testbed
        .run(["serve", "--config", "nowhere.toml"])
        .expect_failure(2, "nowhere.toml");
    testbed.write("folder.toml/x", "");
    testbed
        .run(["serve", "--config", "folder.toml"])
        .expect_failure(1, "folder.toml");
    testbed.write("latin.toml", b"host = '\xe4'");
    testbed
        .run(["serve", "--config", "latin.toml"])
        .expect_failure(1, "latin.toml");
    for implicit in ["packages/.pkgctl/pkgctl.toml", ".config/pkgctl/pkgctl.toml"] {
        let file = testbed.write(implicit, "port = \n");
        testbed.run(["serve"]).expect_failure(2, implicit);
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn a_variable_that_is_refused_is_named() {
    let testbed = Testbed::new();
    for (variable, value) in [
        ("PKGCTL_PORT", "http"),
        ("PKGCTL_LOG_STREAM", "printer"),
        ("PKGCTL_PRIVATE", "corp-["),
    ] {
        let mut command = testbed.pkgctl(["serve", "-p", "0"]);
        if variable == "PKGCTL_PORT" {
            command = testbed.pkgctl(["serve"]);
        }
        Outcome::of(command.env(variable, value)).expect_failure(2, variable);
    }
}
