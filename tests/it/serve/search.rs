//! `pip search`, by pip itself, by Python's XML-RPC client, and by those who mean harm.

use crate::support::distributions::{sdist, wheel};
use crate::support::http::{get, request};
use crate::support::{Outcome, Server, Testbed, tools};

fn served() -> (Testbed, Server) {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("My_Lib", "1.9")
        .header("Summary", "Does <things> & more")
        .build()
        .write_into(&folder);
    sdist("my-lib", "1.10")
        .header("Summary", "Does \"other\" things")
        .build()
        .write_into(&folder);
    sdist("my-lib", "2.0rc1").build().write_into(&folder);
    sdist("libelle", "1.0").build().write_into(&folder);
    sdist("other", "1.0").build().write_into(&folder);
    let server = testbed.serve([folder]);
    (testbed, server)
}

#[test]
fn pip_searches() {
    let Ok(pip) = tools::pip() else { return };
    let (testbed, server) = served();
    let search = |words: &[&str]| {
        let mut command = pip.command(&testbed);
        command.args(["search", "--index", &server.url]).args(words);
        Outcome::of(&mut command)
    };
    let found = search(&["LIB"]).expect_code(0).stdout;
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines.len(), 2, "{found}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("my-lib (1.10)") && line.contains("Does \"other\" things")),
        "{found}"
    );
    assert!(
        lines.iter().any(|line| line.starts_with("libelle (1.0)")),
        "{found}"
    );
    assert!(
        search(&["nothing", "my_l"])
            .expect_code(0)
            .stdout
            .starts_with("my-lib")
    );
    // pip's own word for nothing found.
    search(&["nothing"]).expect_code(23);
}

#[test]
fn pythons_client_reads_answers_and_faults() {
    let (testbed, server) = served();
    let script = r#"
import sys, xmlrpc.client
index = xmlrpc.client.ServerProxy(sys.argv[1])
hits = index.search({"name": ["lib"], "summary": ["lib"]}, "or")
assert [(hit["name"], hit["version"]) for hit in hits] == [("libelle", "1.0"), ("my-lib", "1.10")], hits
assert hits[1]["summary"] == 'Does "other" things', hits
assert index.search({"name": "my.LIB"}) == [hits[1]]
assert index.search({"name": ["my", "lib"]}, "and") == [hits[1]]
assert index.search({"name": ["my", "lle"]}, "and") == []
assert index.search({"summary": ["Does"]}, "or") == []
assert len(index.search({"name": [""]}, "or")) == 3
for call in [
    lambda: index.search(), lambda: index.search(3.5, "xor"), lambda: index.search({"name": [["a"]]}, "or"),
    lambda: index.list_packages(), lambda: index.system.listMethods(),
]:
    try:
        call()
    except xmlrpc.client.Fault as fault:
        assert fault.faultCode in (-32601, -32602) and fault.faultString, fault
    else:
        raise AssertionError("no fault")
"#;
    let mut python = testbed.program("python3");
    python.args(["-c", script, &format!("{}/RPC2", server.url)]);
    Outcome::of(&mut python).expect_code(0);
}

// G8
#[test]
fn junk_and_bombs_are_refused_at_once() {
    let (_testbed, server) = served();
    let call = |body: &[u8]| {
        request(
            &server.url,
            "POST",
            "/RPC2",
            &[("Content-Type", "text/xml")],
            body,
        )
    };
    let string = |text: &str| {
        format!(
            "<methodCall><methodName>search</methodName><params><param><value><string>{text}</string></value></param></params></methodCall>"
        )
    };
    let entity = |number: usize| {
        format!(
            "<!ENTITY a{} \"{}\">",
            number + 1,
            format!("&a{number};").repeat(10)
        )
    };
    let entities: String = (0..9).map(entity).collect();
    let laughs = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a0 \"ha\">{entities}]>{}",
        string("&a9;")
    );
    for body in [
        laughs.as_bytes(),
        format!(
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{}",
            string("&e;")
        )
        .as_bytes(),
        string("&e;").as_bytes(),
        b"junk",
        b"<",
        b"<methodCall>",
        b"<methodCall><methodName/></methodCall>extra",
        b"\xff\xfe<methodCall/>",
        "<a>".repeat(20_000).as_bytes(),
        string("\u{0}").as_bytes(),
    ] {
        let reply = call(body);
        assert!(
            (400..500).contains(&reply.status) || reply.text().contains("fault"),
            "{}",
            reply.text()
        );
        assert!(!reply.text().contains("root:"), "{}", reply.text());
    }
    assert_eq!(call(laughs.as_bytes()).status, 400);
    assert_eq!(call(string(&"x".repeat(70_000)).as_bytes()).status, 413);
    let reply = call(string("lib").as_bytes()).expect(200);
    assert_eq!(reply.header("content-type"), "text/xml; charset=utf-8");
    assert!(
        reply.text().starts_with("<?xml") && reply.text().contains("<methodResponse>"),
        "{}",
        reply.text()
    );
    get(&server.url, "/RPC2", &[]).expect(405);
    get(&server.url, "/simple/", &[]).expect(200);
}
