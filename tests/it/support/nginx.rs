//! A real nginx that asks for a password.

use std::path::Path;

use super::Testbed;
use super::foreign_server::{ForeignServer, free_port};
use super::tools::Tool;

/// A running nginx. Dropping it ends it.
pub(crate) struct Nginx {
    _process: ForeignServer,
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
            .arg(configuration);
        Self {
            _process: ForeignServer::start(command, port),
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}
