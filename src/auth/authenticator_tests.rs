//! What the server may count on while the password file changes under it and others guess.

use super::*;
use crate::auth::credentials::Secret;
use crate::auth::scheme::Recipe;
use crate::measures::processor_time_of;
use std::fs;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A password file in a folder of its own.
struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let fixture = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fixture.write(content);
        fixture
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(".htaccess")
    }

    fn write(&self, content: impl AsRef<[u8]>) {
        fs::write(self.path(), content).unwrap();
    }

    fn replace(&self, content: impl AsRef<[u8]>) {
        let beside = self.folder.path().join("new");
        fs::write(&beside, content).unwrap();
        fs::rename(beside, self.path()).unwrap();
    }

    fn open(&self) -> Authenticator {
        Authenticator::open(&self.path(), Settings::default()).unwrap()
    }
}

fn line(user: &str, password: &str) -> String {
    let stored = Recipe::Bcrypt { cost: 4 }.store(&Secret::new(password));
    format!("{user}:{}\n", stored.unwrap())
}

async fn log_in(authenticator: &Authenticator, user: &str, password: &str) -> Result<String, Denied> {
    log_in_from(authenticator, user, password, HERE).await
}

async fn log_in_from(
    authenticator: &Authenticator,
    user: &str,
    password: &str,
    from: IpAddr,
) -> Result<String, Denied> {
    let basic = Basic {
        username: user.parse().unwrap(),
        password: Secret::new(password),
    };
    let header = basic.to_header();
    let user = authenticator
        .authenticate(Some(header.expose().as_bytes()), from)
        .await;
    user.map(|user| user.to_string())
}

fn addresses() -> impl Iterator<Item = IpAddr> {
    (0_u32..).map(|number| IpAddr::V4(std::net::Ipv4Addr::from_bits(0xc000_0200 + number)))
}

#[tokio::test]
async fn right_wrong_unknown_missing_and_malformed() {
    let authenticator = Fixture::new(line("alice", "secret")).open();
    assert_eq!(
        log_in(&authenticator, "alice", "secret").await.as_deref(),
        Ok("alice")
    );
    assert_eq!(
        log_in(&authenticator, "alice", "Secret").await,
        Err(Denied::Wrong)
    );
    assert_eq!(log_in(&authenticator, "bob", "secret").await, Err(Denied::Wrong));
    assert_eq!(authenticator.authenticate(None, HERE).await, Err(Denied::Missing));
    for header in [
        "Bearer abc",
        "Basic",
        "Basic %%",
        "Basic YWxpY2U=",
        "Basic OnNlY3JldA==",
    ] {
        let denied = authenticator.authenticate(Some(header.as_bytes()), HERE).await;
        assert_eq!(denied, Err(Denied::Malformed), "{header}");
    }
}

// F2, F5: a long password, one with a NUL in it, the hash itself.
#[tokio::test]
async fn passwords_that_fool_other_readers_are_wrong() {
    let long = "x".repeat(72);
    let content = line("alice", "secret") + &line("bob", &long);
    let authenticator = Fixture::new(&content).open();
    let stored = content.lines().next().unwrap().split_once(':').unwrap().1;
    for password in ["secret\0junk", "secret\0", stored, "", &"y".repeat(6 * 1024)] {
        assert_eq!(
            log_in(&authenticator, "alice", password).await,
            Err(Denied::Wrong),
            "{password:?}"
        );
    }
    assert!(log_in(&authenticator, "bob", &long).await.is_ok());
    assert_eq!(
        log_in(&authenticator, "bob", &(long + "x")).await,
        Err(Denied::Wrong)
    );
}

// F4: counted, not timed. The cost of the one check is the highest of the file.
#[tokio::test]
async fn an_unknown_user_costs_the_same_check_as_a_wrong_password() {
    let content = "weak:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n".to_owned() + &line("alice", "secret");
    let authenticator = Fixture::new(content).open();
    let mut counts = Vec::new();
    for (user, password) in [
        ("alice", "wrong".to_owned()),
        ("nobody", "wrong".to_owned()),
        ("alice", "w".repeat(100)),
        ("nobody", "w".repeat(100)),
        ("alice", "w".repeat(5_000)),
        ("nobody", "w".repeat(5_000)),
    ] {
        let before = authenticator.checks();
        assert_eq!(log_in(&authenticator, user, &password).await, Err(Denied::Wrong));
        counts.push(authenticator.checks() - before);
    }
    assert_eq!(counts, [1; 6]);
}

// F4: timed by the processor's clock, where the difference would be a factor of a hundred. That each user is checked,
// and once, is counted above.
#[test]
fn weak_lines_and_unknown_users_answer_no_sooner_than_strong_ones() {
    let content = "weak:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\nold:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/\n";
    let strong = Recipe::Bcrypt { cost: 9 }.store(&Secret::new("secret")).unwrap();
    let fixture = Fixture::new(format!("{content}alice:{strong}\n"));
    let users = fixture.open().file.users();
    // The least of several: what a shared processor makes slower is not what the check costs.
    let cost = |user: &str, password: &str, is_right: bool| {
        let user = user.parse().unwrap();
        let check = || assert_eq!(users.verify(&user, password.as_bytes()), is_right);
        (0..5).map(|_| processor_time_of(check)).min().unwrap()
    };
    let costs = ["alice", "old", "weak", "nobody"].map(|user| cost(user, "wrong", false));
    let highest = *costs.iter().max().unwrap();
    assert!(costs.iter().all(|cost| *cost > highest / 2), "{costs:?}");
    // The right one is not kept waiting.
    let right = cost("old", "myPassword", true);
    assert!(right < highest / 2, "{right:?}, {highest:?}");
}

#[tokio::test]
async fn a_right_password_is_hashed_once_and_a_wrong_one_each_time() {
    let authenticator = Fixture::new(line("alice", "secret")).open();
    for _ in 0..50 {
        log_in(&authenticator, "alice", "secret").await.unwrap();
    }
    assert_eq!(authenticator.checks(), 1);
    for _ in 0..3 {
        log_in(&authenticator, "alice", "wrong").await.unwrap_err();
    }
    assert_eq!(authenticator.checks(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_connections_of_one_client_cost_one_check() {
    let authenticator = Arc::new(Fixture::new(line("alice", "secret")).open());
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let authenticator = Arc::clone(&authenticator);
        logins.spawn(async move { log_in(&authenticator, "alice", "secret").await });
    }
    assert!(logins.join_all().await.iter().all(Result::is_ok));
    assert_eq!(authenticator.checks(), 1);
}

// F3
#[tokio::test]
async fn after_ten_wrong_ones_only_remembered_passwords_get_in() {
    let authenticator = Fixture::new(line("alice", "secret") + &line("bob", "other")).open();
    log_in(&authenticator, "alice", "secret").await.unwrap();
    for _ in 0..10 {
        assert_eq!(log_in(&authenticator, "alice", "wrong").await, Err(Denied::Wrong));
    }
    let checks = authenticator.checks();
    let denied = log_in(&authenticator, "alice", "wrong").await.unwrap_err();
    assert!(
        matches!(denied, Denied::TooManyAttempts { retry_after } if retry_after.as_secs() > 290),
        "{denied:?}"
    );
    assert!(log_in(&authenticator, "alice", "secret").await.is_ok());
    assert_eq!(authenticator.checks(), checks);
    assert!(log_in(&authenticator, "bob", "other").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_sent_at_once_are_limited_like_guesses_in_turn() {
    let authenticator = Arc::new(Fixture::new(line("alice", "secret")).open());
    let mut logins = tokio::task::JoinSet::new();
    for number in 0..60 {
        let authenticator = Arc::clone(&authenticator);
        logins.spawn(async move { log_in(&authenticator, "alice", &format!("guess{number}")).await });
    }
    let answers = logins.join_all().await;
    let parallel = Settings::default().parallel_checks.get() as u64;
    assert!(
        authenticator.checks() <= 10 + parallel,
        "{}",
        authenticator.checks()
    );
    // Those that found a place have had their turn, the others are told to come again.
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Denied::TooManyAttempts { .. } | Denied::Busy { .. })));
    assert!(refused.count() >= 40);
}

#[tokio::test]
async fn a_full_queue_says_busy_and_known_clients_still_get_in() {
    let fixture = Fixture::new(line("alice", "secret"));
    let settings = Settings {
        waiting_checks: 2,
        ..Settings::default()
    };
    let parallel = settings.parallel_checks.get();
    let authenticator = Authenticator::open(&fixture.path(), settings).unwrap();
    log_in(&authenticator, "alice", "secret").await.unwrap();
    // One thread runs all of these: none is concluded before all have asked.
    let flood = addresses().take(parallel + 5).enumerate().map(|(number, from)| {
        let authenticator = &authenticator;
        async move { log_in_from(authenticator, "alice", &format!("guess{number}"), from).await }
    });
    let known = log_in(&authenticator, "alice", "secret");
    let (answers, known) = futures_util::future::join(futures_util::future::join_all(flood), known).await;
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(Denied::Busy { .. })));
    assert_eq!(busy.count(), 3, "{answers:?}");
    assert!(known.is_ok());
}

// F3: many user names from one address, as in guessing by a list.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_address_keeps_nobody_else_waiting() {
    let fixture = Fixture::new(line("alice", "secret") + &line("bob", "other"));
    let authenticator = Arc::new(fixture.open());
    log_in(&authenticator, "alice", "secret").await.unwrap();
    let flood: Vec<_> = (0..400)
        .map(|number| {
            let authenticator = Arc::clone(&authenticator);
            tokio::spawn(async move { log_in(&authenticator, &format!("user{number}"), "guess").await })
        })
        .collect();
    // Never seen before, from elsewhere: a place and the next turn but one.
    let elsewhere = addresses().next().unwrap();
    log_in_from(&authenticator, "bob", "other", elsewhere)
        .await
        .unwrap();
    // Known from this address, with a password that is not remembered.
    fixture.replace(line("alice", "changed") + &line("bob", "other"));
    log_in(&authenticator, "alice", "changed").await.unwrap();
    for answer in flood {
        let answer = answer.await.unwrap();
        assert!(
            matches!(answer, Err(Denied::Wrong | Denied::Busy { .. })),
            "{answer:?}"
        );
    }
}

// F3: from everywhere, over the limit of all together.
#[tokio::test]
async fn after_a_thousand_failures_strangers_are_slowed_and_nobody_is_blocked() {
    let fixture = Fixture::new(line("alice", "secret") + &line("bob", "other"));
    let settings = Settings {
        failures: FailureLimits {
            overall: 20,
            span: Duration::from_secs(4),
            ..FailureLimits::default()
        },
        ..Settings::default()
    };
    let authenticator = Authenticator::open(&fixture.path(), settings).unwrap();
    log_in(&authenticator, "alice", "secret").await.unwrap();
    for (number, from) in addresses().take(20).enumerate() {
        let denied = log_in_from(&authenticator, "bob", &number.to_string(), from).await;
        assert_eq!(denied, Err(Denied::Wrong));
    }
    let started = Instant::now();
    for (number, from) in addresses().skip(20).take(2).enumerate() {
        let denied = log_in_from(&authenticator, "bob", &format!("more{number}"), from).await;
        assert_eq!(denied, Err(Denied::Wrong));
    }
    log_in_from(&authenticator, "bob", "other", addresses().nth(30).unwrap())
        .await
        .unwrap();
    // The first at once, the others a fifth of a second later each.
    assert!(started.elapsed() >= Duration::from_millis(400));
    log_in(&authenticator, "alice", "secret").await.unwrap();
}

#[tokio::test]
async fn a_new_password_ends_the_wait_of_its_user() {
    let fixture = Fixture::new(line("alice", "secret"));
    let authenticator = fixture.open();
    for number in 0..10 {
        let denied = log_in(&authenticator, "alice", &number.to_string()).await;
        assert_eq!(denied, Err(Denied::Wrong));
    }
    let denied = log_in(&authenticator, "alice", "secret").await;
    assert!(matches!(denied, Err(Denied::TooManyAttempts { .. })));
    fixture.replace(line("alice", "another"));
    log_in(&authenticator, "alice", "another").await.unwrap();
}

// Generous by a factor of a hundred, and still a hundred times below one hash.
#[tokio::test]
async fn a_remembered_login_costs_next_to_nothing() {
    let authenticator = Fixture::new(line("alice", "secret")).open();
    log_in(&authenticator, "alice", "secret").await.unwrap();
    let header = Basic {
        username: "alice".parse().unwrap(),
        password: Secret::new("secret"),
    }
    .to_header();
    let cost = processor_time_of(|| {
        for _ in 0..1_000 {
            assert!(authenticator.recognize(header.expose().as_bytes()).is_some());
        }
    });
    assert!(cost < Duration::from_secs(2), "{cost:?}");
    for _ in 0..1_000 {
        log_in(&authenticator, "alice", "secret").await.unwrap();
    }
    assert_eq!(authenticator.checks(), 1);
}

#[tokio::test]
async fn weak_lines_count_where_the_operator_insists() {
    let fixture = Fixture::new("alice:hunter2\nbob:CCNf8Sbh3HDfQ\n");
    let refused = Authenticator::open(&fixture.path(), Settings::default());
    assert!(matches!(refused, Err(Error::NoUsers { warnings, .. }) if warnings.len() == 2));
    let mut settings = Settings::default();
    settings.scheme_limits.allow_weak = true;
    let authenticator = Authenticator::open(&fixture.path(), settings).unwrap();
    log_in(&authenticator, "alice", "hunter2").await.unwrap();
    log_in(&authenticator, "bob", "U*U*U*U*").await.unwrap();
    let hash = log_in(&authenticator, "bob", "CCNf8Sbh3HDfQ").await;
    assert_eq!(hash, Err(Denied::Wrong));
}

#[tokio::test]
async fn an_edit_counts_for_the_very_next_request() {
    let fixture = Fixture::new(line("alice", "secret"));
    let authenticator = fixture.open();
    log_in(&authenticator, "alice", "secret").await.unwrap();
    // In place, same size, most likely within the same tick of the file system's clock.
    for round in 0..30 {
        fixture.write(line("alice", &format!("secret{round}")));
        log_in(&authenticator, "alice", &format!("secret{round}"))
            .await
            .unwrap();
    }
    fixture.replace(line("alice", "other1") + &line("bob", "other2"));
    assert_eq!(
        log_in(&authenticator, "alice", "secret29").await,
        Err(Denied::Wrong)
    );
    log_in(&authenticator, "alice", "other1").await.unwrap();
    log_in(&authenticator, "bob", "other2").await.unwrap();
}

// F7
#[tokio::test]
async fn a_removed_user_is_out_at_once() {
    let fixture = Fixture::new(line("alice", "secret") + &line("bob", "other"));
    let authenticator = fixture.open();
    log_in(&authenticator, "bob", "other").await.unwrap();
    fixture.replace(line("alice", "secret"));
    assert_eq!(log_in(&authenticator, "bob", "other").await, Err(Denied::Wrong));
    fixture.replace("");
    assert_eq!(
        log_in(&authenticator, "alice", "secret").await,
        Err(Denied::Wrong)
    );
}

// F6
#[tokio::test]
async fn a_broken_or_vanished_file_leaves_the_last_good_users() {
    let good = line("alice", "secret");
    let fixture = Fixture::new(&good);
    let authenticator = fixture.open();
    let half = &good.as_bytes()[..good.len() - 10];
    let broken: [&[u8]; 5] = [
        b"no colon",
        half,
        b"alice:\n",
        b"\xff\xfe",
        b"alice:$2y$12$short\n",
    ];
    for content in broken {
        fixture.write(content);
        log_in(&authenticator, "alice", "secret").await.unwrap();
        assert_eq!(log_in(&authenticator, "no colon", "").await, Err(Denied::Wrong));
    }
    fs::remove_file(fixture.path()).unwrap();
    log_in(&authenticator, "alice", "secret").await.unwrap();
    fixture.write(line("bob", "other"));
    assert_eq!(
        log_in(&authenticator, "alice", "secret").await,
        Err(Denied::Wrong)
    );
    log_in(&authenticator, "bob", "other").await.unwrap();
}

// F6, F8: passlib and htpasswd cut the file in place before they write it anew.
#[tokio::test]
async fn a_file_emptied_in_place_gets_a_second_before_nobody_is_let_in() {
    let fixture = Fixture::new(line("alice", "secret"));
    let authenticator = fixture.open();
    fixture.write("");
    log_in(&authenticator, "alice", "secret").await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), async {
        while log_in(&authenticator, "alice", "secret").await != Err(Denied::Wrong) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    fixture.write(line("alice", "secret"));
    log_in(&authenticator, "alice", "secret").await.unwrap();
}

// F6: in place, as passlib and htpasswd do it, and by renaming, as we do it.
#[tokio::test(flavor = "multi_thread")]
async fn rewriting_the_file_all_the_time_never_locks_anybody_out() {
    let content = line("alice", "secret") + &line("bob", "other");
    for rewrite in [Fixture::write, Fixture::replace] {
        let fixture = Fixture::new(&content);
        let authenticator = fixture.open();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    rewrite(&fixture, &content);
                }
            });
            let logins = async {
                for _ in 0..2_000 {
                    log_in(&authenticator, "bob", "other").await?;
                }
                Ok::<(), Denied>(())
            };
            let runtime = tokio::runtime::Handle::current();
            let outcome = tokio::task::block_in_place(|| runtime.block_on(logins));
            stop.store(true, Ordering::Relaxed);
            outcome.unwrap();
        });
    }
}

// F8
#[tokio::test]
async fn a_file_without_a_usable_user_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Authenticator::open(&folder.path().join("none"), Settings::default());
    assert!(matches!(missing, Err(Error::Missing { .. })));
    let error = |content: &[u8]| {
        let fixture = Fixture::new(content);
        Authenticator::open(&fixture.path(), Settings::default()).unwrap_err()
    };
    assert!(matches!(error(b""), Error::NoUsers { .. }));
    assert!(matches!(error(b"# nobody\n\n"), Error::NoUsers { .. }));
    assert!(matches!(error(b"alice:plain\n"), Error::NoUsers { warnings, .. } if warnings.len() == 1));
    assert!(matches!(
        error(b"a:b\nalice:\xff\n"),
        Error::NotUtf8 { line: 2, .. }
    ));
    let malformed = error(b"# ours\nalice:$2y$12$SECRETSECRET\n");
    assert!(matches!(malformed, Error::Malformed { .. }));
    let shown = format!(
        "{malformed}: {:?} {}",
        malformed,
        std::error::Error::source(&malformed).unwrap()
    );
    assert!(shown.contains("line 2") && !shown.contains("SECRET"), "{shown}");
    let unreadable = Authenticator::open(folder.path(), Settings::default());
    assert!(matches!(unreadable, Err(Error::Unreadable { .. })));
}
