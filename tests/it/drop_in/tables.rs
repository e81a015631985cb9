//! Tables of requests, and the two servers that they are sent to.

use super::answers::told;
use super::asking::Ask;
use super::folders;
use crate::support::pypiserver::Pypiserver;
use crate::support::{Server, Testbed, tools};

/// Requests to two servers that were started alike. They are sent in their order: one may change what the next one finds.
pub(super) struct Table {
    /// Flags of `pypi-server run` and of `pkgctl serve`.
    pub(super) flags: &'static [&'static str],
    /// Fills the folder `packages` of a home, and what else the flags name.
    pub(super) folder: fn(&Testbed),
    pub(super) rows: fn() -> Vec<Row>,
}

/// A request and what is to be answered.
pub(super) struct Row {
    /// What a person does to the home of either server just before.
    deed: Option<fn(&Testbed)>,
    ask: Ask,
    pub(super) expected: Expected,
}

impl Row {
    /// A person does this to the home of either server just before the request.
    pub(super) fn after(mut self, deed: fn(&Testbed)) -> Self {
        self.deed = Some(deed);
        self
    }
}

/// What the two servers answer. The texts are beginnings of what `answers` tells.
pub(super) enum Expected {
    Same(&'static str),
    Differs {
        /// The first cell of a row of README's table.
        topic: &'static str,
        there: &'static str,
        here: &'static str,
    },
}

/// Both answer alike, and so.
pub(super) fn same(answer: &'static str, ask: Ask) -> Row {
    Row {
        deed: None,
        ask,
        expected: Expected::Same(answer),
    }
}

/// pypiserver answers `there`, we answer `here`, and README tells why under `topic`.
pub(super) fn differs(topic: &'static str, there: &'static str, here: &'static str, ask: Ask) -> Row {
    Row {
        deed: None,
        ask,
        expected: Expected::Differs { topic, there, here },
    }
}

impl Expected {
    /// What is wrong with these answers, if anything is.
    pub(super) fn objection(&self, there: &str, here: &str) -> Option<String> {
        let fits = match self {
            Self::Same(answer) => there == here && there.starts_with(answer),
            Self::Differs {
                there: wanted_there,
                here: wanted_here,
                ..
            } => there != here && there.starts_with(wanted_there) && here.starts_with(wanted_here),
        };
        let wanted = match self {
            Self::Same(answer) => format!("both ought to answer `{answer}`"),
            Self::Differs { topic, there, here } => {
                format!("pypiserver ought to answer `{there}`, pkgctl `{here}` ({topic})")
            }
        };
        (!fits).then(|| format!("  {wanted}\n  pypiserver: {there}\n  pkgctl:     {here}\n"))
    }
}

/// Both servers, each in a home of its own.
pub(super) struct Pair {
    there: Pypiserver,
    here: Server,
    homes: [Testbed; 2],
}

impl Pair {
    /// Starts both; `None` where pypiserver can't be had.
    pub(super) fn start(table: &Table) -> Option<Self> {
        let pypiserver = tools::pypiserver().ok()?;
        let homes = [Testbed::new(), Testbed::new()];
        for home in &homes {
            std::fs::create_dir_all(home.path("packages")).unwrap();
            folders::write_passwords(home);
            (table.folder)(home);
        }
        let there = Pypiserver::run(&pypiserver, &homes[0], table.flags);
        let here = homes[1].serve(table.flags);
        Some(Self { there, here, homes })
    }

    fn objection(&self, row: &Row) -> Option<String> {
        if let Some(deed) = row.deed {
            self.homes.iter().for_each(deed);
        }
        let answer = |server: &str| told(&row.ask, server, &row.ask.send(server));
        let (there, here) = (answer(&self.there.url), answer(&self.here.url));
        let objection = row.expected.objection(&there, &here)?;
        Some(format!("{}\n{objection}", row.ask.title()))
    }
}

/// Sends every row to both servers. All that is wrong is told at once.
#[track_caller]
pub(super) fn run(table: &Table) {
    let Some(pair) = Pair::start(table) else { return };
    let objections: Vec<String> = (table.rows)()
        .iter()
        .filter_map(|row| pair.objection(row))
        .collect();
    assert!(
        objections.is_empty(),
        "{} answers are not what they ought to be:\n\n{}",
        objections.len(),
        objections.join("\n")
    );
}
