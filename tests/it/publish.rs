//! `pkgctl publish` against an index that does as it is told: what is sent, and what is made of every answer.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pkgctl::archive::Limits;
use pkgctl::client::progress::{Progress, Silent};
use pkgctl::client::{Client, Distribution, RetryPolicy, Settings, Timeouts};

use crate::support::distributions::{Distribution as MadeUp, sdist, wheel};
use crate::support::scripted_index::{Reply, ScriptedIndex};
use crate::support::{Outcome, Session, Step, Testbed};

const WHEEL: &str = "my_lib-1.0-py3-none-any.whl";
const SDIST: &str = "my_lib-1.0.tar.gz";

/// A home with `dist/` and an index called `internal` in `.pypirc`, whose user is alice.
struct World {
    bed: Testbed,
    index: ScriptedIndex,
}

impl World {
    fn new(distributions: &[MadeUp], replies: impl IntoIterator<Item = Reply>) -> Self {
        let bed = Testbed::new();
        let index = ScriptedIndex::start(replies);
        for distribution in distributions {
            distribution.write_into(bed.path("dist"));
        }
        bed.write(".pypirc", pypirc(&index.url));
        Self { bed, index }
    }

    fn publish(&self, arguments: &[&str]) -> Outcome {
        let mut command = vec!["publish", "--retry-delay", "0.01"];
        command.extend(arguments);
        self.bed.run(command)
    }

    /// The names of the uploaded files in order.
    fn uploaded(&self) -> Vec<String> {
        self.index
            .uploads()
            .iter()
            .map(|upload| upload.file().0)
            .collect()
    }
}

fn pypirc(url: &str) -> String {
    format!(
        "[distutils]\nindex-servers =\n    internal\n\n[internal]\nrepository = {url}/\nusername = alice\n\
         password = s3cret\n"
    )
}

fn my_wheel() -> MadeUp {
    wheel("my-lib", "1.0").build()
}

#[track_caller]
fn expect_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("`{part}` is missing, or not in this place:\n{text}");
        };
        rest = after;
    }
}

// What is sent.

#[test]
fn a_folder_is_sent_as_the_form_wants_it() {
    let wheel = wheel("My.Lib", "1.0")
        .metadata_version("2.4")
        .header("Summary", "A library")
        .header("Classifier", "A :: B")
        .header("Classifier", "C :: D")
        .requires_python(">=3.8")
        .requires("requests>=2")
        .build();
    let sdist = sdist("My.Lib", "1.0").build();
    let world = World::new(&[sdist.clone(), wheel.clone()], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_code(0);
    assert_eq!(outcome.stdout, "");
    expect_in_order(
        &outcome.stderr,
        &[
            "`internal`",
            "alice",
            "uploaded my_lib-1.0-py3",
            "uploaded my_lib-1.0.tar.gz",
        ],
    );

    let uploads = world.index.uploads();
    assert_eq!(world.uploaded(), [WHEEL, SDIST], "wheels go first");
    for (upload, file) in uploads.iter().zip([&wheel, &sdist]) {
        assert_eq!(upload.target, "/");
        // alice:s3cret
        assert_eq!(upload.header("Authorization"), Some("Basic YWxpY2U6czNjcmV0"));
        assert_eq!(upload.header("Transfer-Encoding"), None);
        let agent = upload.header("User-Agent").unwrap();
        assert!(
            agent.starts_with("pkgctl/") && !agent.contains("twine"),
            "{agent}"
        );
        assert_eq!(upload.file(), (file.filename.clone(), file.bytes.clone()));
        let digest = ("sha256_digest".to_owned(), file.sha256());
        assert!(upload.fields().contains(&digest));
        assert_eq!(upload.parts().last().unwrap().0, "content", "the file comes last");
    }
    let fields = uploads[0].fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(
        fields[..2],
        [(":action", "file_upload"), ("protocol_version", "1")]
    );
    for field in [
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
        ("metadata_version", "2.4"),
        ("name", "My.Lib"),
        ("version", "1.0"),
        ("summary", "A library"),
        ("classifiers", "A :: B"),
        ("classifiers", "C :: D"),
        ("requires_python", ">=3.8"),
        ("requires_dist", "requests>=2"),
    ] {
        assert!(fields.contains(&field), "{field:?} is not in {fields:?}");
    }
    let of_sdist = uploads[1].fields();
    assert!(of_sdist.contains(&("pyversion".to_owned(), "source".to_owned())));
}

#[test]
fn a_large_file_arrives_whole() {
    let large = wheel("my-lib", "1.0").padding(5_000_000, 7).build();
    let world = World::new(std::slice::from_ref(&large), [Reply::ok()]);
    world.publish(&[]).expect_code(0);
    assert_eq!(world.index.uploads()[0].file().1, large.bytes);
}

#[test]
fn files_patterns_and_folders_may_be_named_and_strays_in_folders_are_reported() {
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [Reply::ok()]);
    world.bed.write("dist/notes.txt", "notes");
    world.bed.write("dist/.gitignore", "*");
    let outcome = world
        .publish(&["dist/*.whl", "dist", "dist/./my_lib-1.0.tar.gz"])
        .expect_code(0);
    assert_eq!(world.uploaded(), [WHEEL, SDIST]);
    assert!(
        outcome.stderr.contains("ignored `dist/notes.txt`"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains(".gitignore"), "{}", outcome.stderr);
}

#[test]
fn old_versions_in_the_folder_are_pointed_out() {
    let world = World::new(&[my_wheel(), wheel("my-lib", "0.9").build()], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_code(0);
    expect_in_order(&outcome.stderr, &["warning: ", "`my-lib`", "0.9, 1.0"]);
}

// Credentials and repositories.

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
    assert_eq!(world.index.uploads().len(), 1);
}

// Files.

#[test]
fn an_empty_or_missing_folder_points_to_build() {
    let world = World::new(&[], [Reply::ok()]);
    for _ in 0..2 {
        let outcome = world.publish(&[]).expect_failure(1, "`dist`");
        assert!(outcome.stderr.contains("pkgctl build"), "{}", outcome.stderr);
        world.bed.write("dist/notes.txt", "only a stray");
    }
    world
        .publish(&["dist/my_lib-2.0.whl"])
        .expect_failure(1, "dist/my_lib-2.0.whl");
    world.publish(&["dist/*.whl"]).expect_failure(1, "dist/*.whl");
}

#[test]
fn nothing_is_sent_when_one_file_is_bad_and_all_bad_ones_are_named() {
    let cut = MadeUp {
        bytes: my_wheel().bytes[..100].to_vec(),
        ..wheel("cut", "1.0").build()
    };
    let mislabelled = wheel("other", "1.0")
        .filename("label-1.0-py3-none-any.whl")
        .build();
    let not_gzip = MadeUp {
        bytes: b"not a tar".to_vec(),
        ..sdist("plain", "1.0").build()
    };
    let world = World::new(&[my_wheel(), cut, mislabelled, not_gzip], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_failure(1, "cut-1.0-py3-none-any.whl");
    for name in ["label-1.0-py3-none-any.whl", "plain-1.0.tar.gz"] {
        assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains(WHEEL), "{}", outcome.stderr);
    assert_eq!(world.index.requests().len(), 0);
}

#[test]
fn strangers_that_were_named_stop_everything() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world.bed.write("dist/notes.txt", "notes");
    let outcome = world
        .publish(&["dist/my_lib-1.0-py3-none-any.whl", "dist/notes.txt"])
        .expect_failure(1, "dist/notes.txt");
    assert!(
        outcome.stderr.contains("not a distribution"),
        "{}",
        outcome.stderr
    );
    assert_eq!(world.index.requests().len(), 0);
}

// Answers.

#[test]
fn a_server_that_is_down_is_named() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    // Nothing listens on a port that was just given up.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/");
    let outcome = world.publish(&["--repository-url", &url]).expect_failure(1, &url);
    assert_eq!(
        outcome.stderr.matches("trying again").count(),
        4,
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("after 5 attempts"), "{}", outcome.stderr);
}

#[test]
fn passing_troubles_are_sat_out() {
    for line in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
        "429 Too Many Requests",
    ] {
        let world = World::new(
            &[my_wheel()],
            [Reply::status(line), Reply::status(line), Reply::ok()],
        );
        let outcome = world.publish(&[]).expect_code(0);
        assert_eq!(world.index.uploads().len(), 3, "{line}");
        expect_in_order(&outcome.stderr, &[line, "trying again", "uploaded my_lib"]);
    }
}

#[test]
fn lasting_troubles_end_after_five_attempts_with_what_the_server_says() {
    let world = World::new(
        &[my_wheel()],
        [Reply::status("500 Internal Server Error")
            .with_body("text/plain", "the disk is on fire\nat line 3")],
    );
    let outcome = world.publish(&[]).expect_failure(1, WHEEL);
    assert_eq!(world.index.uploads().len(), 5);
    expect_in_order(
        &outcome.stderr,
        &[
            "error: ",
            "`internal`",
            "caused by: ",
            "500",
            "the disk is on fire",
            "hint: ",
        ],
    );
    assert!(!outcome.stderr.contains("at line 3"), "{}", outcome.stderr);
}

#[test]
fn retry_after_is_heeded() {
    let busy = Reply::status("429 Too Many Requests").with_header("Retry-After", "1");
    let world = World::new(&[my_wheel()], [busy, Reply::ok()]);
    let start = Instant::now();
    world.publish(&[]).expect_code(0);
    assert!(start.elapsed() >= Duration::from_secs(1));
    // An hour is more than anyone waits for.
    let busy = Reply::status("503 Service Unavailable").with_header("Retry-After", "3600");
    let world = World::new(&[my_wheel()], [busy]);
    world.publish(&[]).expect_failure(1, "503");
    assert_eq!(world.index.uploads().len(), 1);
}

#[test]
fn refusals_are_final_and_read_in_one_line() {
    let html = "<html><head><title>Forbidden</title></head><body><h1>Forbidden</h1><p>Quota used up.</p></body></html>";
    let problem = r#"{"title": "Bad Request", "detail": "RECORD is missing"}"#;
    let cases = [
        (Reply::status("403 Forbidden"), "403 Forbidden"),
        (
            Reply::status("403 Forbidden").with_body("text/html", html),
            "403 Forbidden: Quota used up.",
        ),
        (Reply::status("400 The digest is wrong"), "The digest is wrong"),
        (
            Reply::status("400 Bad Request").with_body("application/problem+json", problem),
            "RECORD is missing",
        ),
        (
            Reply::status("400 Bad Request").with_body("application/json", r#"{"code": "no such form"}"#),
            "no such form",
        ),
        (Reply::status("413 Payload Too Large"), "413"),
        (Reply::status("405 Method Not Allowed"), "405"),
    ];
    for (reply, words) in cases {
        let world = World::new(&[my_wheel()], [reply]);
        let outcome = world.publish(&[]).expect_failure(1, words);
        assert_eq!(world.index.uploads().len(), 1, "{words}");
        assert!(!outcome.stderr.contains('<'), "{}", outcome.stderr);
    }
}

#[test]
fn rejected_credentials_name_user_repository_and_remedy() {
    for line in ["401 Unauthorized", "403 Forbidden"] {
        let world = World::new(&[my_wheel()], [Reply::status(line)]);
        let outcome = world.publish(&[]).expect_failure(1, line);
        expect_in_order(
            &outcome.stderr,
            &[
                "error: ",
                "`internal`",
                "hint: ",
                "password",
                "`alice`",
                "`internal`",
            ],
        );
    }
}

#[test]
fn a_refusal_before_the_body_was_read_is_understood() {
    let large = wheel("my-lib", "1.0").padding(20_000_000, 3).build();
    let world = World::new(&[large], [Reply::Early("401 Unauthorized".to_owned())]);
    world.publish(&[]).expect_failure(1, "401 Unauthorized");
}

#[test]
fn a_plain_server_behind_an_https_address_is_no_mystery() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // What a web server says to a TLS greeting.
            let _ = connection.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let outcome = world
        .publish(&["--repository-url", &url, "-u", "a", "-p", "b"])
        .expect_failure(1, &url);
    expect_in_order(
        &outcome.stderr,
        &["caused by: no secure connection", "hint: ", "https", "--cert"],
    );
    assert!(!outcome.stderr.contains("trying again"), "{}", outcome.stderr);
}

#[test]
fn certificates_that_are_none_are_named() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world.bed.write("empty.pem", "no certificate\n");
    for arguments in [
        ["--cert", "nosuch.pem"],
        ["--cert", "empty.pem"],
        ["--client-cert", "empty.pem"],
    ] {
        world.publish(&arguments).expect_failure(1, arguments[1]);
    }
    assert_eq!(world.index.requests().len(), 0);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let world = World::new(&[my_wheel()], [Reply::Silence]);
    let short = Duration::from_millis(200);
    let settings = Settings {
        url: world.index.url.parse().unwrap(),
        repository: None,
        credentials: None,
        ca_cert: None,
        client_cert: None,
        skip_existing: false,
        retry: RetryPolicy {
            attempts: 2,
            base_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        },
        timeouts: Timeouts {
            stall: short,
            answer: short,
            ..Timeouts::default()
        },
    };
    let path = world.bed.path("dist").join(WHEEL);
    let file = Distribution::check(&path, &WHEEL.parse().unwrap(), &Limits::default(), None).unwrap();
    let client = Client::new(settings).unwrap();
    let silent: Arc<dyn Progress> = Arc::new(Silent);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime
        .block_on(client.upload(&file, &silent))
        .unwrap_err()
        .to_string();
    assert_eq!(error, "no answer came for 0.2 seconds, after 2 attempts");
}

// Duplicates and lost answers.

#[test]
fn the_same_file_already_there_is_success() {
    let ours = my_wheel();
    let duplicates = [
        "409 Conflict",
        "400 File already exists",
        "400 Repository does not allow updating assets",
        "400 cannot be updated",
        "400 has already been taken",
        "403 Not enough permissions to overwrite artifact",
    ];
    for line in duplicates {
        let world = World::new(std::slice::from_ref(&ours), [Reply::status(line)]);
        world.index.list(WHEEL, Some(&ours.sha256()));
        let outcome = world.publish(&[]).expect_code(0);
        assert!(
            outcome.stderr.contains(&format!("already there {WHEEL}")),
            "{line}: {}",
            outcome.stderr
        );
        let asked = world.index.requests().pop().unwrap();
        assert_eq!(
            asked.header("Authorization"),
            Some("Basic YWxpY2U6czNjcmV0"),
            "the page may be closed too"
        );
    }
    let said = Reply::ok().with_body("text/plain", "already there, unchanged");
    let outcome = World::new(&[ours], [said]).publish(&[]).expect_code(0);
    assert!(
        outcome.stderr.contains("already there my_lib"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn pages_in_json_are_read_as_well() {
    let ours = my_wheel();
    let world = World::new(std::slice::from_ref(&ours), [Reply::status("409 Conflict")]);
    let page = format!(
        r#"{{"meta": {{"api-version": "1.4"}}, "name": "my-lib", "versions": ["1.0"], "files":
           [{{"filename": "{WHEEL}", "url": "x", "size": 1, "hashes": {{"sha256": "{}"}}}}]}}"#,
        ours.sha256()
    );
    world
        .index
        .page("/simple/my-lib/", "application/vnd.pypi.simple.v1+json", &page);
    world.publish(&[]).expect_code(0);
}

#[test]
fn another_file_of_that_name_is_an_error_that_shows_both_digests() {
    let (ours, theirs) = (my_wheel(), wheel("my-lib", "1.0").description("Other.\n").build());
    for arguments in [&[][..], &["--skip-existing"]] {
        let world = World::new(std::slice::from_ref(&ours), [Reply::status("409 Conflict")]);
        world.index.list(WHEEL, Some(&theirs.sha256()));
        let outcome = world.publish(arguments).expect_failure(1, WHEEL);
        for digest in [ours.sha256(), theirs.sha256()] {
            assert!(outcome.stderr.contains(&digest), "{}", outcome.stderr);
        }
    }
}

#[test]
fn a_duplicate_without_a_digest_is_an_error_unless_the_user_trusts_the_server() {
    let world = World::new(&[my_wheel()], [Reply::status("409 Conflict")]);
    world.index.list(WHEEL, None);
    let outcome = world.publish(&[]).expect_failure(1, "409 Conflict");
    expect_in_order(&outcome.stderr, &["can't be told", "hint: ", "--skip-existing"]);
    let outcome = world.publish(&["--skip-existing"]).expect_code(0);
    assert!(outcome.stderr.contains("already there"), "{}", outcome.stderr);
}

#[test]
fn a_duplicate_that_is_not_listed_is_refused_in_the_servers_words() {
    let world = World::new(
        &[my_wheel()],
        [Reply::status("409 this name was used before and deleted")],
    );
    world
        .publish(&[])
        .expect_failure(1, "this name was used before and deleted");
    world
        .publish(&["--skip-existing"])
        .expect_failure(1, "this name was used before and deleted");
}

#[test]
fn skip_existing_asks_before_it_sends() {
    let (ours, sdist) = (my_wheel(), sdist("my-lib", "1.0").build());
    let world = World::new(&[ours.clone(), sdist], [Reply::ok()]);
    world.index.list(WHEEL, Some(&ours.sha256()));
    let outcome = world.publish(&["--skip-existing"]).expect_code(0);
    assert_eq!(world.uploaded(), [SDIST]);
    expect_in_order(
        &outcome.stderr,
        &["already there my_lib", "uploaded my_lib-1.0.tar.gz"],
    );
}

/// Row H1.
#[test]
fn a_lost_answer_is_no_failure() {
    let ours = my_wheel();
    let lost = Reply::StoreAndHangUp(ours.clone());
    let world = World::new(
        std::slice::from_ref(&ours),
        [lost.clone(), Reply::status("409 Conflict")],
    );
    let outcome = world.publish(&[]).expect_code(0);
    assert!(
        outcome.stderr.contains(&format!("uploaded {WHEEL}")),
        "{}",
        outcome.stderr
    );
    assert_eq!(world.index.uploads().len(), 2);
    // Even when no attempt is ever answered.
    let world = World::new(&[ours], [lost]);
    world.publish(&[]).expect_code(0);
}

#[test]
fn a_lost_answer_with_another_file_in_place_is_a_failure() {
    let theirs = wheel("my-lib", "1.0").description("Other.\n").build();
    let world = World::new(
        &[my_wheel()],
        [
            Reply::StoreAndHangUp(theirs.clone()),
            Reply::status("409 Conflict"),
        ],
    );
    world.publish(&[]).expect_failure(1, &theirs.sha256());
}

#[test]
fn a_connection_that_breaks_is_tried_again() {
    let large = wheel("my-lib", "1.0").padding(3_000_000, 1).build();
    let world = World::new(std::slice::from_ref(&large), [Reply::HangUp, Reply::ok()]);
    world.publish(&[]).expect_code(0);
    assert_eq!(world.index.uploads().last().unwrap().file().1, large.bytes);
}

// Redirects. Row H2.

#[test]
fn redirects_within_the_origin_keep_method_body_and_credentials() {
    for line in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let moved = Reply::status(line).with_header("Location", "/legacy/");
        let world = World::new(&[my_wheel()], [moved, Reply::ok()]);
        world.publish(&[]).expect_code(0);
        let uploads = world.index.uploads();
        assert_eq!(
            (uploads.len(), uploads[1].target.as_str()),
            (2, "/legacy/"),
            "{line}"
        );
        assert_eq!(uploads[1].file().1, my_wheel().bytes);
        assert_eq!(
            uploads[1].header("Authorization"),
            uploads[0].header("Authorization")
        );
    }
}

#[test]
fn redirects_to_elsewhere_get_neither_file_nor_credentials() {
    let elsewhere = ScriptedIndex::start([Reply::ok()]);
    let to_https = elsewhere.url.replace("http:", "https:");
    for target in [elsewhere.url.clone(), to_https] {
        let moved = Reply::status("307 Temporary Redirect").with_header("Location", &format!("{target}/x/"));
        let world = World::new(&[my_wheel()], [moved]);
        let outcome = world.publish(&[]).expect_failure(1, &format!("{target}/x/"));
        assert!(
            outcome.stderr.contains(&world.index.url),
            "both addresses are named: {}",
            outcome.stderr
        );
        assert_eq!(world.index.uploads().len(), 1);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[test]
fn redirects_in_a_circle_end() {
    let moved = Reply::status("307 Temporary Redirect").with_header("Location", "/");
    let world = World::new(&[my_wheel()], [moved]);
    world.publish(&[]).expect_failure(1, "circle");
}

// Stopping half-way.

#[test]
fn a_failure_says_what_is_public_and_what_comes_next() {
    let world = World::new(
        &[
            my_wheel(),
            sdist("my-lib", "1.0").build(),
            wheel("second", "2.0").build(),
        ],
        [Reply::ok(), Reply::status("400 too many files")],
    );
    let outcome = world.publish(&[]).expect_failure(1, "too many files");
    expect_in_order(
        &outcome.stderr,
        &[
            "on the index: my_lib-1.0-py3",
            "not on the index: ",
            "next: ",
            "the same command",
            "error: ",
        ],
    );
    assert_eq!(world.index.uploads().len(), 2);
}

#[test]
fn ctrl_c_says_what_was_uploaded() {
    let world = World::new(
        &[my_wheel(), wheel("second", "2.0").build()],
        [Reply::ok(), Reply::Silence],
    );
    let mut command = world.bed.pkgctl(["publish"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.index.uploads().len() < 2 {
        assert!(Instant::now() < deadline, "the second upload never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    expect_in_order(
        &stderr,
        &[
            "error: stopped",
            "1 of 2",
            "uploaded: my_lib",
            "not uploaded: second",
            "hint: ",
        ],
    );
}

/// Row H3. The file is replaced between the check and a second attempt.
#[test]
fn a_file_that_changes_under_way_is_never_complete() {
    let world = World::new(
        &[my_wheel()],
        [
            Reply::status("503 Service Unavailable").with_header("Retry-After", "1"),
            Reply::ok(),
        ],
    );
    let mut command = world.bed.pkgctl(["publish"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.index.uploads().is_empty() {
        assert!(Instant::now() < deadline, "the first attempt never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut other = my_wheel();
    other.bytes[60] ^= 1;
    let path: PathBuf = other.write_into(world.bed.path("dist"));
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("changed while it was sent"), "{stderr}");
    assert_eq!(world.index.uploads().len(), 1, "{} arrived", path.display());
}
