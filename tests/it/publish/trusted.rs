//! CI jobs and their identities: trusted publishing.

use super::{WHEEL, World, expect_in_order, my_wheel};
use crate::support::Outcome;
use crate::support::distributions::{Distribution, wheel};
use crate::support::scripted_index::{Reply, Request, ScriptedIndex};

const JSON: &str = "application/json";
const AUDIENCE: &str = "/_/oidc/audience";
const MINT: &str = "/_/oidc/mint-token";

/// An index that trades identities, and nobody's credentials.
fn offering() -> World {
    offering_for(&[my_wheel()], [Reply::ok()])
}

fn offering_for(files: &[Distribution], replies: impl IntoIterator<Item = Reply>) -> World {
    let world = World::new(files, replies);
    world.bed.write(".pypirc", "");
    world
        .index
        .page(AUDIENCE, JSON, r#"{"audience": "internal.example"}"#);
    world.index.page(
        MINT,
        JSON,
        r#"{"success": true, "token": "minted-secret", "expires": 1}"#,
    );
    world
}

fn publish(world: &World, variables: &[(&str, &str)]) -> Outcome {
    let mut command = world
        .bed
        .pkgctl(["publish", "--verbose", "--repository-url", &world.index.url]);
    let outcome = Outcome::of(command.envs(variables.iter().copied()));
    for secret in ["minted-secret", "identity-secret", "bearer-secret"] {
        assert!(
            !outcome.stderr.contains(secret) && !outcome.stdout.contains(secret),
            "{outcome:?}"
        );
    }
    outcome
}

fn requests_to<'a>(requests: &'a [Request], target: &str) -> Vec<&'a Request> {
    requests
        .iter()
        .filter(|request| request.target == target)
        .collect()
}

/// The identity was exchanged, and the file sent with what it brought.
#[track_caller]
fn assert_traded(world: &World, mint: &str) {
    let requests = world.index.requests();
    let [exchange] = requests_to(&requests, mint)[..] else {
        panic!("{requests:?}")
    };
    assert_eq!(exchange.method, "POST");
    let body: serde_json::Value = serde_json::from_slice(&exchange.body).unwrap();
    assert_eq!(body["token"], "identity-secret");
    let [upload] = requests_to(&requests, "/")[..] else {
        panic!("{requests:?}")
    };
    // __token__:minted-secret
    assert_eq!(
        upload.header("Authorization"),
        Some("Basic X190b2tlbl9fOm1pbnRlZC1zZWNyZXQ=")
    );
}

const GITLAB: [(&str, &str); 2] = [
    ("GITLAB_CI", "true"),
    ("INTERNAL_EXAMPLE_ID_TOKEN", "identity-secret"),
];

#[test]
fn a_job_of_gitlab_has_its_identity_in_a_variable() {
    let world = offering();
    let outcome = publish(&world, &GITLAB).expect_code(0);
    assert_traded(&world, MINT);
    expect_in_order(
        &outcome.stderr,
        &[
            "the user `__token__` from the identity of this GitLab CI job",
            "as `__token__`",
        ],
    );
    let world = offering();
    let outcome = publish(&world, &GITLAB[..1]).expect_failure(1, "INTERNAL_EXAMPLE_ID_TOKEN");
    assert!(outcome.stderr.contains("internal.example"), "{}", outcome.stderr);
}

#[test]
fn a_job_of_github_asks_for_its_identity() {
    let world = offering();
    let github = ScriptedIndex::start([Reply::ok()]);
    github.page(
        "/token?api=2&audience=internal.example",
        JSON,
        r#"{"value": "identity-secret"}"#,
    );
    let url = format!("{}/token?api=2", github.url);
    let job = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer-secret"),
    ];
    publish(&world, &job).expect_code(0);
    assert_traded(&world, MINT);
    assert_eq!(
        github.requests()[0].header("Authorization"),
        Some("Bearer bearer-secret")
    );

    let outcome = publish(&offering(), &job[..1]).expect_failure(1, "identity of this job");
    assert!(outcome.stderr.contains("id-token: write"), "{}", outcome.stderr);
    let unsafe_job = [
        job[0],
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://192.0.2.1/"),
        job[2],
    ];
    publish(&offering(), &unsafe_job).expect_failure(1, "http://192.0.2.1/ is not safe");
}

#[test]
fn the_programs_of_buildkite_and_circleci_are_asked() {
    let cases = [
        (
            "BUILDKITE",
            "buildkite-agent",
            "oidc request-token --audience internal.example",
        ),
        (
            "CIRCLECI",
            "circleci",
            r#"run oidc get --claims {"aud":"internal.example"}"#,
        ),
    ];
    for (variable, program, call) in cases {
        let world = offering();
        let script = format!("#!/bin/sh\n[ \"$*\" = '{call}' ] && echo identity-secret\n");
        let path = world.bed.script(&format!("bin/{program}"), &script);
        let folders = format!(
            "{}:{}",
            path.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        publish(&world, &[(variable, "true"), ("PATH", &folders)]).expect_code(0);
        assert_traded(&world, MINT);
        publish(&offering(), &[(variable, "true"), ("PATH", "/nowhere")]).expect_failure(1, program);
    }
}

#[test]
fn the_index_may_say_where_identities_are_traded() {
    let world = offering();
    let url = &world.index.url;
    let discovery = "/.well-known/pytp?discover=%2F";
    let media_type = "application/vnd.pypi.pytp.v1+json";
    let document = |host: &str| {
        format!(r#"{{"audience-endpoint": "{url}/who", "token-mint-endpoint": "{host}/trade"}}"#)
    };
    world
        .index
        .page("/who", JSON, r#"{"audience": "internal.example"}"#);
    world.index.page("/trade", JSON, r#"{"token": "minted-secret"}"#);
    world.index.page(discovery, media_type, &document(url));
    publish(&world, &GITLAB).expect_code(0);
    assert_traded(&world, "/trade");
    let asked = world.index.requests();
    assert_eq!(
        requests_to(&asked, discovery)[0].header("Accept"),
        Some(media_type)
    );

    // To no other server.
    let other = ScriptedIndex::start([Reply::ok()]);
    world.index.page(discovery, media_type, &document(&other.url));
    let outcome = publish(&world, &GITLAB).expect_code(0);
    assert!(outcome.stderr.contains("another server"), "{}", outcome.stderr);
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn no_index_may_ask_for_what_another_would_accept() {
    for audience in ["pypi", "testpypi", "--help", ""] {
        let world = offering();
        world
            .index
            .page(AUDIENCE, JSON, &format!(r#"{{"audience": "{audience}"}}"#));
        let job = [("GITLAB_CI", "true"), ("PYPI_ID_TOKEN", "identity-secret")];
        let outcome = publish(&world, &job).expect_code(0);
        assert!(
            outcome.stderr.contains("not its own to ask for"),
            "{}",
            outcome.stderr
        );
        assert!(requests_to(&world.index.requests(), MINT).is_empty());
    }
}

#[test]
fn an_index_that_refuses_the_identity_is_quoted() {
    let world = offering();
    let refusal = r#"{"message": "Token request failed", "errors": [{"code": "invalid-publisher", "description": "x"}]}"#;
    world
        .index
        .page_with_status(MINT, "422 Unprocessable Entity", JSON, refusal);
    let outcome = publish(&world, &GITLAB).expect_failure(1, "Token request failed");
    expect_in_order(
        &outcome.stderr,
        &["identity of this job", "422", "hint: ", "trusted publisher"],
    );
    world.index.page(MINT, JSON, r#"{"token": "two\nlines"}"#);
    publish(&world, &GITLAB).expect_failure(1, MINT);
}

#[test]
fn nobody_is_asked_for_a_token_without_need_or_offer() {
    // Not in a job.
    let world = offering();
    publish(&world, &[]).expect_code(0);
    assert!(requests_to(&world.index.requests(), AUDIENCE).is_empty());
    // With credentials.
    let world = offering();
    let known = [
        GITLAB[0],
        GITLAB[1],
        ("PKGCTL_USERNAME", "u"),
        ("PKGCTL_PASSWORD", "p"),
    ];
    publish(&world, &known).expect_code(0);
    assert!(requests_to(&world.index.requests(), AUDIENCE).is_empty());
    // Without an offer, or with a page for everything.
    for body in [None, Some("<html>welcome</html>")] {
        let world = World::new(&[my_wheel()], [Reply::ok()]);
        world.bed.write(".pypirc", "");
        if let Some(body) = body {
            world.index.page(AUDIENCE, "text/html", body);
            world
                .index
                .page("/.well-known/pytp?discover=%2F", "text/html", body);
        }
        publish(&world, &GITLAB).expect_code(0);
        assert_eq!(world.uploaded(), [WHEEL]);
    }
}

/// What the public index says of a token that has ended.
const ENDED: &str = "403 Invalid or non-existent authentication information. Token is expired.";

fn ended() -> Reply {
    Reply::status(ENDED)
}

fn several(number: usize) -> Vec<Distribution> {
    (0..number)
        .map(|number| wheel(&format!("lib{number}"), "1.0").build())
        .collect()
}

/// The second token that the index gives.
fn give_another(world: &World) {
    world.index.later_page(
        MINT,
        "200 OK",
        JSON,
        r#"{"success": true, "token": "minted-secret-2", "expires": null}"#,
    );
}

/// With which token each upload came, by the last sign that tells them apart.
fn tokens(world: &World) -> Vec<String> {
    let requests = world.index.requests();
    let uploads = requests_to(&requests, "/").into_iter();
    let token = |upload: &Request| match upload.header("Authorization") {
        Some("Basic X190b2tlbl9fOm1pbnRlZC1zZWNyZXQ=") => "first".to_owned(),
        Some("Basic X190b2tlbl9fOm1pbnRlZC1zZWNyZXQtMg==") => "second".to_owned(),
        other => format!("{other:?}"),
    };
    uploads
        .filter(|upload| upload.method == "POST")
        .map(token)
        .collect()
}

#[test]
fn a_token_that_has_ended_is_replaced_and_the_file_sent_again() {
    let world = offering_for(&several(3), [Reply::ok(), ended(), Reply::ok()]);
    give_another(&world);
    let jobs = [GITLAB[0], GITLAB[1], ("PKGCTL_JOBS", "1")];
    publish(&world, &jobs).expect_code(0);
    assert_eq!(tokens(&world), ["first", "first", "second", "second"]);
    assert_eq!(requests_to(&world.index.requests(), MINT).len(), 2);
}

#[test]
fn all_uploads_share_one_new_token() {
    // None hears of the end before all have come with the first token.
    let all_end = std::iter::repeat_n(Reply::Together(4, ENDED), 4);
    let world = offering_for(&several(4), all_end.chain([Reply::ok()]));
    give_another(&world);
    publish(&world, &[GITLAB[0], GITLAB[1], ("PKGCTL_JOBS", "4")]).expect_code(0);
    assert_eq!(tokens(&world), [["first"; 4], ["second"; 4]].concat());
    assert_eq!(requests_to(&world.index.requests(), MINT).len(), 2);
}

#[test]
fn an_end_that_nothing_can_be_done_about_is_told_with_both_reasons() {
    let world = offering_for(&several(2), [ended()]);
    let refused = r#"{"message": "Token request failed", "errors": [{"code": "invalid-reuse-token", "description": "the identity was used before"}]}"#;
    world
        .index
        .later_page(MINT, "422 Unprocessable Entity", JSON, refused);
    let jobs = [GITLAB[0], GITLAB[1], ("PKGCTL_JOBS", "1")];
    let outcome = publish(&world, &jobs).expect_failure(1, "Token is expired");
    expect_in_order(
        &outcome.stderr,
        &["could not be renewed", "hint: ", "fresh identity"],
    );
    assert_eq!(tokens(&world), ["first"], "the others would end alike");
}

#[test]
fn a_refusal_that_speaks_of_nothing_that_ended_is_final() {
    let world = offering_for(&several(1), [Reply::status("403 this user may not upload")]);
    publish(&world, &GITLAB).expect_failure(1, "may not upload");
    assert_eq!(requests_to(&world.index.requests(), MINT).len(), 1);
    // A password of a person is never replaced.
    let world = World::new(&several(1), [Reply::status("401 the password is expired")]);
    world.publish(&[]).expect_failure(1, "the password is expired");
    assert_eq!(world.uploaded().len(), 1);
}
