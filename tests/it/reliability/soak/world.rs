//! Every file that may lie in the folder while everything changes, and what it may hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::distributions::{Distribution, sdist, wheel};

/// Those who upload and remove, and those who copy into the folder. Each has files of its own.
pub(super) const UPLOADERS: u64 = 8;
pub(super) const COPIERS: u64 = 4;

/// Names of each who changes files, and states that each of them may have.
pub(super) const NAMES: u64 = 4;
pub(super) const STATES: u64 = 4;
/// Projects that stay as they are.
pub(super) const STEADY: u64 = 24;

/// All that may ever be under a name.
pub(super) struct World {
    pub(super) steady: Vec<Distribution>,
    pub(super) large: Distribution,
    /// By who changes them and number; each in all its states.
    pub(super) changing: Vec<Vec<Vec<Distribution>>>,
    /// Digests by file name.
    sound: BTreeMap<String, BTreeSet<String>>,
}

impl World {
    pub(super) fn new() -> Self {
        let padding = |number: u64| usize::try_from(1_000 + number * 7_919 % 60_000).unwrap();
        let steady: Vec<Distribution> = (0..STEADY)
            .map(|number| {
                wheel(&format!("steady{number}"), "1.0")
                    .padding(padding(number), number)
                    .build()
            })
            .collect();
        let large = wheel("large", "1.0").padding(8 << 20, 1).build();
        let states = |who: u64, number: u64| -> Vec<Distribution> {
            let build = |state| {
                sdist(&format!("lib{who}x{number}"), "1.0")
                    .padding(padding(who * 31 + number * 7 + state), state)
                    .build()
            };
            (0..STATES).map(build).collect()
        };
        let changing: Vec<Vec<Vec<Distribution>>> = (0..UPLOADERS + COPIERS)
            .map(|who| (0..NAMES).map(|number| states(who, number)).collect())
            .collect();
        let mut sound: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let all = steady
            .iter()
            .chain([&large])
            .chain(changing.iter().flatten().flatten());
        for distribution in all {
            let digests = sound.entry(distribution.filename.clone()).or_default();
            digests.insert(distribution.sha256());
        }
        Self {
            steady,
            large,
            changing,
            sound,
        }
    }

    pub(super) fn is_sound(&self, filename: &str, digest: &str) -> bool {
        self.sound
            .get(filename)
            .is_some_and(|digests| digests.contains(digest))
    }
}
