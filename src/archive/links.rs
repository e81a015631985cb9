//! Symbolic links of an archive, followed on paper only.
//!
//! A link may point anywhere inside the top folder that it lies in, also to nothing. Whether it does is decided
//! when all links are known, because a later link can redirect an earlier one.

use std::collections::HashMap;

use super::error::{Error, Rule};

/// How many steps all links of an archive together may take: more than any honest archive, little enough to be
/// instant.
const MAX_STEPS: usize = 200_000;
/// How many links one path may lead through, as in most systems.
const MAX_DEPTH: usize = 40;

/// The links of one archive.
#[derive(Debug, Default)]
pub(super) struct Links {
    targets: HashMap<String, String>,
}

impl Links {
    /// Remembers the link at the clean path `path`.
    pub(super) fn add(&mut self, path: &str, target: &str, limit: usize) -> Result<(), Rule> {
        if self.targets.len() >= limit {
            return Err(Rule::TooManyLinks { limit });
        }
        if target.is_empty() || target.starts_with('/') {
            return Err(Rule::LinkEscapes);
        }
        self.targets.insert(path.to_owned(), target.to_owned());
        Ok(())
    }

    /// Refuses the archive when a link leaves its top folder, directly or through others.
    pub(super) fn check(&self, limit: usize) -> Result<(), Error> {
        let mut steps = MAX_STEPS;
        for (path, target) in &self.targets {
            self.follow(path, target, &mut steps, limit)
                .map_err(|rule| Error::member(path, rule))?;
        }
        Ok(())
    }

    fn follow(&self, path: &str, target: &str, steps: &mut usize, limit: usize) -> Result<(), Rule> {
        let too_many = Rule::TooManyLinks { limit };
        let top = path.split('/').next().unwrap_or(path);
        let mut here = parent(path).to_owned();
        // What is still to be walked, the next component last.
        let mut ahead: Vec<&str> = target.split('/').rev().collect();
        let mut depth = 0;
        while let Some(part) = ahead.pop() {
            *steps = steps.checked_sub(1).ok_or_else(|| too_many.clone())?;
            match part {
                "" | "." => continue,
                ".." => here.truncate(parent(&here).len()),
                part => {
                    if !here.is_empty() {
                        here.push('/');
                    }
                    here.push_str(part);
                }
            }
            if here.split('/').next() != Some(top) {
                return Err(Rule::LinkEscapes);
            }
            if let Some(next) = self.targets.get(&here) {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(too_many);
                }
                here.truncate(parent(&here).len());
                ahead.extend(next.split('/').rev());
            }
        }
        Ok(())
    }
}

/// The folder of a clean path; empty for a path of one component.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(links: &[(&str, &str)]) -> Result<(), Error> {
        let mut all = Links::default();
        for (path, target) in links {
            all.add(path, target, 100)
                .map_err(|rule| Error::member(path, rule))?;
        }
        all.check(100)
    }

    #[test]
    fn b21_links_stay_in_their_top_folder() {
        for good in [
            &[("a/link", "file")][..],
            &[("a/b/link", "../c/d")],
            &[("a/b/link", ".././x//y")],
            &[("a/one", "b/two/.."), ("a/b/two", "../c")],
            &[("a/x", "nothing/there")],
            &[("a/self", ".")],
        ] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in [
            &[("a/link", "/etc/passwd")][..],
            &[("a/link", "../b")],
            &[("a/link", "..")],
            &[("a/b/link", "../../../a/x")],
            &[("link", "a")],
            // `a/b/two` is two folders deep but leads up, so that `..` behind it leaves.
            &[("a/one", "b/two/../../.."), ("a/b/two", "../c/d")],
            &[("a/up", "b/c/.."), ("a/b/c", ".."), ("a/out", "up/..")],
            &[("a/loop", "loop")],
            &[("a/x", "y"), ("a/y", "x")],
            &[("a/x", "")],
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    /// So many links, each leading to the next one and so many folders on, the last one to nothing.
    fn chain(links: usize, folders: usize) -> Result<(), Error> {
        let folders = "/d".repeat(folders);
        let links: Vec<(String, String)> = (0..links)
            .map(|n| (format!("a/{n}"), format!("{}{folders}", n + 1)))
            .collect();
        let links: Vec<(&str, &str)> = links.iter().map(|(path, to)| (&**path, &**to)).collect();
        check(&links)
    }

    #[test]
    fn b19_tangled_links_end_soon() {
        let is_ended = |checked: Result<(), Error>| {
            let error = checked.unwrap_err();
            assert_eq!(error.rule(), Some(&Rule::TooManyLinks { limit: 100 }));
        };
        // From the first link all others are walked, from the second all but one, and so on.
        let steps = |links: usize, folders: usize| (1..=links).sum::<usize>() * (folders + 1);
        assert!(steps(MAX_DEPTH, 200) <= MAX_STEPS && chain(MAX_DEPTH, 200).is_ok());
        assert!(steps(MAX_DEPTH, 250) > MAX_STEPS);
        is_ended(chain(MAX_DEPTH, 250));
        is_ended(chain(MAX_DEPTH + 2, 0));
    }
}
