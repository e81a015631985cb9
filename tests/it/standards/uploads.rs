//! Lines 8, 14 and 15: what is accepted, and where that which is shown comes from.

use crate::support::distributions::{sdist, wheel};
use crate::support::index::Index;
use crate::support::upload::{Form, form_for, upload};

const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0=\n-----END PGP SIGNATURE-----\n";

#[test]
fn line_08_what_is_shown_comes_from_the_archive() {
    let index = Index::open();
    let wheel = wheel("Lib", "1.0")
        .metadata_version("2.6")
        .requires_python(">=3.9")
        .header("Import-Name", "lib")
        .header("Dynamic", "Provides-Extra")
        .build();
    let sdist = sdist("Lib", "1.0")
        .metadata_version("2.4")
        .requires_python(">=3.9")
        .header("License-Expression", "MIT")
        .build();
    for file in [&wheel, &sdist] {
        let form = form_for(file)
            .field("name", "LIB")
            .field("version", "1.0.0")
            .field("metadata_version", "1.0")
            .field("requires_python", ">=2.0")
            .field("requires_dist", "something-else");
        index.post(&form).expect(200);
    }
    let page = index.page("lib");
    assert_eq!(page["versions"], serde_json::json!(["1.0"]));
    for file in page["files"].as_array().unwrap() {
        assert_eq!(file["requires-python"], ">=3.9", "{file}");
    }
    let metadata = index
        .get(&format!("/packages/{}.metadata", wheel.filename), &[])
        .expect(200)
        .text();
    assert!(
        metadata.starts_with("Metadata-Version: 2.6\n") && !metadata.contains("something-else"),
        "{metadata}"
    );
}

#[test]
fn line_14_no_field_and_no_order_is_a_failure() {
    let index = Index::open();
    let file = |version: &str| wheel("lib", version).build();
    let action = || Form::default().field(":action", "file_upload");
    let content = |form: Form, version: &str| {
        let file = file(version);
        form.file("content", &file.filename, &file.bytes)
    };
    let attestation = r#"[{"version": 1, "verification_material": {}, "envelope": {}}]"#;
    let forms = [
        (
            "attestations",
            content(action(), "1.0").field("attestations", attestation),
        ),
        (
            "no attestation",
            content(action().field("attestations", "[]"), "1.1"),
        ),
        (
            "a signature",
            content(action(), "1.2").file(
                "gpg_signature",
                &format!("{}.asc", file("1.2").filename),
                SIGNATURE,
            ),
        ),
        (
            "a signature first",
            content(
                action().file(
                    "gpg_signature",
                    &format!("{}.asc", file("1.3").filename),
                    SIGNATURE,
                ),
                "1.3",
            ),
        ),
        (
            "unknown fields",
            content(
                action().field("x-unknown", "1").field("import_namespaces", "a"),
                "1.4",
            ),
        ),
        (
            "empty fields",
            content(
                action()
                    .field("requires_python", "")
                    .field("sha256_digest", "")
                    .field("md5_digest", "")
                    .field("name", "")
                    .field("version", ""),
                "1.5",
            ),
        ),
        (
            "the action last",
            content(Form::default(), "1.6")
                .field("name", "lib")
                .field(":action", "file_upload"),
        ),
        (
            "the digest behind the file",
            content(action(), "1.7").field("sha256_digest", &file("1.7").sha256()),
        ),
        ("no protocol version", content(action(), "1.8")),
        (
            "the protocol version",
            content(action().field("protocol_version", "1"), "1.9"),
        ),
        (
            "digests in capitals",
            content(
                action().field("sha256_digest", &file("1.10").sha256().to_uppercase()),
                "1.10",
            ),
        ),
        (
            "a field in many parts",
            content(
                action()
                    .field("classifiers", "A")
                    .field("classifiers", "B")
                    .field("requires_dist", "c")
                    .field("requires_dist", "d"),
                "1.11",
            ),
        ),
    ];
    let count = forms.len();
    for (what, form) in forms {
        let reply = index.post(&form);
        assert_eq!(reply.status, 200, "{what}: {}", reply.text());
    }
    assert_eq!(index.listed("lib").len(), count);
}

#[test]
fn line_15_what_is_not_known_yet_breaks_nothing() {
    let index = Index::open();
    let stored = [
        wheel("lib", "1.0")
            .tags("cp315t-abi3t-pyemscripten_2027_0_wasm32")
            .build(),
        wheel("lib", "1.1")
            .tags("1_local-py2.py3-none-manylinux_2_99_riscv128.linux_riscv128")
            .build(),
        wheel("lib", "1.2")
            .header("Default-Extra", "fast")
            .header("X-Anything", "goes")
            .build(),
        wheel("lib", "1.3")
            .file("lib-1.3.dist-info/sboms/bom.cdx.json", "{}")
            .build(),
        wheel("lib", "1.4")
            .file("lib-1.4.dist-info/METADATA.json", "{}")
            .file("lib-1.4.dist-info/WHEEL.json", "{}")
            .build(),
        wheel("lib", "1.5").metadata_version("2.99").build(),
        sdist("lib", "1.6").header("Default-Extra", "fast").build(),
    ];
    for file in &stored {
        let reply = upload(&index.server.url, file);
        assert_eq!(reply.status, 200, "{}: {}", file.filename, reply.text());
        let got = index
            .get(&format!("/packages/{}", file.filename), &[])
            .expect(200);
        assert!(got.body == file.bytes);
    }
    let page = index.page("lib");
    assert_eq!(page["files"].as_array().unwrap().len(), stored.len(), "{page}");
}

#[test]
fn line_15_what_is_refused_is_refused_with_a_reason() {
    let index = Index::open();
    let variant = wheel("lib", "1.0")
        .filename("lib-1.0-py3-none-any-x86_64_v3.whl")
        .build();
    let variants_json = variant.clone().renamed("lib-1.0-variants.json");
    let next_wheel = variant.clone().renamed("lib-1.0-py3-none-any.whlx");
    let next_metadata = wheel("lib", "1.1").metadata_version("3.0").build();
    for file in [variant, variants_json, next_wheel, next_metadata] {
        let reply = upload(&index.server.url, &file);
        assert!(
            matches!(reply.status, 200 | 400),
            "{}: {} {}",
            file.filename,
            reply.status,
            reply.text()
        );
        let told = reply.status == 200 || reply.text().contains(&file.filename);
        assert!(told, "{}: {}", file.filename, reply.text());
        index.get("/simple/lib/", &[("Accept", "text/html")]);
        // Whatever became of it: what people copy in never breaks the page.
        index.copy_in(&file);
        index.page("lib");
    }
}
