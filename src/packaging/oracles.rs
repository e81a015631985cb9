//! What must hold of these types for any text. Fuzz targets (`tests/fuzz/`) and ordinary tests ask these.

use std::fmt::Display;
use std::str::FromStr;

use super::digest::{Algorithm, NamedDigest};
use super::filename::DistFilename;
use super::metadata::CoreMetadata;
use super::name::ProjectName;
use super::pyproject::BuildSystem;
use super::simple::negotiate::{accepts_gzip, choose_format};
use super::specifier::SpecifierSet;
use super::upload_form::{Action, RemovalForm, UploadForm};
use super::version::Version;

/// Names, versions, specifiers, file names and digests, all of the same text.
pub fn names(text: &str) {
    if let Ok(name) = text.parse::<ProjectName>() {
        assert_normalized(&name);
        assert_eq!(name.as_str().parse().as_ref(), Ok(&name));
        let twin = text.to_ascii_uppercase().replace(['-', '_'], ".");
        assert_eq!(twin.parse(), Ok(name), "two spellings, two projects");
    }
    if let Ok(version) = text.parse::<Version>() {
        assert_reads_back(&version);
        assert!(version.to_string().len() <= 2 * text.len() + 4, "{version}");
    }
    if let Ok(specifiers) = text.parse::<SpecifierSet>() {
        assert_reads_back(&specifiers);
        let is_inert = |c: char| (' '..='~').contains(&c) && !"\"'&".contains(c);
        assert!(specifiers.as_str().chars().all(is_inert), "{specifiers}");
    }
    for algorithm in [Algorithm::Md5, Algorithm::Sha256, Algorithm::Blake2b256] {
        if let Ok(digest) = NamedDigest::parse(algorithm, text) {
            assert_eq!(digest.hex(), text.trim().to_ascii_lowercase());
        }
    }
    filename(text);
}

/// A text that is a valid value is the same value when it is written and read again.
fn assert_reads_back<T: FromStr + Display + PartialEq>(value: &T) {
    let again = value.to_string().parse::<T>().ok();
    assert!(again.as_ref() == Some(value), "{value} reads back as another");
}

fn assert_normalized(name: &ProjectName) {
    let text = name.as_str();
    let is_plain = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    assert!(is_plain && !text.is_empty(), "{text:?}");
    assert!(!text.starts_with('-') && !text.ends_with('-'), "{text:?}");
    assert!(!text.contains("--"), "{text:?}");
}

/// The three readers of file names: what the strict one takes the others take alike, and nothing they take could
/// leave a folder.
fn filename(text: &str) {
    let strict = text.parse::<DistFilename>();
    let uploaded = DistFilename::parse_uploaded(text);
    let listed = DistFilename::parse_listed(text);
    if let Ok(strict) = &strict {
        assert_eq!(uploaded.as_ref().ok(), Some(strict));
        assert_eq!(listed.as_ref().ok(), Some(strict));
    }
    if let Ok(uploaded) = &uploaded {
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"._+!-".contains(&b);
        assert!(text.bytes().all(is_safe) && text.len() <= 200, "{text:?}");
        assert!(listed.is_ok(), "{text:?} could be uploaded and is not listed");
        let identity = uploaded.identity();
        assert_eq!(identity, identity.to_ascii_lowercase());
    }
    for filename in [strict, uploaded, listed].into_iter().flatten() {
        assert_eq!(filename.as_str(), text, "the name is another");
        assert!(!text.contains(['/', '\0']) && !text.starts_with('.'), "{text:?}");
        assert_normalized(filename.project());
        assert_eq!(
            DistFilename::parse_listed(filename.as_str()).as_ref(),
            Ok(&filename)
        );
    }
}

/// Core metadata: strict and lenient reading agree, and headers that are written again are read alike.
pub fn metadata(bytes: &[u8]) {
    let lenient = CoreMetadata::parse_lenient(bytes);
    if let Ok(lenient) = &lenient {
        assert_normalized(lenient.name());
        assert_reads_back(lenient.version());
        let stated = CoreMetadata::requires_python_leniently(bytes);
        assert_eq!(lenient.requires_python(), stated.as_deref());
        let kept: usize = lenient
            .headers()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        // A byte that is no text becomes three.
        assert!(kept <= 3 * bytes.len(), "more was read than there is");
    }
    let Ok(strict) = CoreMetadata::parse(bytes) else {
        return;
    };
    let lenient = lenient.ok();
    assert_eq!(lenient.as_ref().map(CoreMetadata::name), Some(strict.name()));
    assert_eq!(
        lenient.as_ref().map(CoreMetadata::version),
        Some(strict.version())
    );
    assert_eq!(
        lenient.as_ref().and_then(CoreMetadata::requires_python),
        strict.requires_python()
    );
    let mut written = String::new();
    for (name, value) in strict.headers() {
        written += &format!("{name}: {value}\n");
    }
    let again = CoreMetadata::parse(written.as_bytes());
    let headers = |metadata: &CoreMetadata| -> Vec<(String, String)> {
        let all = metadata.headers();
        all.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    assert_eq!(
        again.as_ref().map(headers).ok(),
        Some(headers(&strict)),
        "{written:?}"
    );
}

/// `pyproject.toml`: what is read names valid requirements.
pub fn pyproject(text: &str) {
    let Ok(system) = BuildSystem::parse(text) else {
        return;
    };
    for requirement in &system.requires {
        assert_normalized(requirement.name());
        assert!(!requirement.as_str().contains('\n'), "{requirement:?}");
    }
}

/// The fields of a form, one `name=value` a line.
pub fn upload_fields(text: &str) {
    let fields: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let doubled: Vec<_> = fields.iter().chain(&fields).cloned().collect();
    let reversed: Vec<_> = fields.iter().rev().cloned().collect();
    for others in [doubled, reversed] {
        assert_eq!(Action::of(&fields).ok(), Action::of(&others).ok());
        assert_eq!(
            UploadForm::from_fields(&fields).ok(),
            UploadForm::from_fields(&others).ok()
        );
        assert_eq!(
            RemovalForm::from_fields(&fields).ok(),
            RemovalForm::from_fields(&others).ok()
        );
    }
    let errors = [
        Action::of(&fields).err().map(|error| error.to_string()),
        UploadForm::from_fields(&fields)
            .err()
            .map(|error| error.to_string()),
    ];
    for message in errors.iter().flatten() {
        assert!(
            message.len() < 2000 && !message.chars().any(char::is_control),
            "{message:?}"
        );
    }
}

/// `Accept` and `Accept-Encoding`: white space and what we don't have change nothing; a refusal of all is obeyed.
pub fn accept(header: &str) {
    let chosen = choose_format(Some(header));
    assert_eq!(choose_format(Some(&format!("  {header}\t"))), chosen);
    let is_plain = !header.trim().is_empty() && header.trim() != "*/*";
    if is_plain {
        assert_eq!(choose_format(Some(&format!("x/unknown, {header}"))), chosen);
        assert_eq!(choose_format(Some(&header.to_ascii_uppercase())), chosen);
        assert_eq!(choose_format(Some(&header.replace(',', " ,,\t"))), chosen);
    }
    let takes = accepts_gzip(Some(header));
    assert_eq!(
        accepts_gzip(Some(&format!("x-unknown;q=1,{header}"))),
        takes,
        "{header:?}"
    );
    assert!(!accepts_gzip(Some(&format!("gzip;q=0,{header}"))));
}
