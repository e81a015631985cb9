use proptest::prelude::*;

use super::read::READ_FIELDS;
use super::*;
use crate::packaging::digest::{MultiHasher, NamedDigest};
use crate::packaging::metadata::CoreMetadata;
use crate::packaging::name::ProjectName;
use crate::packaging::version::ReleaseVersion;
use crate::packaging::{DistFilename, Version};

fn metadata(text: &str) -> CoreMetadata {
    CoreMetadata::parse(text.as_bytes()).unwrap()
}

fn digests_of(bytes: &[u8]) -> Vec<NamedDigest> {
    let mut hasher = MultiHasher::new([Algorithm::Sha256, Algorithm::Blake2b256]);
    hasher.update(bytes);
    hasher.finish()
}

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn form(fields: &[(&str, &str)]) -> Result<UploadForm, FormError> {
    let fields = owned(fields);
    Action::of(&fields)?;
    UploadForm::from_fields(&fields)
}

#[test]
fn a_wheel_gives_the_fields_that_the_public_index_reads() {
    let filename = "Demo_Pkg-1.0-py2.py3-none-any.whl".parse().unwrap();
    let metadata = metadata(
        "Metadata-Version: 2.5\nName: Demo_Pkg\nVersion: 1.0\nSummary: A demo\nKeywords: a,b\n\
         Classifier: A :: B\nClassifier: C :: D\nProject-URL: Source, https://example.com\n\
         License-Expression: MIT\nLicense-File: LICENSE\nRequires-Dist: requests\n\
         Import-Name: demo\nImport-Namespace: corp\nDescription-Content-Type: text/markdown\n\n# Hello\n",
    );
    let fields = to_fields(&filename, &metadata, &digests_of(b"abc"), Some("a remark"));
    let expected = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        (
            "sha256_digest",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "blake2_256_digest",
            "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
        ),
        ("filetype", "bdist_wheel"),
        ("pyversion", "py2.py3"),
        ("comment", "a remark"),
        ("metadata_version", "2.5"),
        ("name", "Demo_Pkg"),
        ("version", "1.0"),
        ("summary", "A demo"),
        ("description_content_type", "text/markdown"),
        ("keywords", "a,b"),
        ("license_expression", "MIT"),
        ("license_file", "LICENSE"),
        ("classifiers", "A :: B"),
        ("classifiers", "C :: D"),
        ("requires_dist", "requests"),
        ("requires_python", ""),
        ("project_urls", "Source, https://example.com"),
        ("import_name", "demo"),
        ("import_namespace", "corp"),
        ("description", "# Hello\n"),
    ];
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    assert_eq!(fields, expected);
}

#[test]
fn an_sdist_is_source_and_old_metadata_carry_no_license_file() {
    let filename = "demo-1.0.tar.gz".parse().unwrap();
    let metadata = metadata("Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nLicense-File: LICENSE\n\n");
    let fields = to_fields(&filename, &metadata, &[], None);
    assert!(fields.contains(&("filetype", "sdist".to_owned())));
    assert!(fields.contains(&("pyversion", "source".to_owned())));
    assert!(
        fields
            .iter()
            .all(|(name, _)| !["license_file", "comment", "description"].contains(name))
    );
}

#[test]
fn a_form_is_read_in_any_order_and_without_the_rest() {
    let read = form(&[
        ("metadata_version", "2.1"),
        ("version", "1.0"),
        ("unheard_of", "x"),
        ("requires_python", ""),
        ("comment", "UNKNOWN"),
        ("md5_digest", "900150983CD24FB0D6963F7D28E17F72"),
        ("name", "Demo.Pkg"),
        (":action", "file_upload"),
        ("name", "Demo.Pkg"),
    ])
    .unwrap();
    assert_eq!(read.name.as_ref().map(ProjectName::as_str), Some("demo-pkg"));
    assert_eq!(read.version, Some(ReleaseVersion::parse("1.0")));
    assert_eq!(
        (read.filetype, read.pyversion.as_deref(), read.comment.as_deref()),
        (None, None, None)
    );
    let md5 = read.digest(Algorithm::Md5).map(NamedDigest::hex);
    assert_eq!(md5, Some("900150983cd24fb0d6963f7d28e17f72"));
    assert!(read.digest(Algorithm::Sha256).is_none());
}

#[test]
fn every_action_in_use_is_known() {
    for (word, action) in [
        ("file_upload", Action::FileUpload),
        ("submit", Action::Submit),
        ("submit_pkg_info", Action::Submit),
        ("verify", Action::Verify),
        ("remove_pkg", Action::RemovePkg),
        ("doc_upload", Action::DocUpload),
    ] {
        assert_eq!(Action::of(&owned(&[(":action", word)])), Ok(action));
    }
}

#[test]
fn a_removal_needs_name_and_version() {
    let removal = |fields: &[(&str, &str)]| RemovalForm::from_fields(&owned(fields));
    let whole = removal(&[("version", " 217-55 "), ("name", "Demo.Pkg"), ("filetype", "x")]).unwrap();
    assert_eq!(whole.name.as_str(), "demo-pkg");
    assert_eq!(whole.version, ReleaseVersion::parse("217.post55"));
    assert_eq!(whole.version_as_written, "217-55");
    for (fields, message) in [
        (&[("version", "1.0")][..], "the field `name` is missing"),
        (
            &[("name", "demo"), ("version", "")],
            "the field `version` is missing",
        ),
        (
            &[("name", "../x"), ("version", "1")],
            "the field `name` is not valid",
        ),
        (
            &[("name", "a"), ("name", "b"), ("version", "1")],
            "the field `name` is given twice",
        ),
    ] {
        let error = removal(fields).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn nothing_is_made_of_fields_that_are_not_read() {
    for field in READ_FIELDS {
        assert!(is_read(field), "{field}");
    }
    for field in [
        "attestations",
        "description",
        "content",
        SIGNATURE_FIELD,
        "Name",
        "",
    ] {
        assert!(!is_read(field), "{field}");
    }
}

/// Rows A13 and A15.
#[test]
fn malformed_and_contradictory_forms_are_refused_in_one_sentence() {
    let upload = (":action", "file_upload");
    let other_digest = "0".repeat(64);
    let digest = "1".repeat(64);
    let refused: [(&[(&str, &str)], &str); 13] = [
        (&[], "the form has no `:action` field"),
        (&[(":action", "")], "the form has no `:action` field"),
        (
            &[(":action", "explode\r\nnow")],
            "the action `explode\\r\\nnow` is not known; this index knows `file_upload`, `remove_pkg`",
        ),
        (
            &[upload, ("protocol_version", "2")],
            "protocol version `2` is not supported, only 1 is",
        ),
        (
            &[upload, (":action", "remove_pkg")],
            "the field `:action` is given twice, with different values",
        ),
        (
            &[upload, ("name", "a"), ("name", "b")],
            "the field `name` is given twice, with different values",
        ),
        (
            &[upload, ("version", "1"), ("version", ""), ("version", "2")],
            "the field `version` is given twice, with different values",
        ),
        (
            &[
                upload,
                ("sha256_digest", &digest),
                ("sha256_digest", &other_digest),
            ],
            "the field `sha256_digest` is given twice, with different values",
        ),
        (
            &[upload, ("sha256_digest", "12")],
            "the field `sha256_digest` is not valid: ",
        ),
        (
            &[upload, ("md5_digest", &digest)],
            "the field `md5_digest` is not valid: ",
        ),
        (
            &[upload, ("blake2_256_digest", "-")],
            "the field `blake2_256_digest` is not valid: ",
        ),
        (&[upload, ("name", "../etc")], "the field `name` is not valid: "),
        (
            &[upload, ("filetype", "bdist_wininst")],
            "the file type `bdist_wininst` is not accepted, only `bdist_wheel`, `sdist` and `bdist_egg` are",
        ),
    ];
    for (fields, message) in refused {
        let error = form(fields).expect_err(message).to_string();
        assert!(error.starts_with(message), "{error:?} is not {message:?}");
        assert!(!error.contains(['\n', '\r']), "{error:?}");
    }
}

proptest! {
    #[test]
    fn what_the_client_writes_the_server_reads(
        name in "[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?",
        version in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}(rc[0-9])?",
        wheel: bool,
        comment in proptest::option::of("[!-~]([ -~]{0,30}[!-~])?"),
        content: Vec<u8>,
    ) {
        let name: ProjectName = name.parse().unwrap();
        let version: Version = version.parse().unwrap();
        let stem = format!("{}-{}", name.to_filename_part(), version.to_filename_part());
        let filename = if wheel { format!("{stem}-py3-none-any.whl") } else { format!("{stem}.tar.gz") };
        let filename: DistFilename = filename.parse().unwrap();
        let metadata = metadata(&format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"));
        let digests = digests_of(&content);
        let comment = comment.filter(|text| text != "UNKNOWN");

        let mut fields: Vec<(String, String)> = to_fields(&filename, &metadata, &digests, comment.as_deref())
            .into_iter()
            .map(|(field, value)| (field.to_owned(), value))
            .collect();
        fields.reverse();
        let read = UploadForm::from_fields(&fields).unwrap();

        prop_assert_eq!(read, UploadForm {
            name: Some(name),
            version: Some(ReleaseVersion::Standard(version)),
            filetype: Some(if wheel { Filetype::Wheel } else { Filetype::Sdist }),
            pyversion: Some(if wheel { "py3" } else { "source" }.to_owned()),
            digests,
            comment,
        });
    }

    #[test]
    fn no_form_makes_it_panic(fields: Vec<(String, String)>) {
        let _ = Action::of(&fields);
        let _ = UploadForm::from_fields(&fields);
        let _ = RemovalForm::from_fields(&fields);
    }
}
