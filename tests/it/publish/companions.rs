//! What goes with a file: signatures, attestations, remarks.

use super::{SDIST, WHEEL, World, my_wheel};
use crate::support::Outcome;
use crate::support::distributions::sdist;
use crate::support::scripted_index::{Reply, Request};

fn part(upload: &Request, field: &str) -> Option<(Option<String>, String)> {
    let found = upload.parts().into_iter().find(|(name, _, _)| name == field);
    found.map(|(_, filename, content)| (filename, String::from_utf8(content).unwrap()))
}

/// A program that writes its arguments down and signs as gpg does.
fn write_gpg(world: &World, name: &str) -> String {
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOME/gpg-arguments\"\n\
                  env | grep PASSWORD > \"$HOME/gpg-environment\"\n\
                  for last; do :; done\n[ -e \"$last.asc\" ] && exit 3\necho 'signed by gpg' > \"$last.asc\"\n";
    let path = world.bed.script(&format!("bin/{name}"), script);
    let inherited = std::env::var("PATH").unwrap();
    format!("{}:{inherited}", path.parent().unwrap().display())
}

#[test]
fn a_signature_beside_the_file_goes_with_it() {
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [Reply::ok()]);
    world.bed.write(&format!("dist/{WHEEL}.asc"), "a signature\n");
    for arguments in [
        &[][..],
        &["dist/*"],
        &["dist/my_lib-1.0-py3-none-any.whl", "dist/my_lib-1.0.tar.gz"],
    ] {
        let outcome = world.publish(arguments).expect_code(0);
        assert!(!outcome.stderr.contains("ignored"), "{}", outcome.stderr);
        let uploads = world.index.uploads();
        let [.., of_wheel, of_sdist] = &uploads[..] else {
            panic!("{}", uploads.len())
        };
        let expected = (Some(format!("{WHEEL}.asc")), "a signature\n".to_owned());
        assert_eq!(part(of_wheel, "gpg_signature"), Some(expected));
        assert_eq!(part(of_sdist, "gpg_signature"), None);
        assert_eq!(of_wheel.file().1, my_wheel().bytes);
    }
    world
        .publish(&[&format!("dist/{WHEEL}.asc")])
        .expect_failure(1, ".asc");
    world.bed.write(&format!("dist/{WHEEL}.asc"), "");
    world.publish(&[]).expect_failure(1, "it is empty");
}

#[test]
fn files_are_signed_by_gpg_which_learns_no_secret() {
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [Reply::ok()]);
    world.bed.write(&format!("dist/{SDIST}.asc"), "signed before\n");
    let path = write_gpg(&world, "gpg");
    let mut command = world
        .bed
        .pkgctl(["publish", "--sign", "--identity", "me@example.com", "dist"]);
    command
        .env("PATH", &path)
        .env("PKGCTL_PASSWORD", "geheim")
        .env("TWINE_PASSWORD", "geheim");
    Outcome::of(&mut command).expect_code(0);
    let file = world.bed.path("dist").join(WHEEL);
    assert_eq!(
        world.bed.read("gpg-arguments"),
        format!(
            "--detach-sign\n--local-user\nme@example.com\n-a\n{}\n",
            file.display()
        )
    );
    assert_eq!(world.bed.read("gpg-environment"), "");
    let uploads = world.index.uploads();
    assert_eq!(part(&uploads[0], "gpg_signature").unwrap().1, "signed by gpg\n");
    assert_eq!(part(&uploads[1], "gpg_signature").unwrap().1, "signed before\n");
}

#[test]
fn another_program_may_sign_and_the_second_gpg_stands_in_for_the_first() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let path = write_gpg(&world, "my-signer");
    let mut command = world.bed.pkgctl(["publish", "-s", "--sign-with", "my-signer"]);
    Outcome::of(command.env("PATH", &path)).expect_code(0);
    assert!(
        world
            .bed
            .read("gpg-arguments")
            .starts_with("--detach-sign\n-a\n/")
    );

    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let path = write_gpg(&world, "gpg2");
    let (only, _) = path.split_once(':').unwrap();
    for tool in ["sh", "env", "grep"] {
        let found = std::env::split_paths(&path)
            .map(|folder| folder.join(tool))
            .find(|path| path.exists());
        std::os::unix::fs::symlink(found.unwrap(), std::path::Path::new(only).join(tool)).unwrap();
    }
    let mut command = world.bed.pkgctl(["publish", "-s"]);
    Outcome::of(command.env("PATH", only)).expect_code(0);
}

#[test]
fn what_can_not_be_signed_is_not_sent() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world.publish(&["--identity", "x"]).expect_code(2);
    world
        .publish(&["--sign", "--identity=--output=/x"])
        .expect_failure(2, "--output=/x");
    world
        .publish(&["--sign", "--sign-with", "nosuch"])
        .expect_failure(1, WHEEL);
    world
        .publish(&["--sign", "--sign-with", "false"])
        .expect_failure(1, "--identity");
    // It says that it has signed, and has not.
    world
        .publish(&["--sign", "--sign-with", "true"])
        .expect_failure(1, ".asc");
    world
        .publish(&["--sign", "--sign-with", "nosuch", "--dry-run"])
        .expect_code(0);
    let has_file = |request: &Request| request.parts().iter().any(|(name, _, _)| name == "content");
    assert!(!world.index.uploads().iter().any(has_file));
}

#[test]
fn attestations_are_sent_when_they_are_asked_for() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world
        .publish(&["--attestations"])
        .expect_failure(1, "attestation");
    assert_eq!(world.index.requests().len(), 0);
    let (one, two) = (
        r#"{"version": 1, "n": 1.50}"#,
        "{\n \"version\": 1, \"é\": 2\n}\n",
    );
    world.bed.write(&format!("dist/{WHEEL}.publish.attestation"), two);
    world.bed.write(&format!("dist/{WHEEL}.build.attestation"), one);
    world.publish(&[]).expect_code(0);
    assert_eq!(part(&world.index.uploads()[0], "attestations"), None);
    world.publish(&["--attestations"]).expect_code(0);
    let sent = part(&world.index.uploads()[1], "attestations").unwrap();
    assert_eq!(sent, (None, format!("[{one},{}]", two.trim())));
    for wrong in ["", "[]", "{", "\u{FFFD}"] {
        world.bed.write(&format!("dist/{WHEEL}.build.attestation"), wrong);
        world
            .publish(&["--attestations"])
            .expect_failure(1, "build.attestation");
    }
}

#[test]
fn a_remark_goes_with_each_file() {
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [Reply::ok()]);
    world.publish(&["-c", "für alle"]).expect_code(0);
    for upload in world.index.uploads() {
        assert_eq!(part(&upload, "comment"), Some((None, "für alle".to_owned())));
    }
}

#[test]
fn no_text_can_end_the_form_early() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    // The digest is known to whoever attests, so a boundary made of it would be, too.
    let remark = format!(
        "x\r\n--pkgctl-{:.40}\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny",
        my_wheel().sha256()
    );
    world.publish(&["-c", &remark]).expect_code(0);
    let upload = &world.index.uploads()[0];
    assert_eq!(part(upload, "comment").unwrap().1, remark);
    assert_eq!(part(upload, "x"), None);
}
