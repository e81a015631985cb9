//! What is asked for most and lies ready in memory, answered in front of the routes: pages and small files.
//!
//! A request that is none of these, or whose answer is not at hand — because something has changed, a password must be
//! checked, a range can't be satisfied — goes to its route as it came, which answers it in full. Both ways make their
//! answers by the same functions and put the same things around them, so that nobody can tell which one was taken; a
//! test compares them.

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use axum::http::{HeaderMap, Method, Request, header};
use hyper::body::Body;

use super::at_hand::AtHand;
use super::extract::Wanted;
use super::files::{self, OF_A_FILE};
use super::middleware::{AtOnce, around_at_once, is_short};
use super::simple::{self, Sent};
use super::state::{Current, Live};
use crate::auth::Action;
use crate::index::Content;

/// The way in front of the routes.
pub(super) struct Express {
    live: Live,
    /// The path that everything is mounted at; empty for the root.
    mount: Box<str>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked<'a> {
    /// The page of a project, by the name that stands in the address; `None` for the list of projects.
    Page(Option<&'a str>),
    /// A file or its metadata, by its path below `/packages/`.
    File(&'a str),
}

impl<'a> Asked<'a> {
    /// `None` for everything that has another meaning, or may have one once it is decoded.
    fn of(path: &'a str) -> Option<Self> {
        if path.contains('%') {
            return None;
        }
        if let Some(file) = path.strip_prefix("/packages/") {
            // Without a name it is the list of all files.
            return (!file.is_empty()).then_some(Self::File(file));
        }
        let page = path.strip_prefix("/simple/")?;
        if page.is_empty() {
            return Some(Self::Page(None));
        }
        page.strip_suffix('/').map(|project| Self::Page(Some(project)))
    }

    fn action(self) -> Action {
        match self {
            Self::Page(_) => Action::List,
            Self::File(_) => Action::Download,
        }
    }

    /// The answer, if it is at hand.
    fn answer(self, state: &Current, question: &Question<'_>) -> Option<AtHand> {
        match self {
            Self::Page(project) => page(state, project, question.headers),
            Self::File(path) => file(state, path, question.method, question.headers),
        }
    }
}

/// A request without a body and a query, whose head keeps within the limits.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
}

impl<'a> Question<'a> {
    /// `None` for a request that is more than that.
    pub(super) fn of<B: Body>(request: &'a Request<B>) -> Option<Self> {
        let uri = request.uri();
        let is_plain = uri.query().is_none() && request.body().is_end_stream() && is_short(request);
        is_plain.then(|| Self {
            method: request.method(),
            path: uri.path(),
            headers: request.headers(),
        })
    }
}

impl Express {
    pub(super) fn new(live: Live) -> Self {
        let mount = live.now().settings().mount.as_str().into();
        Self { live, mount }
    }

    /// The answer to a question, if it is at hand. `client` tells who has sent it.
    pub(super) fn answer(&self, question: Question<'_>, client: impl FnOnce() -> IpAddr) -> Option<AtHand> {
        // What fails here fails on its route, too, and is told there. Nothing that is shared is left half done.
        catch_unwind(AssertUnwindSafe(|| self.at_once(question, client))).unwrap_or(None)
    }

    fn at_once(&self, question: Question<'_>, client: impl FnOnce() -> IpAddr) -> Option<AtHand> {
        let started = Instant::now();
        let Question {
            method,
            path,
            headers,
        } = question;
        if !matches!(*method, Method::GET | Method::HEAD) {
            return None;
        }
        let path = path.strip_prefix(&*self.mount)?;
        let asked = Asked::of(path)?;
        let state = self.live.now();
        let passed = state.passes_at_once(asked.action(), headers)?;
        let mut answer = asked.answer(&state, &question)?.answering(method);
        let served = AtOnce {
            method,
            path,
            headers,
            started,
            user: passed.user.as_ref(),
        };
        around_at_once(&state, &served, &mut answer, client);
        Some(answer)
    }
}

fn page(state: &Current, project: Option<&str>, headers: &HeaderMap) -> Option<AtHand> {
    let Wanted { format, gzip } = Wanted::by_headers(headers)?;
    let page = state.index().page_at_hand(project, format, gzip)?;
    Some(simple::answer(&page, Sent::simple(format), headers))
}

fn file(state: &Current, path: &str, method: &Method, headers: &HeaderMap) -> Option<AtHand> {
    if method == Method::HEAD && headers.contains_key(header::RANGE) {
        return None;
    }
    let download = state.index().download_at_hand(path)?;
    let (mut answer, part) = files::head(&download, headers, OF_A_FILE, state.file_cache_control())?;
    match (&download.content, part) {
        (_, None) => {}
        (Content::Memory(bytes), Some(part)) => answer.carry(files::slice(bytes, &part)),
        (Content::Stored(_), Some(_)) => return None,
    }
    Some(answer)
}

#[cfg(test)]
#[path = "express_tests.rs"]
mod tests;
