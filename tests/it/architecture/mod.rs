//! Who may use whom: reads `src/`, and holds it against the table in the documentation of `src/lib.rs`.
//!
//! What is behind `#[cfg(test)]` is free. So are comments and texts: the sources are read as tokens, not as lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::blessed::project_path;
use crate::support::rust_tokens::{Token, is_name, tokens_of};

mod planted; // the checker must be able to fail

#[test]
fn the_rooms_use_only_whom_the_map_allows() {
    let house = House::standing();
    let problems = house.problems(&Map::read(&house.files["lib.rs"]));
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_map_names_every_room() {
    let house = House::standing();
    let map = Map::read(&house.files["lib.rs"]);
    let rooms: BTreeSet<String> = house
        .files
        .keys()
        .map(|path| room_of(path))
        .filter(|room| room != "lib" && room != "main")
        .collect();
    assert_eq!(map.rooms.keys().cloned().collect::<BTreeSet<_>>(), rooms);
}

/// The table of `lib.rs`.
struct Map {
    /// For each room the rooms that it may use; `None` stands for all.
    rooms: BTreeMap<String, Option<BTreeSet<String>>>,
    /// For each crate that is named the rooms that may use it.
    crates: BTreeMap<String, BTreeSet<String>>,
}

impl Map {
    fn read(lib: &str) -> Self {
        let mut map = Self {
            rooms: BTreeMap::new(),
            crates: BTreeMap::new(),
        };
        let rows = lib
            .lines()
            .skip_while(|line| !line.starts_with("//! # Who may use whom"))
            .skip(1)
            .take_while(|line| !line.starts_with("//! # "))
            .filter(|line| line.starts_with("//! | `"));
        for row in rows {
            let cells: Vec<&str> = row.trim_start_matches("//! |").split('|').collect();
            let [room, rooms, crates] = [words(cells[0]), words(cells[1]), words(cells[2])];
            let [room] = &room[..] else {
                panic!("a row with one room: {row}")
            };
            let all = cells[1].trim() == "every room";
            let rooms = (!all).then(|| rooms.into_iter().collect());
            map.rooms.insert(room.clone(), rooms);
            for name in crates {
                map.crates.entry(name).or_default().insert(room.clone());
            }
        }
        assert!(!map.rooms.is_empty(), "lib.rs has no table of rooms");
        map
    }
}

/// The words between backticks.
fn words(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The sources, by their path below `src/`.
struct House {
    files: BTreeMap<String, String>,
}

impl House {
    fn standing() -> Self {
        let mut files = BTreeMap::new();
        collect(&project_path("src"), "", &mut files);
        Self { files }
    }

    fn problems(&self, map: &Map) -> Vec<String> {
        let sources: BTreeMap<&String, Source> = self
            .files
            .iter()
            .map(|(path, text)| (path, Source::read(text)))
            .collect();
        let only_for_tests: BTreeSet<String> = sources
            .iter()
            .flat_map(|(path, source)| source.test_modules.iter().map(|name| path_of(path, name)))
            .collect();
        sources
            .iter()
            .filter(|(path, _)| {
                !only_for_tests.iter().any(|module| {
                    path.strip_prefix(module.as_str())
                        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
                })
            })
            .flat_map(|(path, source)| problems_of(path, source, map))
            .collect()
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{prefix}{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(
                format!("{prefix}{name}"),
                fs::read_to_string(entry.path()).unwrap(),
            );
        }
    }
}

/// `storage/key.rs` and `storage/mod.rs` are in the room `storage`, `failure.rs` is one.
fn room_of(path: &str) -> String {
    path.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

/// How many modules lie between the crate and the file's own items.
fn depth_of(path: &str) -> usize {
    let parts = path.split('/').count();
    match path {
        "lib.rs" | "main.rs" => 0,
        _ if path.ends_with("/mod.rs") => parts - 1,
        _ => parts,
    }
}

/// The path, without `.rs`, of a module declared in another file: by its name, or by a path beside that file.
fn path_of(declared_in: &str, module: &str) -> String {
    if let Some(module) = module.strip_suffix(".rs") {
        let folder = declared_in.rsplit_once('/').map_or("", |(folder, _)| folder);
        return format!("{folder}/{module}");
    }
    match declared_in.rsplit_once('/') {
        Some((folder, "mod.rs")) => format!("{folder}/{module}"),
        None if ["lib.rs", "main.rs"].contains(&declared_in) => module.to_owned(),
        _ => format!("{}/{module}", declared_in.trim_end_matches(".rs")),
    }
}

fn problems_of(path: &str, source: &Source, map: &Map) -> Vec<String> {
    let room = room_of(path);
    let mut problems = Vec::new();
    let mut problem = |line: usize, what: String| problems.push(format!("src/{path}:{line}: {what}"));
    let is_root = ["lib", "main"].contains(&room.as_str());
    for (line, used) in source.rooms_used(depth_of(path)) {
        let known = used == "*" || map.rooms.contains_key(&used);
        let allowed = map
            .rooms
            .get(&room)
            .is_none_or(|allowed| allowed.as_ref().is_none_or(|rooms| rooms.contains(&used)));
        if known && used != room && !allowed && !is_root {
            problem(line, format!("`{room}` may not use `{used}`"));
        }
    }
    for (line, name) in source.path_heads() {
        if map.crates.get(&name).is_some_and(|rooms| !rooms.contains(&room)) {
            problem(line, format!("the crate `{name}` is not for `{room}`"));
        }
    }
    for (line, name) in source.surroundings() {
        let sole_reader = path == "config/environment.rs" || (path == "main.rs" && name == "args_os");
        if !sole_reader {
            problem(
                line,
                format!("only config/environment.rs may ask for `env::{name}`"),
            );
        }
    }
    if !["commands", "terminal", "logging"].contains(&room.as_str()) {
        for (line, name) in source.prints() {
            problem(line, format!("`{room}` may not print (`{name}`)"));
        }
    }
    problems
}

/// One file as tokens, without comments, literals and whatever is behind `#[cfg(test)]`.
struct Source {
    tokens: Vec<Token>,
    /// Modules in files of their own that are declared behind `#[cfg(test)]`, see [`file_of_module`].
    test_modules: Vec<String>,
}

impl Source {
    fn read(text: &str) -> Self {
        let all = tokens_of(text);
        let mut tokens = Vec::new();
        let mut test_modules = Vec::new();
        let mut rest = all.into_iter().peekable();
        while let Some(token) = rest.next() {
            tokens.push(token);
            if !ends_with(&tokens, &["#", "[", "cfg", "(", "test", ")", "]"]) {
                if ends_with(&tokens, &["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
                    tokens.clear();
                    break;
                }
                continue;
            }
            let item = skip_item(&mut rest);
            test_modules.extend(file_of_module(&item));
        }
        Self { tokens, test_modules }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    /// Whether a path starts at this token: it follows no `::`, or one that follows nothing.
    fn is_head(&self, at: usize) -> bool {
        let before = |steps: usize| at.checked_sub(steps).map_or("", |at| self.text(at));
        before(1) != "::" || !is_name(before(2)) || before(2) == "self" || is_keyword(before(2))
    }

    /// The rooms that are named, each with its line: by `crate::room`, by enough `super`s, alone or in a group.
    fn rooms_used(&self, file_depth: usize) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut braces = 0_usize;
        let mut modules: Vec<usize> = Vec::new();
        for at in 0..self.tokens.len() {
            match self.text(at) {
                "{" => {
                    braces += 1;
                    if at >= 2 && self.text(at - 2) == "mod" {
                        modules.push(braces);
                    }
                }
                "}" => {
                    if modules.last() == Some(&braces) {
                        modules.pop();
                    }
                    braces = braces.saturating_sub(1);
                }
                "crate" if self.text(at + 1) == "::" && self.is_head(at) => {
                    self.names_from(at + 2, 0, &mut found)
                }
                "super" if self.is_head(at) => self.names_from(at, file_depth + modules.len(), &mut found),
                _ => {}
            }
        }
        found
    }

    /// The names that stand at `at` once `steps_up` more `super`s were taken; a group has several.
    fn names_from(&self, at: usize, steps_up: usize, found: &mut Vec<(usize, String)>) {
        match self.text(at) {
            "{" => {
                for entry in self.group_entries(at) {
                    self.names_from(entry, steps_up, found);
                }
            }
            "super" if steps_up > 0 && self.text(at + 1) == "::" => {
                self.names_from(at + 2, steps_up - 1, found)
            }
            name if steps_up == 0 && (is_name(name) || name == "*") => {
                found.push((self.tokens[at].line, name.to_owned()));
            }
            _ => {}
        }
    }

    /// Where the entries of the group that opens at `open` start.
    fn group_entries(&self, open: usize) -> Vec<usize> {
        let mut entries = vec![open + 1];
        let mut depth = 0;
        for at in open..self.tokens.len() {
            match self.text(at) {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," if depth == 1 => entries.push(at + 1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        entries
    }

    /// The first names of paths, and of plain imports: where a crate can be named.
    fn path_heads(&self) -> Vec<(usize, String)> {
        (0..self.tokens.len())
            .filter(|&at| is_name(self.text(at)) && self.is_head(at))
            .filter(|&at| {
                self.text(at + 1) == "::" || ["use", "crate"].contains(&self.text(at.wrapping_sub(1)))
            })
            .map(|at| (self.tokens[at].line, self.tokens[at].text.clone()))
            .collect()
    }

    /// What is asked of the process's surroundings through `std::env`.
    fn surroundings(&self) -> Vec<(usize, String)> {
        const QUESTIONS: [&str; 12] = [
            "args",
            "args_os",
            "current_dir",
            "home_dir",
            "remove_var",
            "set_current_dir",
            "set_var",
            "temp_dir",
            "var",
            "var_os",
            "vars",
            "vars_os",
        ];
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if self.text(at) == "env" && self.text(at + 1) == "::" {
                self.names_from(at + 2, 0, &mut found);
            }
        }
        found.retain(|(_, name)| QUESTIONS.contains(&name.as_str()));
        found
    }

    /// Where something is written to stdout or stderr.
    fn prints(&self) -> Vec<(usize, String)> {
        (0..self.tokens.len())
            .filter(|&at| match self.text(at) {
                "print" | "println" | "eprint" | "eprintln" | "dbg" => self.text(at + 1) == "!",
                "stdout" | "stderr" => {
                    at >= 2 && self.text(at - 1) == "::" && ["io", "anstream"].contains(&self.text(at - 2))
                }
                _ => false,
            })
            .map(|at| (self.tokens[at].line, self.tokens[at].text.clone()))
            .collect()
    }
}

/// The module that this item declares in a file of its own: its name, or the file that its `#[path]` names.
fn file_of_module(item: &[String]) -> Option<String> {
    let [attributes @ .., module, name, end] = item else {
        return None;
    };
    let path = attributes.iter().skip_while(|token| *token != "path").nth(2);
    let file = path.map_or(name.as_str(), |path| path.trim_matches('"'));
    (module == "mod" && end == ";").then(|| file.to_owned())
}

/// Takes one item: up to the `;` or the closing brace that ends it. Gives its tokens.
fn skip_item(rest: &mut impl Iterator<Item = Token>) -> Vec<String> {
    let mut item = Vec::new();
    let mut depth = 0_usize;
    for token in rest {
        let text = token.text;
        match text.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = depth == 0 && (text == "}" || text == ";");
        item.push(text);
        if ends {
            break;
        }
    }
    item
}

fn ends_with(tokens: &[Token], wanted: &[&str]) -> bool {
    tokens.len() >= wanted.len()
        && tokens[tokens.len() - wanted.len()..]
            .iter()
            .zip(wanted)
            .all(|(token, wanted)| token.text == *wanted)
}

/// Words that may stand before a path with a leading `::`.
fn is_keyword(text: &str) -> bool {
    [
        "use", "as", "in", "return", "mut", "dyn", "impl", "else", "match", "if",
    ]
    .contains(&text)
}
