//! License expressions: the names of licenses, joined by `AND`, `OR` and `WITH`.
//!
//! Standard: the core metadata specification (PEP 639) on License-Expression, which is SPDX's grammar with names in
//! any case, less `DocumentRef-`, and with `LicenseRef-` for licenses of one's own.

use spdx::identifiers::{EXCEPTIONS, LICENSES};
use thiserror::Error;

/// Why a text is no license expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum LicenseError {
    #[error("there is no license `{0}`")]
    UnknownLicense(String),
    #[error("there is no exception `{0}`")]
    UnknownException(String),
    #[error("a license is missing")]
    NoLicense,
    #[error("there is `{0}` where AND, OR or the end should be")]
    Unexpected(String),
    #[error("a parenthesis is not closed")]
    Open,
}

/// Checks an expression as a whole.
pub(super) fn check(expression: &str) -> Result<(), LicenseError> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    // The words are read without recursion, so that no depth of parentheses is too much.
    let mut open = 0_usize;
    loop {
        while words.next_if_eq(&"(").is_some() {
            open += 1;
        }
        check_license(words.next().ok_or(LicenseError::NoLicense)?)?;
        if words.next_if(|word| word.eq_ignore_ascii_case("with")).is_some() {
            check_exception(words.next().ok_or(LicenseError::NoLicense)?)?;
        }
        while open > 0 && words.next_if_eq(&")").is_some() {
            open -= 1;
        }
        match words.next() {
            None if open > 0 => return Err(LicenseError::Open),
            None => return Ok(()),
            Some(word) if ["and", "or"].iter().any(|known| word.eq_ignore_ascii_case(known)) => {}
            Some(word) => return Err(LicenseError::Unexpected(word.to_owned())),
        }
    }
}

fn check_license(word: &str) -> Result<(), LicenseError> {
    if [")", "and", "or", "with"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
    {
        return Err(LicenseError::NoLicense);
    }
    let prefix = word
        .get(..11)
        .filter(|prefix| prefix.eq_ignore_ascii_case("LicenseRef-"));
    let is_own = prefix.is_some_and(|prefix| {
        let name = &word[prefix.len()..];
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
    });
    // A `+` means this version or a later one.
    let name = word.strip_suffix('+').unwrap_or(word);
    let is_known = |name: &str| {
        LICENSES
            .iter()
            .any(|license| license.name.eq_ignore_ascii_case(name))
    };
    if is_own || is_known(word) || is_known(name) {
        Ok(())
    } else {
        Err(LicenseError::UnknownLicense(word.to_owned()))
    }
}

fn check_exception(word: &str) -> Result<(), LicenseError> {
    if EXCEPTIONS
        .iter()
        .any(|exception| exception.name.eq_ignore_ascii_case(word))
    {
        Ok(())
    } else {
        Err(LicenseError::UnknownException(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(text in "(MIT|ISC|LicenseRef-|AND|or|WITH|[()]| |é|.){0,20}") {
            let _ = check(&text);
        }

        #[test]
        fn expressions_made_by_the_grammar_are_valid(
            licenses in prop::collection::vec("MIT|isc|\\(Zlib\\)|LicenseRef-a1|GPL-2\\.0-only WITH GCC-exception-2\\.0", 1..8),
            joint in " (AND|or|Or) ",
        ) {
            prop_assert_eq!(check(&licenses.join(&joint)), Ok(()));
        }
    }

    // Each verdict is that of packaging's `canonicalize_license_expression`.
    #[test]
    fn expressions_are_judged_as_packaging_does() {
        for valid in [
            "MIT",
            "mit or apache-2.0",
            "(MIT AND (BSD-3-Clause OR ISC))",
            "GPL-2.0-only WITH Classpath-exception-2.0 OR MIT",
            "GPL-2.0+",
            "EPL-1.0+",
            "LicenseRef-My.Own-1",
            "licenseref-Proprietary",
            "((MIT))AND(ISC)",
        ] {
            assert_eq!(check(valid), Ok(()), "{valid}");
        }
        for (invalid, error) in [
            ("Apache 2.0", LicenseError::UnknownLicense("Apache".to_owned())),
            ("MIT License", LicenseError::Unexpected("License".to_owned())),
            ("MIT OR", LicenseError::NoLicense),
            ("OR MIT", LicenseError::NoLicense),
            ("", LicenseError::NoLicense),
            ("()", LicenseError::NoLicense),
            ("(MIT", LicenseError::Open),
            ("MIT)", LicenseError::Unexpected(")".to_owned())),
            ("MIT (ISC)", LicenseError::Unexpected("(".to_owned())),
            ("MIT/ISC", LicenseError::UnknownLicense("MIT/ISC".to_owned())),
            (
                "MIT WITH Patience",
                LicenseError::UnknownException("Patience".to_owned()),
            ),
            (
                "(MIT) WITH Classpath-exception-2.0",
                LicenseError::Unexpected("WITH".to_owned()),
            ),
            (
                "LicenseRef-",
                LicenseError::UnknownLicense("LicenseRef-".to_owned()),
            ),
            (
                "LicenseRef-a_b",
                LicenseError::UnknownLicense("LicenseRef-a_b".to_owned()),
            ),
            (
                "Größe OR äääääää",
                LicenseError::UnknownLicense("Größe".to_owned()),
            ),
        ] {
            assert_eq!(check(invalid), Err(error), "{invalid}");
        }
    }
}
