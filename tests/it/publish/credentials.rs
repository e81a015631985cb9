//! To whom, and as whom: repositories, users and passwords from everywhere.

use super::{WHEEL, World, expect_in_order, my_wheel, pypirc};
use crate::support::scripted_index::Reply;
use crate::support::{Outcome, Session, Step};

// H6
#[test]
fn every_way_to_give_a_password_works_and_none_shows_it() {
    let authorization = |arguments: &[&str], variables: &[(&str, &str)], input: &str| {
        let world = World::new(&[my_wheel()], [Reply::ok()]);
        let mut command = world.bed.pkgctl(["publish", "--verbose"]);
        command.args(arguments).envs(variables.iter().copied());
        let outcome = Outcome::with_input(&mut command, input).expect_code(0);
        for secret in ["s3cret", "from-flag", "from-env", "from-stdin"] {
            assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
        }
        let header = world.index.uploads()[0]
            .header("Authorization")
            .unwrap()
            .to_owned();
        let encoded = header.strip_prefix("Basic ").unwrap();
        let decoded = data_encoding::BASE64.decode(encoded.as_bytes()).unwrap();
        (String::from_utf8(decoded).unwrap(), outcome.stderr)
    };
    let variables = [("TWINE_USERNAME", "bob"), ("TWINE_PASSWORD", "from-env")];
    assert_eq!(authorization(&[], &[], "").0, "alice:s3cret");
    assert_eq!(authorization(&[], &variables, "").0, "bob:from-env");
    assert_eq!(
        authorization(&["-u", "carol", "--password-stdin"], &variables, "from-stdin\nx").0,
        "carol:from-stdin"
    );
    let (sent, stderr) = authorization(&["-u", "carol", "-p", "from-flag"], &variables, "");
    assert_eq!(sent, "carol:from-flag");
    assert!(stderr.contains("process list"), "{stderr}");
}

#[test]
fn netrc_serves_an_address_without_a_user() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world
        .bed
        .write(".netrc", "machine 127.0.0.1 login nora password n3t\n");
    let url = format!("{}/legacy/", world.index.url);
    world.publish(&["--repository-url", &url]).expect_code(0);
    let upload = &world.index.uploads()[0];
    // nora:n3t
    assert_eq!(
        (upload.target.as_str(), upload.header("Authorization")),
        ("/legacy/", Some("Basic bm9yYTpuM3Q="))
    );
}

#[test]
fn an_open_index_needs_no_user_and_a_closed_one_says_how_to_name_one() {
    let world = World::new(&[my_wheel()], [Reply::ok(), Reply::status("401 Unauthorized")]);
    world.bed.write(".pypirc", "");
    let url = world.index.url.clone();
    world.publish(&["--repository-url", &url]).expect_code(0);
    assert_eq!(world.index.uploads()[0].header("Authorization"), None);
    let outcome = world
        .publish(&["--repository-url", &url])
        .expect_failure(1, WHEEL);
    expect_in_order(
        &outcome.stderr,
        &["401 Unauthorized", "hint: ", "--username", "PKGCTL_PASSWORD"],
    );
}

#[test]
fn a_user_without_a_password_is_a_usage_error_where_nobody_can_be_asked() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let outcome = world.publish(&["-u", "bob"]).expect_failure(2, "`bob`");
    assert!(outcome.stderr.contains("--password-stdin"), "{}", outcome.stderr);
    assert_eq!(world.index.requests().len(), 0);
}

#[test]
fn without_a_repository_nothing_is_sent_anywhere() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    for text in [
        "",
        "[distutils]\nindex-servers = pypi\n[pypi]\nusername = __token__\npassword = x\n",
    ] {
        world.bed.write(".pypirc", text);
        let outcome = world.publish(&[]).expect_failure(2, ".pypirc");
        assert!(outcome.stderr.contains("pkgctl configure"), "{}", outcome.stderr);
    }
    std::fs::remove_file(world.bed.path(".pypirc")).unwrap();
    world.publish(&[]).expect_failure(2, ".pypirc");
}

#[test]
fn wrong_repositories_are_named() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let two = format!(
        "{}[other]\nrepository = http://127.0.0.1:9/\n",
        pypirc(&world.index.url)
    );
    world.bed.write(
        ".pypirc",
        two.replace("    internal\n", "    internal\n    other\n    absent\n"),
    );
    let several = world.publish(&[]).expect_failure(2, "`internal`");
    assert!(several.stderr.contains("`other`"), "{}", several.stderr);
    world.publish(&["-r", "nosuch"]).expect_failure(2, "`nosuch`");
    world.publish(&["-r", "internal"]).expect_code(0);
    world
        .publish(&["--repository-url", "localhost:8080"])
        .expect_failure(2, "--repository-url");
    world
        .publish(&["--config-file", "nosuch.ini"])
        .expect_failure(2, "nosuch.ini");
    world.bed.write(
        ".pypirc",
        "[distutils]\nindex-servers = internal\n[internal]\nusername = x\n",
    );
    world.publish(&["-r", "internal"]).expect_failure(2, "[internal]");
    world.bed.write(".pypirc", "[internal]\nrepository\ngeheim\n");
    let malformed = world.publish(&["-r", "internal"]).expect_failure(2, ".pypirc");
    assert!(!malformed.stderr.contains("geheim"), "{}", malformed.stderr);
}

/// Row H9.
#[test]
fn a_password_in_the_address_is_used_and_never_shown() {
    let world = World::new(&[my_wheel()], [Reply::status("403 Forbidden")]);
    let url = world.index.url.replace("http://", "http://dave:geheim@");
    let outcome = world
        .publish(&["--repository-url", &url, "--verbose"])
        .expect_failure(1, WHEEL);
    assert!(!outcome.stderr.contains("geheim"), "{}", outcome.stderr);
    // dave:geheim
    assert_eq!(
        world.index.uploads()[0].header("Authorization"),
        Some("Basic ZGF2ZTpnZWhlaW0=")
    );
}

#[test]
fn at_a_terminal_the_password_is_asked_for_and_not_shown() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let url = world.index.url.clone();
    world.bed.write(".pypirc", "");
    let command = world.bed.pkgctl(["publish", "--repository-url", &url]);
    let session = Session::play(
        &command,
        &[
            Step::Expect("User for "),
            Step::Type("paula\r"),
            Step::Expect("Password of `paula`"),
            Step::Type("geheim\r"),
            Step::Expect("uploaded my_lib"),
        ],
    );
    assert_eq!(session.code, 0, "{}", session.screen);
    assert!(
        session.is_terminal_restored && !session.screen.contains("geheim"),
        "{}",
        session.screen
    );
    // paula:geheim
    assert_eq!(
        world.index.uploads()[0].header("Authorization"),
        Some("Basic cGF1bGE6Z2VoZWlt")
    );
    // A second run, with Ctrl-C at the question.
    let steps = [Step::Expect("User for "), Step::Type("\x03")];
    let session = Session::play(&world.bed.pkgctl(["publish", "--repository-url", &url]), &steps);
    assert_eq!(session.code, 130, "{}", session.screen);
    assert!(
        session.screen.contains("nothing was uploaded"),
        "{}",
        session.screen
    );
    assert_eq!(world.index.uploads().len(), 1);
}

/// A program that knows one user, as `keyring` answers.
fn write_keyring(world: &World, url: &str) -> String {
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >> \"$HOME/asked\"\ncase \"$*\" in\n\
         'get -- {url} paula') echo k3y ;;\n\
         '--mode creds --output json get -- {url}') echo '{{\"username\": \"paula\", \"password\": \"k3y\"}}' ;;\n\
         *) exit 1 ;;\nesac\n"
    );
    let path = world.bed.script("bin/keyring", &script);
    let inherited = std::env::var("PATH").unwrap();
    format!("{}:{inherited}", path.parent().unwrap().display())
}

#[test]
fn the_keyring_may_know_the_password_and_the_user_too() {
    for user in [&["-u", "paula"][..], &[]] {
        let world = World::new(&[my_wheel()], [Reply::ok()]);
        world.bed.write(".pypirc", "");
        let url = format!("{}/", world.index.url);
        let path = write_keyring(&world, &url);
        let mut command = world
            .bed
            .pkgctl(["publish", "--verbose", "--repository-url", &url]);
        let outcome = Outcome::of(command.args(user).env("PATH", &path)).expect_code(0);
        assert!(
            outcome.stderr.contains("the password from the keyring"),
            "{}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains("k3y"), "{}", outcome.stderr);
        // paula:k3y
        let header = world.index.uploads()[0]
            .header("Authorization")
            .map(str::to_owned);
        assert_eq!(header.as_deref(), Some("Basic cGF1bGE6azN5"));
    }
}

#[test]
fn the_keyring_is_not_asked_for_what_is_known_nor_believed_about_another_address() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let path = write_keyring(&world, "http://elsewhere.example/");
    let mut command = world.bed.pkgctl(["publish"]);
    Outcome::of(command.env("PATH", &path)).expect_code(0);
    assert!(!world.bed.path("asked").exists());
    world.bed.write(".pypirc", "");
    let mut command = world
        .bed
        .pkgctl(["publish", "--repository-url", &world.index.url]);
    Outcome::of(command.env("PATH", &path)).expect_code(0);
    assert!(world.bed.path("asked").exists());
    assert_eq!(world.index.uploads()[1].header("Authorization"), None);
}

#[test]
fn a_section_with_the_same_address_lends_its_user() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let url = world.index.url.clone();
    let outcome = world
        .publish(&["--verbose", "--repository-url", &url])
        .expect_code(0);
    assert!(
        outcome.stderr.contains("the user `alice` from [internal] of "),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains(&my_wheel().sha256()),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        world.index.uploads()[0].header("Authorization"),
        Some("Basic YWxpY2U6czNjcmV0")
    );
}

#[test]
fn every_variable_of_twine_is_read() {
    let run = |world: &World, variables: &[(&str, &str)]| {
        let mut command = world.bed.pkgctl(["publish"]);
        Outcome::of(command.envs(variables.iter().copied()))
    };
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let url = format!("{}/legacy/", world.index.url);
    let login = [("TWINE_USERNAME", "paula"), ("TWINE_PASSWORD", "geheim")];
    run(&world, &[("TWINE_REPOSITORY_URL", &url), login[0], login[1]]).expect_code(0);
    let upload = &world.index.uploads()[0];
    // paula:geheim
    assert_eq!(
        (upload.target.as_str(), upload.header("Authorization")),
        ("/legacy/", Some("Basic cGF1bGE6Z2VoZWlt"))
    );
    run(&world, &[("TWINE_REPOSITORY", "nosuch")]).expect_failure(2, "`nosuch`");
    run(&world, &[("TWINE_REPOSITORY", "internal")]).expect_code(0);
    run(&world, &[("TWINE_CERT", "nosuch.pem")]).expect_failure(2, "nosuch.pem");

    world.bed.write(".pypirc", "");
    let mut command = world
        .bed
        .pkgctl(["publish", "--repository-url", &url, "-u", "paula"]);
    command.env("TWINE_NON_INTERACTIVE", "1");
    let session = Session::play(&command, &[Step::Expect("there is no password for `paula`")]);
    assert_eq!(session.code, 2, "{}", session.screen);
}
