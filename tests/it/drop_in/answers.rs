//! What counts of an answer: its status, the headers that clients act on, and the meaning of its body. Two servers
//! that write a redirect, a page or an error in other words, but say the same, give the same text here.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::Url;

use super::asking::Ask;
use crate::support::distributions::sha256;
use crate::support::http::Reply;

/// The answer of the server at `server`, on one line but for the addresses of links, which follow below.
pub(super) fn told(ask: &Ask, server: &str, reply: &Reply) -> String {
    let headers: Vec<String> = ask
        .compared
        .iter()
        .map(|name| format!("; {name}: {}", reply.header(name)))
        .collect();
    meaning(ask, server, reply) + &headers.concat()
}

fn meaning(ask: &Ask, server: &str, reply: &Reply) -> String {
    let status = reply.status;
    match status {
        200 | 206 => format!("{status}{}", success(ask, server, reply)),
        300..=308 if status != 304 => {
            let page = Url::parse(server).unwrap().join(ask.path()).unwrap();
            let target = page.join(reply.header("location")).unwrap();
            format!("{status} to {}", without_server(server, target.as_str()))
        }
        401 => format!(
            "401 {}",
            words(reply.header("www-authenticate")).next().unwrap_or("bare")
        ),
        405 => {
            // Both answer HEAD wherever they answer GET; only one says so.
            let allowed = words(reply.header("allow")).filter(|method| *method != "HEAD");
            format!("405 {:?}", allowed.collect::<BTreeSet<&str>>())
        }
        _ => status.to_string(),
    }
}

fn words(header: &str) -> impl Iterator<Item = &str> {
    header.split([',', ' ']).filter(|word| !word.is_empty())
}

fn success(ask: &Ask, server: &str, reply: &Reply) -> String {
    let content_type = reply.header("content-type").to_lowercase();
    let is_page = content_type.starts_with("text/html");
    let length = reply.header("content-length");
    if ask.is_head() {
        assert!(
            reply.body.is_empty(),
            "the answer to HEAD has a body: {}",
            reply.text()
        );
        // Pages are as long as their markup and addresses; files are not a matter of taste.
        let is_file = !is_page && !content_type.ends_with("json");
        let length = if is_file { length } else { "some" };
        return format!(" {content_type}, {length} bytes");
    }
    if !length.is_empty() {
        assert_eq!(
            length,
            reply.body.len().to_string(),
            "Content-Length of {}",
            ask.title()
        );
    }
    if reply.body.is_empty() {
        return " empty".to_owned();
    }
    if !ask.with_body {
        return format!(" {content_type}");
    }
    if is_page {
        return format!(" {content_type}:{}", links_told(ask, server, &reply.text()));
    }
    if content_type.ends_with("json") {
        let mut json = reply.json();
        if content_type == "application/json" {
            json = newest_and_addresses(&json);
        }
        shorten_urls(&mut json, server);
        return format!(" {content_type}: {json}");
    }
    let mut told = format!(" {content_type}, {} bytes", reply.body.len());
    let range = reply.header("content-range");
    if !range.is_empty() {
        told.push_str(&format!(", {range}"));
    }
    let encoding = reply.header("content-encoding");
    if !encoding.is_empty() {
        told.push_str(&format!(", {encoding}"));
    }
    format!("{told}, sha256 {}", sha256(&reply.body))
}

/// Of a project's JSON what pypiserver tells; there may be more.
fn newest_and_addresses(project: &Value) -> Value {
    let address = |file: &Value| json!({"url": file["url"]});
    let addresses = |files: &Value| Value::from_iter(files.as_array().into_iter().flatten().map(address));
    let releases = project["releases"].as_object().into_iter().flatten();
    json!({
        "info": {"version": project["info"]["version"]},
        "releases": Value::from_iter(releases.map(|(version, files)| (version.clone(), addresses(files)))),
    })
}

fn without_server(server: &str, url: &str) -> String {
    url.strip_prefix(server).unwrap_or(url).to_owned()
}

/// Addresses in JSON may be absolute, and then name a port of today.
fn shorten_urls(json: &mut Value, server: &str) {
    match json {
        Value::String(text) => *text = decoded(&without_server(server, text)),
        Value::Array(items) => items.iter_mut().for_each(|item| shorten_urls(item, server)),
        Value::Object(fields) => fields.values_mut().for_each(|value| shorten_urls(value, server)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The texts of the links in their order; below, where each leads, as a browser would find it.
fn links_told(ask: &Ask, server: &str, html: &str) -> String {
    let page = Url::parse(server).unwrap().join(ask.path()).unwrap();
    let mut texts = String::new();
    let mut targets = String::new();
    let mut links = links(html);
    if !ask.in_order {
        links.sort_by(|one, other| one.1.cmp(&other.1));
    }
    for (href, text) in links {
        let target = page.join(&href).unwrap();
        texts.push_str(&format!(" {text}"));
        targets.push_str(&format!(
            "\n    {}",
            decoded(&without_server(server, target.as_str()))
        ));
    }
    texts + &targets
}

/// Address and text of each link, with the few entities that both servers use.
fn links(html: &str) -> Vec<(String, String)> {
    html.split("<a ")
        .skip(1)
        .map(|link| {
            let (_, link) = link.split_once("href=\"").unwrap();
            let (href, rest) = link.split_once('"').unwrap();
            let (_, rest) = rest.split_once('>').unwrap();
            let (text, _) = rest.split_once("</a>").unwrap();
            (without_entities(href), without_entities(text.trim()))
        })
        .collect()
}

fn without_entities(text: &str) -> String {
    text.replace("&#43;", "+")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#33;", "!")
        .replace("&amp;", "&")
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

#[test]
fn what_differs_is_told_and_what_does_not_is_not() {
    let page = |html: &str| Reply {
        status: 200,
        reason: "OK".to_owned(),
        headers: vec![("content-type".to_owned(), "text/html; charset=UTF-8".to_owned())],
        body: html.as_bytes().to_owned(),
    };
    let ask = super::asking::get("/simple/a/");
    let told = |server: &str, html: &str| told(&ask, server, &page(html));
    let one = told(
        "http://x:1",
        "<h1>one</h1> <a href=\"/packages/a-1+b.zip#md5=1\"> a-1+b.zip </a>",
    );
    let same = told(
        "http://y:2",
        "<a class=\"f\" href=\"../../packages/a-1%2Bb.zip#md5=1\">a-1+b.zip</a>",
    );
    assert_eq!(one, same);
    for other in [
        "<a href=\"../../packages/a-1+b.zip#md5=2\">a-1+b.zip</a>",
        "<a href=\"../packages/a-1+b.zip#md5=1\">a-1+b.zip</a>",
        "<a href=\"/packages/a-1+b.zip#md5=1\">a-1-b.zip</a>",
        "",
    ] {
        assert_ne!(told("http://y:2", other), one, "{other}");
    }
}
