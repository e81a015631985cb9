//! A real pypiserver on a free port.

use super::Testbed;
use super::foreign_server::{ForeignServer, free_port};
use super::tools::Tool;

/// A running pypiserver. Dropping it ends it.
pub(crate) struct Pypiserver {
    _process: ForeignServer,
    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) url: String,
}

impl Pypiserver {
    /// Starts `pypi-server run` without a fallback and with these arguments, and waits until it takes connections.
    pub(crate) fn start(tool: &Tool, testbed: &Testbed, arguments: &[&str]) -> Self {
        let all: Vec<&str> = ["--disable-fallback"].iter().chain(arguments).copied().collect();
        Self::run(tool, testbed, &all)
    }

    /// Starts `pypi-server run` with these arguments alone, and waits until it takes connections.
    pub(crate) fn run(tool: &Tool, testbed: &Testbed, arguments: &[&str]) -> Self {
        let port = free_port();
        let mut command = tool.command(testbed);
        command
            .args(["run", "-i", "127.0.0.1", "-p", &port.to_string()])
            .args(arguments);
        Self {
            _process: ForeignServer::start(command, port),
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}
