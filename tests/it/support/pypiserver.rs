//! A real pypiserver on a free port.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::Testbed;
use super::tools::Tool;

/// A running pypiserver. Dropping it ends it.
pub(crate) struct Pypiserver {
    child: Child,
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
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "pypiserver ended at once: {ended:?}");
            assert!(Instant::now() < deadline, "pypiserver never listened");
            // It tells nobody when it is ready, so its port is asked.
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Pypiserver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens on at this moment. For programs that can't be given port 0.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
