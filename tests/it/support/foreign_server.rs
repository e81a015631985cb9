//! Other people's servers, which must be given a port and tell nobody when they listen on it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server. Dropping it ends it.
pub(crate) struct ForeignServer(Child);

impl ForeignServer {
    /// Starts the program, and waits until it takes connections on this port of the loopback interface.
    pub(crate) fn start(mut command: Command, port: u16) -> Self {
        let name = command.get_program().to_owned();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Self(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.0.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended at once: {ended:?}", name.display());
            assert!(Instant::now() < deadline, "{} never listened", name.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that nobody listens on at this moment. For programs that can't be given port 0.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}
