//! A real nginx that asks for a password.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Testbed;
use super::pypiserver::free_port;
use super::tools::Tool;

/// A running nginx. Dropping it ends it.
pub(crate) struct Nginx {
    child: Child,
    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) url: String,
}

impl Nginx {
    /// Serves one page, at `/`, to the users of a password file.
    pub(crate) fn start(tool: &Tool, testbed: &Testbed, passwords: &Path) -> Self {
        let port = free_port();
        testbed.write("nginx/pages/index.html", "welcome\n");
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path temporary;\n"))
            .concat();
        let configuration = testbed.write(
            "nginx/nginx.conf",
            format!(
                "daemon off;\nmaster_process off;\npid nginx.pid;\nevents {{}}\nhttp {{\n{temporary}access_log off;\n\
                 server {{\nlisten 127.0.0.1:{port};\nlocation / {{\nroot pages;\nauth_basic users;\n\
                 auth_basic_user_file {};\n}}\n}}\n}}\n",
                passwords.display()
            ),
        );
        let mut command = tool.command(testbed);
        command
            .args(["-e", "stderr", "-p"])
            .arg(testbed.path("nginx"))
            .arg("-c")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx ended at once: {ended:?}");
            assert!(Instant::now() < deadline, "nginx never listened");
            // It tells nobody when it is ready, so its port is asked.
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
