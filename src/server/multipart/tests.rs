//! Forms of all manners, good and bad.

use proptest::prelude::*;

use axum::http::{HeaderMap, header};

use super::*;

type Parts = Vec<(String, Option<String>, Vec<u8>)>;

/// Sends `body` in pieces of `piece` bytes and collects the parts.
fn read(body: &[u8], piece: usize) -> Result<Parts, MultipartError> {
    let pieces: Vec<Result<Bytes, std::io::Error>> = body
        .chunks(piece)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .collect();
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut form = Multipart::new(body, "XX", 1 << 20, Duration::from_secs(5));
        let mut parts = Vec::new();
        while let Some(head) = form.next_part().await? {
            parts.push((head.name, head.filename, form.whole(1 << 20).await?));
        }
        Ok(parts)
    })
}

fn part(disposition: &str, content: &str) -> String {
    format!("--XX\r\nContent-Disposition: {disposition}\r\n\r\n{content}\r\n")
}

#[test]
fn parts_come_in_order_whatever_the_pieces() {
    let form = format!(
        "{}{}{}{}--XX--\r\n",
        part("form-data; name=\":action\"", "file_upload"),
        part(
            "form-data; name=\"content\"; filename=\"a-1.0.tar.gz\"\r\nContent-Type: x/y",
            "\r\n--X\r\n--XY"
        ),
        part("form-data; name=empty", ""),
        part(
            "form-data; filename=\"a \\\"b\\\" %22c%22.asc\"; name=\"gpg\"",
            "sig"
        ),
    );
    let expected: Parts = vec![
        (":action".into(), None, b"file_upload".to_vec()),
        (
            "content".into(),
            Some("a-1.0.tar.gz".into()),
            b"\r\n--X\r\n--XY".to_vec(),
        ),
        ("empty".into(), None, Vec::new()),
        ("gpg".into(), Some("a \"b\" \"c\".asc".into()), b"sig".to_vec()),
    ];
    for piece in [1, 2, 3, 7, 64, 10_000] {
        assert_eq!(
            read(form.as_bytes(), piece).unwrap(),
            expected,
            "pieces of {piece}"
        );
    }
    assert_eq!(read(b"--XX--", 100).unwrap(), vec![]);
}

/// What `setup.py upload` and `setup.py register` of old Pythons send, byte for byte in their manner.
#[test]
fn forms_of_distutils_are_read() {
    let upload = "\r\n--XX\r\nContent-Disposition: form-data; name=\":action\"\r\n\r\nfile_upload\
                  \r\n--XX\r\nContent-Disposition: form-data; name=\"content\"; filename=\"a-1.tar.gz\"\r\n\r\na\n--XX\n\
                  \r\n--XX--\r\n\r\n";
    let register = "\n--XX\nContent-Disposition: form-data; name=\":action\"\n\nverify\
                    \n--XX\nContent-Disposition: form-data; name=\"summary\"\n\na\r\nb\
                    \n--XX--\n";
    for piece in [1, 2, 5, 1000] {
        let parts = read(upload.as_bytes(), piece).unwrap();
        assert_eq!(parts[0].2, b"file_upload", "pieces of {piece}");
        assert_eq!(parts[1].2, b"a\n--XX\n", "pieces of {piece}");
        let parts = read(register.as_bytes(), piece).unwrap();
        assert_eq!(parts[0].2, b"verify", "pieces of {piece}");
        assert_eq!(parts[1].2, b"a\r\nb", "pieces of {piece}");
    }
}

#[test]
fn one_form_has_one_kind_of_line_end() {
    // In a form of `\r\n` a boundary behind `\n` is content, and the form has no end.
    let mixed = part("form-data; name=\"a\"", "b\n--XX--\n");
    assert!(matches!(
        read(mixed.as_bytes(), 100),
        Err(MultipartError::Truncated)
    ));
    // In a form of `\n` the `\r` before a boundary is content.
    let mixed = "--XX\nContent-Disposition: form-data; name=\"a\"\n\nb\r\n--XX--\n";
    assert_eq!(read(mixed.as_bytes(), 100).unwrap()[0].2, b"b\r");
}

#[test]
fn a_second_name_of_the_file_must_be_the_same() {
    let name_of = |disposition: &str| {
        let form = format!("{}--XX--", part(disposition, "x"));
        read(form.as_bytes(), 100).map(|mut parts| parts.remove(0).1)
    };
    let both = "form-data; name=\"content\"; filename=\"a-1.0+b.zip\"; filename*=utf-8''a-1.0%2Bb.zip";
    assert_eq!(name_of(both).unwrap().as_deref(), Some("a-1.0+b.zip"));
    let alone = "form-data; name=content; filename*=UTF-8'en'%C3%A4-1.0.zip";
    assert_eq!(name_of(alone).unwrap().as_deref(), Some("ä-1.0.zip"));
    for bad in [
        "form-data; name=content; filename=a-1.0.zip; filename*=utf-8''b-1.0.zip",
        "form-data; name=content; filename*=utf-16''a-1.0.zip",
        "form-data; name=content; filename*=a-1.0.zip",
        "form-data; name=content; filename*=utf-8''%ff.zip",
        "form-data; name=content; filename*=utf-8''a; filename*=utf-8''a",
        "form-data; name*=utf-8''content; name=content; filename=a",
    ] {
        assert!(matches!(name_of(bad), Err(MultipartError::Head(_))), "{bad}");
    }
}

#[test]
fn malformed_forms_are_refused() {
    let good = part("form-data; name=\"a\"", "b");
    let cases = [
        (String::new(), "Truncated"),
        (good.clone(), "Truncated"),
        (format!("{good}--XX"), "Truncated"),
        (format!("preamble\r\n{good}--XX--"), "Head"),
        (format!("{good}--XX-- "), "Trailing"),
        (format!("{good}--XX--\r\n--XX--\r\n"), "Trailing"),
        (format!("{good}--XXjunk\r\n"), "Head"),
        (part("form-data", "b"), "Head"),
        (part("attachment; name=\"a\"", "b"), "Head"),
        (part("form-data; name=\"a\"; name=\"b\"", "b"), "Head"),
        (
            part("form-data; name=\"a\"; filename=\"x\"; filename=\"y\"", "b"),
            "Head",
        ),
        (
            part("form-data; name=\"a\"; filename=y; filename*=utf-8''x", "b"),
            "Head",
        ),
        (part("form-data; name=\"a", "b"), "Head"),
        (part("form-data; name=\"a\" junk", "b"), "Head"),
        (
            part(
                "form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
                "Yg==",
            ),
            "Head",
        ),
        (
            part("form-data; name=a\r\nContent-Disposition: form-data; name=b", "b"),
            "Head",
        ),
        (part("form-data; name=\"a\"\r\nno colon here", "b"), "Head"),
        (format!("--XX\r\nX: {}", "y".repeat(9000)), "HeadTooLong"),
        (format!("--XX\r\n{}\r\n", "X: y\r\n".repeat(17)), "HeadTooLong"),
        (
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".to_owned(),
            "Truncated",
        ),
        (
            format!("{}--XX--", part("form-data; name=a", "").repeat(10_001)),
            "TooManyParts",
        ),
        (
            format!("{}--XX--", part("form-data; name=a", &"x".repeat(2 << 20))),
            "TooLarge",
        ),
    ];
    for (form, expected) in cases {
        let error = read(form.as_bytes(), 4096).map(|_| ()).unwrap_err();
        let variant = format!("{error:?}");
        assert!(
            variant.starts_with(expected),
            "{variant} for {:?}",
            &form[..form.len().min(120)]
        );
    }
}

#[test]
fn one_empty_line_may_stand_before_and_behind_the_form() {
    let good = part("form-data; name=\"a\"", "b");
    for form in [format!("\r\n{good}--XX--\r\n\r\n"), format!("{good}--XX--\n")] {
        assert_eq!(read(form.as_bytes(), 3).unwrap().len(), 1, "{form:?}");
    }
    let two_before = format!("\r\n\r\n{good}--XX--");
    assert!(matches!(
        read(two_before.as_bytes(), 3),
        Err(MultipartError::Head(_))
    ));
    let three_behind = format!("{good}--XX--\r\n\r\n\r\n");
    assert!(matches!(
        read(three_behind.as_bytes(), 3),
        Err(MultipartError::Trailing)
    ));
}

#[test]
fn only_one_sound_boundary_is_taken() {
    let with = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
        boundary(&headers).ok()
    };
    assert_eq!(with("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
    assert_eq!(
        with("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(),
        Some("a b")
    );
    for bad in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=a",
        "application/json",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=\"a",
        &format!("multipart/form-data; boundary={}", "a".repeat(71)),
        "multipart/form-data; boundary=\"a \"",
    ] {
        assert_eq!(with(bad), None, "{bad}");
    }
    assert!(boundary(&HeaderMap::new()).is_err());
}

proptest! {
    #[test]
    fn any_content_comes_through(content in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        prop_assume!(memmem::find(&content, b"\r\n--XX").is_none());
        let mut form = b"--XX\r\nContent-Disposition: form-data; name=\"c\"; filename=\"f\"\r\n\r\n".to_vec();
        form.extend(&content);
        form.extend(b"\r\n--XX--\r\n");
        let parts = read(&form, piece).unwrap();
        prop_assert_eq!(&parts[0].2, &content);
    }

    #[test]
    fn any_content_comes_through_in_the_manner_of_distutils(content in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..50) {
        prop_assume!(memmem::find(&content, b"\n--XX").is_none());
        let mut form = b"\n--XX\nContent-Disposition: form-data; name=\"c\"\n\n".to_vec();
        form.extend(&content);
        form.extend(b"\n--XX--\n");
        let parts = read(&form, piece).unwrap();
        prop_assert_eq!(&parts[0].2, &content);
    }

    #[test]
    fn names_of_files_come_through_both_ways(name in "[ -~]{1,40}") {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        prop_assume!(!name.contains("%22"));
        let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
        let form = format!(
            "{}--XX--",
            part(&format!("form-data; name=c; filename=\"{quoted}\"; filename*=utf-8''{encoded}"), "x")
        );
        let parts = read(form.as_bytes(), 64).unwrap();
        prop_assert_eq!(parts[0].1.as_deref(), Some(name.as_str()));
    }

    #[test]
    fn any_bytes_end_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), piece in 1_usize..20) {
        let mut form = b"--XX\r\n".to_vec();
        form.extend(&body);
        prop_assert!(read(&form, piece).map_or(true, |parts| form.ends_with(b"--XX--") || form.ends_with(b"--XX--\r\n") || parts.is_empty()));
    }
}
