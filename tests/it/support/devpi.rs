//! A real devpi-server on a free port, with one private index.

use super::foreign_server::{ForeignServer, free_port};
use super::tools::Tool;
use super::{Outcome, Testbed};

/// The user who owns the index.
pub(crate) const USER: &str = "root";
pub(crate) const PASSWORD: &str = "r00t: pass";

/// A running devpi-server. Dropping it ends it.
pub(crate) struct Devpi {
    _process: ForeignServer,
    /// Where the index takes uploads, without a final slash.
    pub(crate) url: String,
}

impl Devpi {
    /// Starts a server that mirrors nothing, and makes the index `root/dev`.
    pub(crate) fn start(tool: &Tool, testbed: &Testbed) -> Self {
        let folder = testbed.path("devpi");
        let init = tool.renamed("devpi-init");
        let mut init = init.command(testbed);
        init.args(["--no-root-pypi", "--root-passwd", PASSWORD, "--serverdir"])
            .arg(&folder);
        Outcome::of(&mut init).expect_code(0);
        let port = free_port();
        let mut command = tool.command(testbed);
        command
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--serverdir"])
            .arg(&folder);
        let server = Self {
            _process: ForeignServer::start(command, port),
            url: format!("http://127.0.0.1:{port}/root/dev"),
        };
        let make_index = "import base64, json, sys, urllib.request as r\n\
            body = json.dumps({'type': 'stage', 'bases': [], 'volatile': False}).encode()\n\
            login = base64.b64encode((sys.argv[2] + ':' + sys.argv[3]).encode()).decode()\n\
            headers = {'Content-Type': 'application/json', 'Authorization': 'Basic ' + login}\n\
            r.urlopen(r.Request(sys.argv[1], body, headers, method='PUT'))\n";
        let mut python = tool.python(testbed);
        python.args(["-c", make_index, &server.url, USER, PASSWORD]);
        Outcome::of(&mut python).expect_code(0);
        server
    }
}
