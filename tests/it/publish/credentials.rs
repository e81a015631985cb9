//! To whom, and as whom: repositories, users and passwords from everywhere.

use super::{WHEEL, World, expect_in_order, my_wheel, pypirc};
use crate::support::scripted_index::Reply;
use crate::support::{Outcome, Session, Step};

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
