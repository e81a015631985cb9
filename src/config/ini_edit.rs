//! Changes to the INI files of Python's tools, line by line: comments, order, spelling and line ends stay.
//!
//! Every change ends with a proof: the new text is read again, and all values but the asked one must be as before.

use std::collections::BTreeMap;
use std::ops::Range;

use super::ini::{IniDocument, IniError, IniProblem, Line, is_space, lines, words};

impl IniDocument {
    /// Gives a key a value of one line without white space at its ends; adds the key, and the section at the end of
    /// the file, when they are not there. A value that is there already is not touched.
    ///
    /// # Errors
    /// The change would change other values too.
    pub fn set(&mut self, section: &str, key: &str, value: &str) -> Result<(), IniError> {
        let Some(entry) = self.entry(section, key) else {
            let line = if value.is_empty() {
                format!("{key} =")
            } else {
                format!("{key} = {value}")
            };
            return self.insert_option(
                &[line],
                &Asked {
                    section,
                    key,
                    outcome: Outcome::Value(value),
                },
            );
        };
        if entry.value == value {
            return Ok(());
        }
        let number = entry.line.number;
        let mut edits: Vec<_> = entry
            .continuation
            .iter()
            .map(|line| (line.start..line.end, String::new()))
            .collect();
        let separator = if entry.first.is_empty() && !self.text[..entry.first.start].ends_with(' ') {
            " "
        } else {
            ""
        };
        edits.push((entry.first.clone(), format!("{separator}{value}")));
        self.apply(
            edits,
            number,
            &Asked {
                section,
                key,
                outcome: Outcome::Value(value),
            },
        )
    }

    /// Adds a key whose value is a list with one item a line.
    ///
    /// # Errors
    /// The change would change other values too.
    pub fn add_list(&mut self, section: &str, key: &str, items: &[&str]) -> Result<(), IniError> {
        let mut lines = vec![format!("{key} =")];
        lines.extend(items.iter().map(|item| format!("    {item}")));
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        self.insert_option(
            &lines,
            &Asked {
                section,
                key,
                outcome: Outcome::List(items),
            },
        )
    }

    /// Adds an item to the end of a list that is separated by white space; the key must be there. An item that is
    /// there already is not added again.
    ///
    /// # Errors
    /// The change would change other values too.
    pub fn add_item(&mut self, section: &str, key: &str, item: &str) -> Result<(), IniError> {
        let Some(entry) = self.entry(section, key) else {
            return self.set(section, key, item);
        };
        if words(&entry.value).any(|other| other == item) {
            return Ok(());
        }
        let number = entry.line.number;
        let edit = match entry.continuation.last() {
            Some(last) => self.line_after(
                last,
                &self.text[last.start..last.start + self.indent_bytes(last)],
                item,
            ),
            None if entry.first.is_empty() => {
                let indent = format!(
                    "{}    ",
                    &self.text[entry.line.start..entry.line.start + self.indent_bytes(&entry.line)]
                );
                self.line_after(&entry.line, &indent, item)
            }
            None => (entry.first.end..entry.first.end, format!(" {item}")),
        };
        let items = words(&entry.value).chain([item]).map(str::to_owned).collect();
        self.apply(
            vec![edit],
            number,
            &Asked {
                section,
                key,
                outcome: Outcome::List(items),
            },
        )
    }

    /// Removes an item from a list that is separated by white space, and the key with the last item.
    ///
    /// # Errors
    /// The change would change other values too.
    pub fn remove_item(&mut self, section: &str, key: &str, item: &str) -> Result<(), IniError> {
        let Some(entry) = self.entry(section, key) else {
            return Ok(());
        };
        let items: Vec<&str> = words(&entry.value).collect();
        if !items.contains(&item) {
            return Ok(());
        }
        if items.iter().all(|other| *other == item) {
            return self.remove_key(section, key);
        }
        let number = entry.line.number;
        let mut edits = Vec::new();
        for line in &entry.continuation {
            let words: Vec<&str> = words(&self.text[line.start..line.text_end]).collect();
            if words.iter().all(|word| *word == item) {
                edits.push((line.start..line.end, String::new()));
            } else {
                edits.extend(self.word_edits(line.start + self.indent_bytes(line)..line.text_end, item));
            }
        }
        edits.extend(self.word_edits(entry.first.clone(), item));
        let left = items
            .into_iter()
            .filter(|other| *other != item)
            .map(str::to_owned)
            .collect();
        self.apply(
            edits,
            number,
            &Asked {
                section,
                key,
                outcome: Outcome::List(left),
            },
        )
    }

    /// Removes a key with all lines of its value.
    ///
    /// # Errors
    /// The change would change other values too.
    pub fn remove_key(&mut self, section: &str, key: &str) -> Result<(), IniError> {
        let Some(entry) = self.entry(section, key) else {
            return Ok(());
        };
        let number = entry.line.number;
        let lines = std::iter::once(&entry.line).chain(&entry.continuation);
        let edits = lines.map(|line| (line.start..line.end, String::new())).collect();
        self.apply(
            edits,
            number,
            &Asked {
                section,
                key,
                outcome: Outcome::NoKey,
            },
        )
    }

    /// Removes the header of a section in which nothing stands any more, with a blank line above it.
    ///
    /// # Errors
    /// The change would change other values too.
    pub fn remove_empty_section(&mut self, name: &str) -> Result<(), IniError> {
        let Some(section) = self.sections.iter().find(|section| section.name == name) else {
            return Ok(());
        };
        if !section.options.is_empty() || section.has_comments {
            return Ok(());
        }
        let header = &section.header;
        let above = lines(&self.text).find(|line| line.end == header.start);
        let start = match above {
            Some(above) if above.start == above.text_end => above.start,
            _ => header.start,
        };
        let (edit, number) = ((start..header.end, String::new()), header.number);
        self.apply(
            vec![edit],
            number,
            &Asked {
                section: name,
                key: "",
                outcome: Outcome::NoSection,
            },
        )
    }

    fn line_end(&self) -> &'static str {
        // After a lone carriage return a line feed would only complete it.
        let is_crlf = self.text.contains("\r\n") || self.text.ends_with('\r');
        if is_crlf { "\r\n" } else { "\n" }
    }

    fn indent_bytes(&self, line: &Line) -> usize {
        let text = &self.text[line.start..line.text_end];
        text.len() - text.trim_start_matches(is_space).len()
    }

    /// The edit that puts a new line after `line`, which may be the last one and lack a line end.
    fn line_after(&self, line: &Line, indent: &str, text: &str) -> (Range<usize>, String) {
        let line_end = self.line_end();
        let inserted = if line.end > line.text_end {
            format!("{indent}{text}{line_end}")
        } else {
            format!("{line_end}{indent}{text}")
        };
        (line.end..line.end, inserted)
    }

    /// The edits that take a word out of a part of a line, with the white space after it (or, at the end, before it).
    fn word_edits(&self, part: Range<usize>, item: &str) -> Vec<(Range<usize>, String)> {
        let text = &self.text[part.clone()];
        let kept: Vec<&str> = words(text).filter(|word| *word != item).collect();
        if kept.len() == words(text).count() {
            return Vec::new();
        }
        vec![(part, kept.join(" "))]
    }

    fn insert_option(&mut self, lines: &[String], asked: &Asked<'_>) -> Result<(), IniError> {
        let (line_end, section) = (self.line_end(), asked.section);
        let Some(found) = self.sections.iter().find(|other| other.name == section) else {
            let mut addition = String::new();
            if !self.text.is_empty() && !self.text.ends_with(['\n', '\r']) {
                addition.push_str(line_end);
            }
            if !self.text.trim().is_empty() {
                addition.push_str(line_end);
            }
            addition.push_str(&format!("[{section}]{line_end}"));
            for line in lines {
                addition.push_str(&format!("{line}{line_end}"));
            }
            let end = self.text.len();
            let last_line = self::lines(&self.text).count().max(1);
            return self.apply(vec![(end..end, addition)], last_line, asked);
        };
        // Set in like the line above it, so that nothing becomes a continuation of something else.
        let (model, above) = match found.options.last() {
            Some(entry) => (&entry.line, entry.continuation.last().unwrap_or(&entry.line)),
            None => (&found.header, &found.header),
        };
        let indent = &self.text[model.start..model.start + self.indent_bytes(model)];
        let joined = lines.join(&format!("{line_end}{indent}"));
        let (edit, number) = (self.line_after(above, indent, &joined), above.number);
        self.apply(vec![edit], number, asked)
    }

    /// Makes the edits, and proves that they did what was asked for and changed the meaning of nothing else.
    fn apply(&mut self, mut edits: Vec<Edit>, line: usize, asked: &Asked<'_>) -> Result<(), IniError> {
        let entangled = IniError {
            line,
            problem: IniProblem::Entangled,
        };
        let mut text = self.text.clone();
        edits.sort_by_key(|(range, _)| range.start);
        for (range, replacement) in edits.into_iter().rev() {
            text.replace_range(range, &replacement);
        }
        let changed = Self::parse(text).map_err(|_| entangled)?;
        if !asked.is_done(&changed) || asked.untouched(self) != asked.untouched(&changed) {
            return Err(entangled);
        }
        *self = changed;
        Ok(())
    }
}

/// A part of the text and what takes its place.
type Edit = (Range<usize>, String);

/// What a change is to do.
struct Asked<'a> {
    section: &'a str,
    key: &'a str,
    outcome: Outcome<'a>,
}

enum Outcome<'a> {
    Value(&'a str),
    /// How the items are spread over lines does not matter.
    List(Vec<String>),
    NoKey,
    NoSection,
}

impl Asked<'_> {
    fn is_done(&self, document: &IniDocument) -> bool {
        let found = document.own_value(self.section, &self.key.to_lowercase());
        match &self.outcome {
            Outcome::Value(value) => found == Some(*value),
            Outcome::List(items) => found.is_some_and(|value| words(value).eq(items)),
            Outcome::NoKey => found.is_none(),
            Outcome::NoSection => !document.has_section(self.section),
        }
    }

    /// The meaning of everything but what was asked for.
    fn untouched(&self, document: &IniDocument) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut meaning: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for section in &document.sections {
            let values = meaning.entry(section.name.clone()).or_default();
            values.extend(
                section
                    .options
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.clone())),
            );
        }
        meaning
            .entry(self.section.to_owned())
            .or_default()
            .remove(&self.key.to_lowercase());
        meaning
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    /// Values by key by section.
    pub(crate) type Values = BTreeMap<String, BTreeMap<String, String>>;

    pub(crate) fn parse(text: &str) -> IniDocument {
        IniDocument::parse(text).unwrap()
    }

    fn problem(text: &str) -> (usize, IniProblem) {
        let error = IniDocument::parse(text).unwrap_err();
        (error.line, error.problem)
    }

    /// Texts made of what makes the grammar hard: indentation, comments, brackets, both delimiters, line ends.
    pub(crate) fn ini_text() -> impl Strategy<Value = String> {
        let content = prop_oneof![
            4 => "[a-cA]{1,2}[ \t]{0,2}[=:][ \t]{0,2}[a-d%=:;#\\[\\] ]{0,6}",
            2 => "\\[(global|distutils|internal|a|b|DEFAULT|default| a|x\\]y)\\]( junk)?",
            1 => "(index-servers|extra-index-url|repository|username) ?[=:] ?(x y|x)?",
            2 => "[a-d]{0,3}( [a-d]{1,2})?",
            1 => "[;#][ a-c=]{0,4}",
            1 => Just(String::new()),
            1 => "(=|:|\\[\\]|\\[|\\]|\u{e9}\u{a0}=x\u{a0}|\u{1c}k\u{1c}=\u{1c}v)",
        ];
        let line_end = prop_oneof![8 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
        let line = ("( |\t| {2}| {4})?", content, line_end);
        let first = prop_oneof![Just("[a]\n"), Just("[global]\n"), Just("")];
        (first, proptest::collection::vec(line, 0..9), any::<bool>()).prop_map(|(first, lines, ended)| {
            let mut text = first.to_owned();
            for (indent, content, line_end) in lines {
                text.extend([indent.as_str(), &content, line_end]);
            }
            if !ended {
                text.truncate(text.trim_end_matches(['\n', '\r']).len());
            }
            text
        })
    }

    /// What Python makes of each text: its own values by section, or nothing where it refuses the text.
    pub(crate) fn read_by_python(texts: &[String]) -> Option<Vec<Option<Values>>> {
        const READER: &str = r"
import configparser, io, json, sys
def read(text):
    parser = configparser.RawConfigParser()
    try:
        parser.read_file(io.TextIOWrapper(io.BytesIO(text.encode()), encoding='utf-8'))
    except configparser.Error:
        return None
    found = {name: dict(values) for name, values in parser._sections.items()}
    found['DEFAULT'] = dict(parser.defaults())
    return found
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";
        let mut child = std::process::Command::new("python3")
            .args(["-c", READER])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .ok()?;
        let stdin = child.stdin.take().unwrap();
        serde_json::to_writer(stdin, texts).unwrap();
        let output = child.wait_with_output().unwrap();
        Some(serde_json::from_slice(&output.stdout).unwrap())
    }

    pub(crate) fn read_by_us(text: &str) -> Option<Values> {
        let document = IniDocument::parse(text).ok()?;
        let mut found = BTreeMap::from([("DEFAULT".to_owned(), BTreeMap::new())]);
        for section in &document.sections {
            let values: &mut BTreeMap<_, _> = found.entry(section.name.clone()).or_default();
            values.extend(
                section
                    .options
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.clone())),
            );
        }
        Some(found)
    }

    pub(crate) fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
        let mut runner = TestRunner::deterministic();
        (0..count)
            .map(|_| strategy.new_tree(&mut runner).unwrap().current())
            .collect()
    }

    /// Every change that is offered, made to a text; changes that are refused are left out.
    fn edited(text: &str) -> Vec<String> {
        let Ok(document) = IniDocument::parse(text) else {
            return Vec::new();
        };
        type Edit = fn(&mut IniDocument) -> Result<(), IniError>;
        let edits: [Edit; 8] = [
            |document| document.set("a", "a", "new value"),
            |document| document.set("new", "key", "value"),
            |document| document.set("global", "username", "%x"),
            |document| document.add_item("global", "extra-index-url", "item"),
            |document| document.add_list("distutils", "new-list", &["one", "two"]),
            |document| document.remove_item("global", "extra-index-url", "x"),
            |document| document.remove_key("a", "a"),
            |document| document.remove_empty_section("a"),
        ];
        let changed = edits.iter().filter_map(|edit| {
            let mut copy = document.clone();
            edit(&mut copy).ok().map(|()| copy.text)
        });
        changed.collect()
    }

    #[test]
    fn every_text_means_what_it_means_to_python() {
        let mut texts = samples(&ini_text(), 3_000);
        let edits: Vec<String> = texts.iter().flat_map(|text| edited(text)).collect();
        let accepted = texts
            .iter()
            .filter(|text| IniDocument::parse(text.as_str()).is_ok())
            .count();
        assert!(
            (500..2_900).contains(&accepted),
            "the texts are too easy or too hard: {accepted}"
        );
        texts.extend(edits);
        let Some(by_python) = read_by_python(&texts) else {
            eprintln!("skipped: there is no python3");
            return;
        };
        for (text, expected) in texts.iter().zip(by_python) {
            assert_eq!(read_by_us(text), expected, "{text:?}");
        }
    }

    #[test]
    fn errors_have_a_line_and_no_content() {
        use IniProblem::{ByteOrderMark, DuplicateKey, DuplicateSection, NoSection, NotAnOption};
        assert_eq!(problem("\u{feff}[a]\n"), (1, ByteOrderMark));
        assert_eq!(problem("# x\nkey = 1\n"), (2, NoSection));
        assert_eq!(problem("[a]\nsecret\n"), (2, NotAnOption));
        assert_eq!(problem("[a]\n = secret\n"), (2, NotAnOption));
        assert_eq!(problem("[a]\nx=1\n[a]\n"), (3, DuplicateSection { first: 1 }));
        assert_eq!(
            problem("[a]\nKey=1\n\nkEY: secret\n"),
            (4, DuplicateKey { first: 2 })
        );
        let shown = IniDocument::parse("[a]\nhunter2\n").unwrap_err().to_string();
        assert!(shown.starts_with("line 2: ") && !shown.contains("hunter2"));
    }

    #[test]
    fn a_value_is_changed_in_its_place() {
        let text =
            "; c\r\n[a]\r\n  Key : old # not a comment\r\n  # kept\r\n    more\r\n  z=\r\n[b]\r\nkey=x";
        let mut document = parse(text);
        document.set("a", "key", "new").unwrap();
        document.set("a", "z", "1").unwrap();
        document.set("b", "key", "y").unwrap();
        document.set("b", "added", "z").unwrap();
        let expected = "; c\r\n[a]\r\n  Key : new\r\n  # kept\r\n  z= 1\r\n[b]\r\nkey=y\r\nadded = z";
        assert_eq!(document.text(), expected);
    }

    #[test]
    fn a_section_is_added_at_the_end_after_a_blank_line() {
        for (text, expected) in [
            ("", "[n]\nk = v\n"),
            ("[a]\nx=1", "[a]\nx=1\n\n[n]\nk = v\n"),
            ("[a]\r\nx=1\r\n", "[a]\r\nx=1\r\n\r\n[n]\r\nk = v\r\n"),
            ("[n]\n# c\n\n[a]\n", "[n]\nk = v\n# c\n\n[a]\n"),
            ("[n]\n  x=1\n\n  [a]\n", "[n]\n  x=1\n  k = v\n\n  [a]\n"),
        ] {
            let mut document = parse(text);
            document.set("n", "k", "v").unwrap();
            assert_eq!(document.text(), expected, "{text:?}");
        }
    }

    #[test]
    fn items_join_a_list_in_its_style() {
        for (text, expected) in [
            ("[l]\nk = a b\n", "[l]\nk = a b new\n"),
            (
                "[l]\nk =\n    a\n    # c\n\tb\n",
                "[l]\nk =\n    a\n    # c\n\tb\n\tnew\n",
            ),
            ("[l]\nk = a\n  b\n\n[m]\n", "[l]\nk = a\n  b\n  new\n\n[m]\n"),
            ("[l]\r\n k =\r\n", "[l]\r\n k =\r\n     new\r\n"),
            ("[l]\nk =\n a", "[l]\nk =\n a\n new"),
            ("[l]\nk = a new\n", "[l]\nk = a new\n"),
        ] {
            let mut document = parse(text);
            document.add_item("l", "k", "new").unwrap();
            assert_eq!(document.text(), expected, "{text:?}");
        }
    }

    #[test]
    fn items_leave_a_list_without_a_trace() {
        for (text, expected) in [
            ("[l]\nk = a gone b\n", "[l]\nk = a b\n"),
            ("[l]\nk = a gone\n", "[l]\nk = a\n"),
            ("[l]\nk = gone a\n", "[l]\nk = a\n"),
            (
                "[l]\nk =\n    a\n    gone\n    b gone c\n",
                "[l]\nk =\n    a\n    b c\n",
            ),
            ("[l]\nk = gone\n  gone\nz=1\n", "[l]\nz=1\n"),
            ("[l]\nk = a  gone-not\n", "[l]\nk = a  gone-not\n"),
        ] {
            let mut document = parse(text);
            document.remove_item("l", "k", "gone").unwrap();
            assert_eq!(document.text(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_change_that_would_change_more_is_refused() {
        // Without `b` the deeper line of `c` would belong to `a`.
        let mut document = parse("[s]\na = 1\n[s2]\nx=1\n");
        assert!(document.remove_key("s", "a").is_ok());
        let text = "[s]\na = 1\nb = 2\n  b2\n";
        let mut document = parse(text);
        document.remove_key("s", "b").unwrap();
        assert_eq!(document.text(), "[s]\na = 1\n");
        let text = "[s]\n a = 1\nb = 2\n c = 3\n";
        assert_eq!(parse(text).own_value("s", "b"), Some("2\nc = 3"));
        let text = "  [s]\n  a = 1\n b = 2\n  [t]\n";
        let mut document = parse(text);
        assert_eq!(
            document.remove_key("s", "b").map_err(|error| error.problem),
            Ok(())
        );
    }

    proptest! {
        #[test]
        fn changes_are_idempotent(text in ini_text()) {
            if let Ok(document) = IniDocument::parse(text) {
                let mut once = document;
                if once.set("global", "k", "v").is_ok() && once.add_item("global", "l", "x").is_ok() {
                    let mut twice = once.clone();
                    twice.set("global", "k", "v").unwrap();
                    twice.add_item("global", "l", "x").unwrap();
                    prop_assert_eq!(once.text(), twice.text());
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|([\\[\\]=:# \n\ra-c\u{e9}]{0,60})") {
            for text in edited(&text) {
                let _ = IniDocument::parse(text);
            }
        }
    }
}
