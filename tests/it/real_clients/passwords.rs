//! Where clients find their passwords, and what they hear when they have none or a wrong one.

use super::{
    assert_downloaded, assert_imports, fail, pip_download, succeed, twine_upload, uv_install, uv_publish,
};
use crate::support::distributions::wheel;
use crate::support::index::{Index, PASSWORD, USER, password_line, with_credentials};
use crate::support::tools;

#[test]
fn pip_and_uv_take_the_password_from_netrc() {
    let (Ok(pip), Ok(uv)) = (tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::guarded();
    let distribution = wheel("my-lib", "1.0").build();
    index.copy_in(&distribution);
    // netrc knows no blanks in passwords, so this user has a plainer one.
    let line = format!("bob:{}\n", bcrypt::hash("plain", 4).unwrap());
    index
        .testbed
        .write("passwords", password_line(USER, PASSWORD) + &line);
    index
        .testbed
        .write(".netrc", "machine 127.0.0.1 login bob password plain\n");
    let url = index.simple_url();
    succeed(&mut pip_download(&pip, &index, &url, "my-lib"));
    assert_downloaded(&index, &distribution);
    succeed(&mut uv_install(&uv, &index, &url, "my-lib==1.0", &distribution));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

#[test]
fn clients_without_the_right_password_are_told_so() {
    let (Ok(pip), Ok(uv), Ok(twine)) = (tools::pip(), tools::uv(), tools::twine()) else {
        return;
    };
    let index = Index::guarded();
    let distribution = wheel("my-lib", "1.0").build();
    index.copy_in(&distribution);
    let wrong_url = with_credentials(&index.simple_url(), "alice:wrong");
    for url in [index.simple_url(), wrong_url.clone()] {
        let said = fail(&mut pip_download(&pip, &index, &url, "my-lib"));
        assert!(
            said.contains("401") || said.contains("No matching distribution"),
            "{said}"
        );
        let said = fail(&mut uv_install(&uv, &index, &url, "my-lib==1.0", &distribution));
        assert!(said.contains("401 Unauthorized"), "{said}");
    }

    let other = wheel("my-lib", "2.0").build();
    let files = [index.in_dist(&other)];
    for (user, password) in [(USER, "wrong"), ("nobody", PASSWORD)] {
        let mut upload = twine_upload(&twine, &index, &files);
        let said = fail(upload.env("TWINE_USERNAME", user).env("TWINE_PASSWORD", password));
        assert!(said.contains("401"), "{said}");
        let mut publish = uv_publish(&uv, &index, &files);
        let said = fail(
            publish
                .env("UV_PUBLISH_USERNAME", user)
                .env("UV_PUBLISH_PASSWORD", password),
        );
        assert!(said.contains("401"), "{said}");
    }
    assert!(!index.testbed.path("packages").join(&other.filename).exists());
    assert!(!index.server.log().contains(PASSWORD), "the log tells a password");
}
