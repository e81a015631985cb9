//! The records of a PAX header: `length key=value` lines.
//!
//! Standard: pax as POSIX describes it. Only path, target, size and time are used; what no reader of sdists acts
//! upon is skipped, and what some act upon and others don't is refused.

use super::error::Rule;

/// What a PAX header says about the next member.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    pub(super) path: Option<String>,
    pub(super) target: Option<String>,
    pub(super) bytes: Option<u64>,
    /// Seconds since 1970, without their fraction.
    pub(super) modified: Option<i64>,
}

impl Overrides {
    /// Reads the header of one member.
    pub(super) fn parse(content: &[u8]) -> Result<Self, Rule> {
        let mut overrides = Self::default();
        for (key, value) in records(content)? {
            refuse_transforming(key, value)?;
            match key {
                "path" => set(&mut overrides.path, value.to_owned())?,
                "linkpath" => set(&mut overrides.target, value.to_owned())?,
                "size" => {
                    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                    let bytes = is_plain.then(|| value.parse().ok()).flatten();
                    set(&mut overrides.bytes, bytes.ok_or(Rule::Pax)?)?;
                }
                "mtime" => overrides.modified = value.split('.').next().and_then(|text| text.parse().ok()),
                _ => {}
            }
        }
        Ok(overrides)
    }
}

/// Judges a global header: one that names or sizes members would do so to all of them, which readers treat
/// differently. `git archive` writes a harmless one, with the commit as a comment.
pub(super) fn check_global(content: &[u8]) -> Result<(), Rule> {
    for (key, value) in records(content)? {
        refuse_transforming(key, value)?;
        if matches!(key, "path" | "linkpath" | "size") {
            return Err(Rule::GlobalPax { key: key.to_owned() });
        }
    }
    Ok(())
}

fn refuse_transforming(key: &str, value: &str) -> Result<(), Rule> {
    match key {
        _ if key.starts_with("GNU.sparse.") || key == "SCHILY.realsize" => Err(Rule::Sparse),
        "hdrcharset" if value != "ISO-IR 10646 2000 UTF-8" => Err(Rule::Pax),
        _ => Ok(()),
    }
}

fn set<T>(place: &mut Option<T>, value: T) -> Result<(), Rule> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Rule::Pax),
    }
}

/// The records in order. Each begins with its own length, which must end exactly at its line end; values of keys
/// that no one uses may be any bytes and are given as empty then.
fn records(mut content: &[u8]) -> Result<Vec<(&str, &str)>, Rule> {
    let mut records = Vec::new();
    while !content.is_empty() {
        let space = content
            .iter()
            .take(9)
            .position(|&byte| byte == b' ')
            .ok_or(Rule::Pax)?;
        let digits = &content[..space];
        if !digits.iter().all(u8::is_ascii_digit) || matches!(digits, [] | [b'0', ..]) {
            return Err(Rule::Pax);
        }
        let length = digits
            .iter()
            .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        let (record, rest) = content.split_at_checked(length).ok_or(Rule::Pax)?;
        let line = record
            .get(space + 1..)
            .and_then(|line| line.strip_suffix(b"\n"))
            .ok_or(Rule::Pax)?;
        let equals = line.iter().position(|&byte| byte == b'=').ok_or(Rule::Pax)?;
        let key = std::str::from_utf8(&line[..equals]).map_err(|_| Rule::Pax)?;
        let value = std::str::from_utf8(&line[equals + 1..]);
        let is_used = matches!(key, "path" | "linkpath" | "size" | "hdrcharset");
        match value {
            Ok(value) if !is_used || !value.contains('\0') => records.push((key, value)),
            Err(_) if !is_used => records.push((key, "")),
            _ => return Err(Rule::PathNotUtf8),
        }
        content = rest;
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read() {
        let content = b"15 path=a/\xc3\xa4/b\n13 comment=\xff\n19 mtime=1234567.8\n9 size=7\n";
        let expected = Overrides {
            path: Some("a/ä/b".to_owned()),
            target: None,
            bytes: Some(7),
            modified: Some(1_234_567),
        };
        assert_eq!(Overrides::parse(content), Ok(expected));
        assert_eq!(check_global(b"13 comment=x\n"), Ok(()));
        assert_eq!(
            check_global(b"52 comment=0123456789012345678901234567890123456789\n"),
            Ok(())
        );
    }

    #[test]
    fn b22_b23_what_readers_treat_differently_is_refused() {
        for bad in [
            &b"8 path=a\n"[..],
            b"12 path=a\n",
            b"9 path=a ",
            b"09 path=a\n",
            b" 9 path=a\n",
            b"9 path:a\n",
            b"99999999 path=a\n",
            b"9 path=a\n9 path=b\n",
            b"11 path=a\0\n",
            b"11 path=\xff\xff\n",
            b"10 size=-\n",
            b"11 size=+1\n",
            b"22 GNU.sparse.major=1\n",
            b"21 hdrcharset=BINARY\n",
            b"x",
        ] {
            let result = Overrides::parse(bad);
            assert!(result.is_err(), "{:?}: {result:?}", String::from_utf8_lossy(bad));
        }
        for bad in [&b"9 path=a\n"[..], b"14 linkpath=b\n", b"9 size=7\n"] {
            assert!(
                matches!(check_global(bad), Err(Rule::GlobalPax { .. })),
                "{bad:?}"
            );
        }
    }
}
