//! Which file may be sent next: release by release, wheels before sdists.
//!
//! Nobody is to build from source what will be there as a wheel in a moment. So a release's sdists wait until all of
//! its wheels are on the index; meanwhile files of the next release are on their way.

use std::collections::VecDeque;

use super::distribution::Distribution;

/// The files by release, each release with its wheels first. Releases keep the order in which they are given.
pub(super) fn in_order(distributions: &[Distribution]) -> Vec<&Distribution> {
    let mut releases: Vec<Vec<&Distribution>> = Vec::new();
    for distribution in distributions {
        let same = |release: &&mut Vec<&Distribution>| {
            release
                .first()
                .is_some_and(|first| is_same_release(first, distribution))
        };
        match releases.iter_mut().find(same) {
            Some(release) => release.push(distribution),
            None => releases.push(vec![distribution]),
        }
    }
    for release in &mut releases {
        release.sort_by_key(|distribution| !distribution.is_wheel());
    }
    releases.into_iter().flatten().collect()
}

fn is_same_release(a: &Distribution, b: &Distribution) -> bool {
    a.project() == b.project() && a.version() == b.version()
}

/// What waits, by its place in the order.
pub(super) struct Queue {
    releases: Vec<Release>,
}

#[derive(Default)]
struct Release {
    wheels: VecDeque<usize>,
    sdists: VecDeque<usize>,
    wheels_under_way: usize,
}

/// A file that was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Its place in the order.
    pub(super) file: usize,
    release: usize,
    is_wheel: bool,
}

impl Queue {
    /// A queue of files that are in order.
    pub(super) fn of(ordered: &[&Distribution]) -> Self {
        let mut releases: Vec<Release> = Vec::new();
        for (file, distribution) in ordered.iter().enumerate() {
            let goes_on = file
                .checked_sub(1)
                .is_some_and(|before| is_same_release(ordered[before], distribution));
            if !goes_on {
                releases.push(Release::default());
            }
            if let Some(release) = releases.last_mut() {
                if distribution.is_wheel() {
                    release.wheels.push_back(file);
                } else {
                    release.sdists.push_back(file);
                }
            }
        }
        Self { releases }
    }

    /// The next file that may be sent now. `None` when all are handed out, or wait for one that is under way.
    pub(super) fn next(&mut self) -> Option<Turn> {
        for (number, release) in self.releases.iter_mut().enumerate() {
            let turn = |file, is_wheel| Turn {
                file,
                release: number,
                is_wheel,
            };
            if let Some(file) = release.wheels.pop_front() {
                release.wheels_under_way += 1;
                return Some(turn(file, true));
            }
            if release.wheels_under_way == 0
                && let Some(file) = release.sdists.pop_front()
            {
                return Some(turn(file, false));
            }
        }
        None
    }

    /// A file that was handed out is on the index.
    pub(super) fn done(&mut self, turn: Turn) {
        if let Some(release) = self.releases.get_mut(turn.release).filter(|_| turn.is_wheel) {
            release.wheels_under_way -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(releases: &[(&[usize], &[usize])]) -> Queue {
        let release = |(wheels, sdists): &(&[usize], &[usize])| Release {
            wheels: wheels.iter().copied().collect(),
            sdists: sdists.iter().copied().collect(),
            wheels_under_way: 0,
        };
        Queue {
            releases: releases.iter().map(release).collect(),
        }
    }

    #[test]
    fn an_sdist_waits_for_the_wheels_of_its_release_and_others_do_not() {
        let mut queue = queue(&[(&[0, 1], &[2]), (&[3], &[4])]);
        let turns: Vec<Turn> = std::iter::from_fn(|| queue.next()).collect();
        assert_eq!(turns.iter().map(|turn| turn.file).collect::<Vec<_>>(), [0, 1, 3]);
        queue.done(turns[0]);
        assert_eq!(queue.next(), None);
        queue.done(turns[2]);
        assert_eq!(queue.next().unwrap().file, 4);
        queue.done(turns[1]);
        let sdist = queue.next().unwrap();
        assert_eq!(sdist.file, 2);
        queue.done(sdist);
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn releases_without_wheels_wait_for_nothing() {
        let mut queue = queue(&[(&[], &[0]), (&[], &[1])]);
        assert_eq!(queue.next().unwrap().file, 0);
        assert_eq!(queue.next().unwrap().file, 1);
    }
}
