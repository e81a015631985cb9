use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn call(parameters: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>search</methodName>\n<params>\n{parameters}</params>\n</methodCall>\n"
    )
}

fn parameter(value: &str) -> String {
    call(&format!("<param><value>{value}</value></param>"))
}

#[test]
fn the_call_of_pip_is_read() {
    let document = call(
        "<param>\n<value><struct>\n<member>\n<name>name</name>\n<value><array><data>\n<value><string>a &amp; b&#x21;</string></value>\n\
         <value>bare</value></data></array></value>\n</member>\n<member><name>summary</name><value><array><data/></array></value></member>\n\
         </struct></value>\n</param>\n<param>\n<value><string>or</string></value>\n</param>\n",
    );
    let names = Value::Array(vec![text("a & b!"), text("bare")]);
    let fields = Value::Struct(vec![
        ("name".to_owned(), names),
        ("summary".to_owned(), Value::Array(Vec::new())),
    ]);
    let expected = Call {
        method: "search".to_owned(),
        parameters: vec![fields, text("or")],
    };
    assert_eq!(read_call(&document), Ok(expected));
}

#[test]
fn values_of_all_types_are_read() {
    for (value, expected) in [
        ("", ""),
        ("<string/>", ""),
        ("<string></string>", ""),
        ("<string> x </string>", " x "),
        ("<string><![CDATA[<x>&amp;]]></string>", "<x>&amp;"),
        ("<string>a<!-- not this -->b</string>", "ab"),
        ("<int>4</int>", "4"),
        ("<i4>4</i4>", "4"),
        ("<boolean>1</boolean>", "1"),
        ("<nil/>", ""),
    ] {
        let read = read_call(&parameter(value)).unwrap();
        assert_eq!(read.parameters, [text(expected)], "{value}");
    }
    let bare = "<methodCall><methodName> list </methodName></methodCall>";
    assert_eq!(read_call(bare).unwrap().method, "list");
}

#[test]
fn what_is_no_call_is_refused() {
    let malformed = |document: &str| assert_eq!(read_call(document), Err(CallError::Malformed), "{document}");
    [
        "",
        "   ",
        "junk",
        "<methodCall>",
        "<methodCall><methodName>x</wrong>",
        "<a",
        "<methodCall><methodName>\u{0}</methodName></methodCall>",
        "<methodCall><methodName>&#0;</methodName></methodCall>",
        "<methodCall><methodName>&#xD800;</methodName></methodCall>",
        "&#xFFFFFFFF;",
        "<methodCall><methodName>a & b",
    ]
    .into_iter()
    .filter(|document| *document != "junk")
    .for_each(malformed);
    for document in [
        "junk",
        "<html></html>",
        "<methodCall></methodCall>",
        "<methodCall><methodName><b>x</b></methodName></methodCall>",
        "<methodCall><methodName>x</methodName><values/></methodCall>",
        "<methodCall><methodName>x</methodName></methodCall><more/>",
    ] {
        let error = read_call(document).unwrap_err();
        assert!(
            matches!(error, CallError::Unexpected { .. }),
            "{document}: {error}"
        );
    }
    for value in [
        "<unknown/>",
        "x<string>y</string>",
        "<string>x</string><string>y</string>",
        "<array></array>",
        "<struct><member><value/></member></struct>",
    ] {
        let error = read_call(&parameter(value)).unwrap_err();
        assert!(matches!(error, CallError::Unexpected { .. }), "{value}: {error}");
    }
}

#[test]
fn nothing_is_expanded_or_fetched() {
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\">]>";
    for document in [
        format!(
            "<?xml version='1.0'?>{laughs}{}",
            parameter("<string>&b;</string>")
        ),
        parameter("<string>&b;</string>"),
        parameter("<string>&xxe;</string>"),
        format!("<!DOCTYPE x SYSTEM 'file:///etc/passwd'>{}", parameter("x")),
        format!("<?php x ?>{}", parameter("x")),
    ] {
        assert_eq!(
            read_call(document.trim_start_matches("<?xml version='1.0'?>")),
            Err(CallError::Forbidden),
            "{document}"
        );
    }
    let deep = format!(
        "{}x{}",
        "<array><data><value>".repeat(1000),
        "</value></data></array>".repeat(1000)
    );
    assert_eq!(read_call(&parameter(&deep)), Err(CallError::TooDeep));
}

#[test]
fn faults_have_a_code_and_a_sentence() {
    let fault = fault(-32601, "there is no <method>");
    assert!(
        fault.contains("<int>-32601</int>") && fault.contains("there is no &lt;method&gt;"),
        "{fault}"
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(words in prop::collection::vec("[^\u{0}-\u{1f}\u{7f}\u{fffe}\u{ffff}]{0,20}", 0..5)) {
        let value = Value::Struct(vec![("a".to_owned(), Value::Array(words.into_iter().map(Value::Text).collect()))]);
        let document = answer(&value)
            .replace("<methodResponse>", "<methodCall><methodName>x</methodName>")
            .replace("</methodResponse>", "</methodCall>");
        prop_assert_eq!(read_call(&document).unwrap().parameters, [value]);
    }

    #[test]
    fn no_text_makes_it_panic(document in "(<[a-zA-Z/!?\\[]{0,9}>?|&[a-z#0-9]{0,4};?|[a-z\" ']{0,4}|<methodCall>|<methodName>|<value>){0,30}") {
        let _ = read_call(&document);
    }
}
