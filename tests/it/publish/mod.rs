//! `pkgctl publish` against an index that does as it is told: what is sent, and what is made of every answer.

mod afterwards; // whether the index lists what it took, and what is told in the end
mod answers; // refusals, troubles, servers that are none
mod companions; // signatures, attestations, remarks
mod credentials; // to whom, and as whom
mod duplicates; // files that are there already
mod files; // what is sent, and what stops it
mod parallel; // several files at a time
mod real_servers; // pypiserver, devpi, and this program's own
mod redirects; // followed at home, nowhere else
mod rehearsal; // `--dry-run`
mod stopping; // half-way
mod trusted; // CI jobs and their identities
mod wire; // the form, beside twine's

use crate::support::distributions::{Distribution, wheel};
use crate::support::scripted_index::{Reply, ScriptedIndex};
use crate::support::{Outcome, Testbed};

const WHEEL: &str = "my_lib-1.0-py3-none-any.whl";
const SDIST: &str = "my_lib-1.0.tar.gz";

/// A home with `dist/` and an index called `internal` in `.pypirc`, whose user is alice.
struct World {
    bed: Testbed,
    index: ScriptedIndex,
}

impl World {
    fn new(distributions: &[Distribution], replies: impl IntoIterator<Item = Reply>) -> Self {
        let bed = Testbed::new();
        let index = ScriptedIndex::start(replies);
        for distribution in distributions {
            distribution.write_into(bed.path("dist"));
        }
        bed.write(".pypirc", pypirc(&index.url));
        Self { bed, index }
    }

    fn publish(&self, arguments: &[&str]) -> Outcome {
        let mut command = vec!["publish", "--retry-delay", "0.01", "--jobs", "1"];
        command.extend(arguments);
        self.bed.run(command)
    }

    /// The real binary, one file at a time, without a look at the index afterwards.
    fn publish_only(&self, arguments: &[&str]) -> Outcome {
        self.publish(&[&["--no-verify"], arguments].concat())
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

fn my_wheel() -> Distribution {
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
