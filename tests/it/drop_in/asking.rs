//! One request, as it goes to both servers.

use base64::Engine as _;

use crate::support::http::{self, Reply};
use crate::support::upload::Form;

/// A request, and how much of the answer to it is compared.
#[derive(Clone)]
pub(super) struct Ask {
    method: &'static str,
    path: String,
    protocol: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Whether the body of a successful answer is looked at.
    pub(super) with_body: bool,
    /// Whether the order of a page's links counts.
    pub(super) in_order: bool,
    /// Headers of the answer that are compared besides those that always are; in lower case.
    pub(super) compared: Vec<&'static str>,
}

/// `GET` of a path.
pub(super) fn get(path: &str) -> Ask {
    ask("GET", path)
}

/// `HEAD` of a path.
pub(super) fn head(path: &str) -> Ask {
    ask("HEAD", path)
}

/// `POST` of a multipart form to the root, as uploaders send it.
pub(super) fn post(form: &Form) -> Ask {
    ask("POST", "/")
        .header("Content-Type", &Form::content_type())
        .body(&form.body())
}

/// `POST` of fields in a URL-encoded form to the root, as `curl -d` sends it.
pub(super) fn post_urlencoded(fields: &str) -> Ask {
    ask("POST", "/")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(fields.as_bytes())
}

/// Any request without a body.
pub(super) fn ask(method: &'static str, path: &str) -> Ask {
    Ask {
        method,
        path: path.to_owned(),
        protocol: "HTTP/1.1",
        headers: Vec::new(),
        body: Vec::new(),
        with_body: true,
        in_order: true,
        compared: Vec::new(),
    }
}

impl Ask {
    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a user's name and password, `name:password`.
    pub(super) fn login(self, credentials: &str) -> Self {
        let credentials = base64::engine::general_purpose::STANDARD.encode(credentials);
        self.header("Authorization", &format!("Basic {credentials}"))
    }

    pub(super) fn body(mut self, body: &[u8]) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    /// To another address than that of the request it was made from.
    pub(super) fn to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// In the protocol of old proxies and scripts.
    pub(super) fn http_1_0(mut self) -> Self {
        self.protocol = "HTTP/1.0";
        self
    }

    /// Of the answer only its head counts: the page is for people, and each server has its own.
    pub(super) fn head_counts(mut self) -> Self {
        self.with_body = false;
        self
    }

    /// The links of the page are compared without regard to their order.
    pub(super) fn in_any_order(mut self) -> Self {
        self.in_order = false;
        self
    }

    /// This header of the answer, in lower case, is compared too.
    pub(super) fn comparing(mut self, header: &'static str) -> Self {
        self.compared.push(header);
        self
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// For messages: method, path, and what of the headers is told apart.
    pub(super) fn title(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| name != "Content-Type")
            .map(|(name, value)| format!(" [{name}: {value}]"))
            .collect();
        let body = String::from_utf8_lossy(&self.body);
        let parts: Vec<&str> = body
            .split("form-data; ")
            .skip(1)
            .map(|part| part.split("\r\n--").next().unwrap_or(part))
            .collect();
        let body = if parts.is_empty() {
            body.into_owned()
        } else {
            parts.join(" ")
        };
        let beginning: String = body.chars().filter(|c| !c.is_control()).take(300).collect();
        format!("{} {}{} {beginning}", self.method, self.path, headers.concat())
    }

    /// Sends it on a connection of its own.
    pub(super) fn send(&self, server: &str) -> Reply {
        let address = server.strip_prefix("http://").unwrap();
        let mut message = format!(
            "{} {} {}\r\nHost: {address}\r\nConnection: close\r\n",
            self.method, self.path, self.protocol
        );
        for (name, value) in &self.headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.method == "POST" || self.method == "PUT" {
            message.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        message.push_str("\r\n");
        let mut message = message.into_bytes();
        message.extend(&self.body);
        http::raw(server, &message)
    }
}
