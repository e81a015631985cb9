//! `dev-server/`, as far as it can be judged without a container engine: its files are what they should be, and name only
//! what the program has. `tests/container/run` builds the images and runs them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::blessed::project_path;
use crate::support::foreign_server::free_port;
use crate::support::http::get;
use crate::support::{Outcome, Server, Testbed, tools};

fn text(name: &str) -> String {
    fs::read_to_string(project_path("dev-server").join(name)).unwrap()
}

/// The documents of a YAML file, by the YAML library that podman-compose brings; `None` where it can't be had.
fn documents(name: &str) -> Option<Vec<Value>> {
    let testbed = Testbed::new();
    let read = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let mut command = tools::podman_compose().ok()?.python(&testbed);
    command
        .args(["-c", read])
        .arg(project_path("dev-server").join(name));
    let outcome = Outcome::of(&mut command).expect_code(0);
    Some(serde_json::from_str(&outcome.stdout).unwrap())
}

/// The words of a list, or of a text.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(words) => words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_variable_that_is_named_exists() {
    let help: String = {
        let mut program = pkgctl::command();
        program.build();
        program
            .get_subcommands_mut()
            .map(|verb| verb.render_long_help().to_string())
            .collect()
    };
    for file in fs::read_dir(project_path("dev-server")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let is_of_name = |c: char| c.is_ascii_uppercase() || c == '_';
        for part in text.split("PKGCTL_").skip(1) {
            let name = format!("PKGCTL_{}", part.split(|c| !is_of_name(c)).next().unwrap());
            let is_known = name == "PKGCTL_" || help.replace(['\n', ' '], "").contains(&name);
            assert!(is_known, "{}: no verb reads {name}", path.display());
        }
    }
}

#[test]
fn every_command_line_that_is_shown_is_understood() {
    let mut shown = 0;
    for (file, at_least) in [
        ("README.md", 8),
        ("Containerfile", 1),
        ("kubernetes.yaml", 2),
        ("pkgctl.service", 2),
    ] {
        let calls = calls_of(&text(file));
        assert!(calls.len() >= at_least, "{file}: {calls:?}");
        for call in calls {
            assert_understood(&call[0], &call[1..]);
            shown += 1;
        }
    }
    assert!(shown > 13);
}

/// What stands behind the program's or an image's name, where that is a verb; up to the end of the command.
fn calls_of(text: &str) -> Vec<Vec<String>> {
    let verbs: BTreeSet<String> = pkgctl::command()
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .chain(["run".to_owned()])
        .collect();
    let text = text.replace("pkgctl-toolbox ", "pkgctl ");
    text.split("pkgctl ")
        .skip(1)
        .map(|call| {
            let call = call.split(['#', '`', '&', '|', ';', ',', '\n']).next().unwrap();
            call.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|words| words.first().is_some_and(|word| verbs.contains(word)))
        .collect()
}

/// Looks for the verb and each of its options.
fn assert_understood(verb: &str, words: &[String]) {
    let mut program = pkgctl::command();
    program.build();
    let name = if verb == "run" { "serve" } else { verb };
    let verb = program
        .find_subcommand(name)
        .unwrap_or_else(|| panic!("`{name}` is no verb"));
    for word in words
        .iter()
        .filter(|word| word.len() > 1 && word.starts_with('-'))
    {
        let option = word.split('=').next().unwrap();
        let is_known = verb.get_arguments().any(|argument| {
            let long = argument.get_long_and_visible_aliases().unwrap_or_default();
            let short = argument.get_short_and_visible_aliases().unwrap_or_default();
            long.iter().any(|long| format!("--{long}") == option)
                || short.iter().any(|short| format!("-{short}") == option)
        });
        assert!(is_known, "`pkgctl {name}` has no {word}");
    }
}

#[test]
fn the_containerfile_ends_in_a_small_image_without_rights() {
    let file = text("Containerfile");
    assert_eq!(text("Dockerfile"), file);
    let (_, image) = file.rsplit_once("\nFROM ").unwrap();
    assert!(image.starts_with("scratch "), "{image}");
    for line in [
        "USER 9898",
        "VOLUME /data/packages",
        "EXPOSE 8080",
        "STOPSIGNAL SIGTERM",
        "ENTRYPOINT [\"/usr/local/bin/pkgctl\"]",
        "CMD [\"serve\"]",
    ] {
        assert!(image.lines().any(|there| there == line), "no line `{line}`");
    }
    assert!(image.contains("CMD [\"/usr/local/bin/pkgctl\", \"doctor\", \"--live\"]"));
    // As old a compiler as the package takes.
    let minimum = fs::read_to_string(project_path("Cargo.toml")).unwrap();
    let minimum = minimum.split("rust-version = \"").nth(1).unwrap();
    let minimum = minimum.split('"').next().unwrap();
    assert!(file.contains(&format!("/rust:{minimum}-")), "not rust {minimum}");
    // What is built from, and nothing else, is sent to the engine.
    let ignored = fs::read_to_string(project_path(".dockerignore")).unwrap();
    let rules: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rules, ["*", "!Cargo.toml", "!Cargo.lock", "!src"]);
}

#[test]
fn the_compose_file_says_what_its_services_do() {
    let Some(documents) = documents("compose.yaml") else {
        return;
    };
    let compose = &documents[0];
    let services = compose["services"].as_object().unwrap();
    let names: BTreeSet<&str> = services.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        BTreeSet::from(["adduser", "build", "configure", "index", "publish"])
    );
    for (name, service) in services {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        // Only the index starts by itself.
        assert_eq!(service.get("profiles").is_none(), name == "index", "{name}");
        // An image of a bare name would be looked for in a registry, where anybody may put one.
        assert!(
            service["image"].as_str().unwrap().starts_with("localhost/"),
            "{name}"
        );
        let entrypoint = words(&service["entrypoint"]);
        if let Some([program, verb, rest @ ..]) = entrypoint.get(..).filter(|words| words.len() > 1)
            && program.ends_with("/pkgctl")
        {
            assert_understood(verb, rest);
        }
        for variable in words(&service["environment"]) {
            let secret = variable.starts_with("PKGCTL_PASSWORD");
            assert!(
                !secret || !variable.contains('='),
                "{name} has a password: {variable}"
            );
        }
    }
    assert_eq!(services["publish"]["secrets"][0], "pypirc");
    let publish = words(&services["publish"]["entrypoint"]).join(" ");
    assert!(
        publish.contains("pkgctl build --clear; exec pkgctl publish \"$$@\""),
        "{publish}"
    );
}

#[test]
fn podman_compose_takes_the_compose_file() {
    let Ok(tool) = tools::podman_compose() else { return };
    let testbed = Testbed::new();
    let mut command = tool.python(&testbed);
    command
        .args(["-m", "podman_compose", "--profile", "tools", "config"])
        .env("COMPOSE_FILE", project_path("dev-server/compose.yaml"))
        .env("PORT", "9123")
        .env("HOST_USER", "7:8")
        .env("PWD", "/some/project");
    let shown = Outcome::of(&mut command).expect_code(0).stdout;
    for part in [
        "9123:9123",
        "user: '7:8'",
        "user: 7:8",
        "/some/project:/source",
        "http://localhost:9123",
    ] {
        let is_user = part.starts_with("user");
        assert!(
            shown.contains(part) || is_user && shown.contains("7:8"),
            "`{part}` is not in\n{shown}"
        );
    }
}

#[test]
fn the_manifest_fits_together_and_asks_for_no_rights() {
    let Some(documents) = documents("kubernetes.yaml") else {
        return;
    };
    let of_kind = |kind: &str| {
        documents
            .iter()
            .find(|document| document["kind"] == kind)
            .unwrap()
    };
    let pod = &of_kind("Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let arguments = words(&container["args"]);
    assert_understood(&arguments[0], &arguments[1..]);
    let port = &container["ports"][0];
    assert_eq!(
        (&port["name"], &port["containerPort"]),
        (&"http".into(), &8080.into())
    );
    for (probe, path) in [
        ("startupProbe", "/health"),
        ("livenessProbe", "/health"),
        ("readinessProbe", "/ready"),
    ] {
        assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
        assert_eq!(container[probe]["httpGet"]["port"], "http", "{probe}");
    }
    assert_eq!(pod["securityContext"]["runAsUser"], 9898);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    let names = |kind: &str| &of_kind(kind)["metadata"]["name"];
    let claimed = &pod["volumes"][0]["persistentVolumeClaim"]["claimName"];
    assert_eq!(claimed, names("PersistentVolumeClaim"));
    assert_eq!(&pod["volumes"][1]["secret"]["secretName"], names("Secret"));
    // The variables of a Service called `pkgctl` would be taken for settings.
    assert_eq!(pod["enableServiceLinks"], false);
    assert_ne!(names("Service"), "pkgctl");
    assert_eq!(
        of_kind("Service")["spec"]["selector"],
        of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    );
    // What stands there until it is replaced lets nobody in.
    let passwords = of_kind("Secret")["stringData"]["htpasswd"].as_str().unwrap();
    let testbed = Testbed::new();
    let file = testbed.write("htpasswd", passwords);
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    testbed
        .run([
            "serve",
            "-p",
            "0",
            "-P",
            file.to_str().unwrap(),
            folder.to_str().unwrap(),
        ])
        .expect_failure(1, "htpasswd");
}

#[test]
fn systemd_takes_the_unit() {
    let unit = text("pkgctl.service");
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let words: Vec<String> = start.split_whitespace().map(str::to_owned).collect();
    assert_understood(&words[1], &words[2..]);
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    }
    // As installed, but for the place of the program.
    let testbed = Testbed::new();
    let installed = unit.replace("/usr/local/bin/pkgctl", crate::support::binary());
    let file = testbed.write("pkgctl.service", installed);
    let mut command = testbed.program("/usr/bin/systemd-analyze");
    let outcome = Outcome::of(command.args(["verify", "--man=no"]).arg(file)).expect_code(0);
    assert_eq!(outcome.stderr, "");
}

/// A health check knows nothing of the server but the variables that both have.
#[test]
fn live_without_an_address_asks_where_the_variables_have_the_server() {
    let testbed = Testbed::new();
    let port = free_port().to_string();
    let live = || {
        let mut command = testbed.pkgctl(["doctor", "--live"]);
        command
            .env("PKGCTL_PORT", &port)
            .env("PKGCTL_HEALTH_ENDPOINT", "/healthz");
        command
    };
    Outcome::of(&mut live()).expect_failure(1, &format!("http://127.0.0.1:{port}/healthz"));
    let mut serve = testbed.pkgctl(["run", "-i", "127.0.0.1"]);
    serve
        .env("PKGCTL_PORT", &port)
        .env("PKGCTL_HEALTH_ENDPOINT", "/healthz");
    let server = Server::start(serve);
    let outcome = Outcome::of(&mut live()).expect_code(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    drop(server);
    let mut command = testbed.pkgctl(["doctor", "--live"]);
    Outcome::of(command.env("PKGCTL_SOCKET", "/run/s")).expect_failure(2, "--socket");
}

#[test]
fn a_folder_of_somebody_else_s_is_told_in_numbers() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let set_mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    let path = folder.to_str().unwrap();
    let words = ["run", "-i", "127.0.0.1", "-p", "0", "-P", ".", "-a", ".", path];
    // Without a name, a home and a search path, as in a container.
    let bare = |mut command: Command| {
        command.env_clear();
        command
    };
    set_mode(0o555);
    let Some(command) = testbed.pkgctl_without_rights(words) else {
        return;
    };
    let server = Server::start(bare(command));
    let log = server.log();
    for told in [
        "ERROR",
        "uploads are refused",
        "runs as user ",
        &format!("`{path}` belongs to user "),
        "chown -R ",
    ] {
        assert!(log.contains(told), "`{told}` is not told:\n{log}");
    }
    assert_eq!(get(&server.url, "/health", &[]).expect(200).text(), "Ok");
    drop(server);
    set_mode(0o000);
    let outcome = Outcome::of(&mut bare(testbed.pkgctl_without_rights(words).unwrap()));
    set_mode(0o755);
    let outcome = outcome.expect_failure(1, path);
    assert!(outcome.stderr.contains("(mode 0000)"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("hint: give it to that user: chown -R "),
        "{}",
        outcome.stderr
    );
}
