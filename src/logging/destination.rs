//! Where lines are written to, and what becomes of them where that fails.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the lines of one outlet go.
pub(super) struct Destination {
    kind: Kind,
    /// Lines that could not be written since the last that could; `None` while all is well.
    lost_lines: Option<u64>,
    /// The last write stopped in the middle of a line.
    is_torn: bool,
}

enum Kind {
    Nowhere,
    Stdout,
    Stderr,
    File {
        path: PathBuf,
        file: File,
    },
    #[cfg(test)]
    Other(Box<dyn Write + Send>),
}

/// What is worth telling about a write.
#[derive(Debug)]
pub(super) enum News {
    /// It failed, and the one before did not.
    Failing(PathBuf, io::Error),
    /// It succeeded, after so many lines were lost.
    Recovered(PathBuf, u64),
}

impl Destination {
    pub(super) fn nowhere() -> Self {
        Self::new(Kind::Nowhere)
    }

    pub(super) fn stdout() -> Self {
        Self::new(Kind::Stdout)
    }

    pub(super) fn stderr() -> Self {
        Self::new(Kind::Stderr)
    }

    /// A file that is appended to; it is made, readable for its group, where it is absent.
    pub(super) fn file(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let file = options.open(path)?;
        Ok(Self::new(Kind::File {
            path: path.to_owned(),
            file,
        }))
    }

    #[cfg(test)]
    pub(super) fn other(writer: impl Write + Send + 'static) -> Self {
        Self::new(Kind::Other(Box::new(writer)))
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            lost_lines: None,
            is_torn: false,
        }
    }

    pub(super) fn is_nowhere(&self) -> bool {
        matches!(self.kind, Kind::Nowhere)
    }

    /// Writes whole lines. What can't be written is lost: the server goes on, whatever becomes of its log.
    pub(super) fn write(&mut self, lines: &[u8]) -> Option<News> {
        if lines.is_empty() {
            return None;
        }
        let written = match &mut self.kind {
            Kind::Nowhere => return None,
            // Whoever listened there may be gone, and there is nobody else to tell.
            Kind::Stdout => {
                let mut stdout = io::stdout();
                let _ = stdout.write_all(lines).and_then(|()| stdout.flush());
                return None;
            }
            Kind::Stderr => {
                let _ = io::stderr().write_all(lines);
                return None;
            }
            Kind::File { file, .. } => write_to(file, lines, self.is_torn),
            #[cfg(test)]
            Kind::Other(writer) => write_to(writer, lines, self.is_torn),
        };
        self.note(lines, written)
    }

    fn note(&mut self, lines: &[u8], (written_bytes, outcome): (usize, io::Result<()>)) -> Option<News> {
        if written_bytes > 0 {
            self.is_torn = lines.get(written_bytes - 1) != Some(&b'\n');
        }
        match outcome {
            Ok(()) => {
                let lost = self.lost_lines.take()?;
                Some(News::Recovered(self.path(), lost))
            }
            Err(error) => {
                let lost = count_lines(&lines[written_bytes..]);
                if let Some(before) = &mut self.lost_lines {
                    *before += lost;
                    return None;
                }
                self.lost_lines = Some(lost);
                Some(News::Failing(self.path(), error))
            }
        }
    }

    fn path(&self) -> PathBuf {
        match &self.kind {
            Kind::File { path, .. } => path.clone(),
            _ => PathBuf::new(),
        }
    }
}

/// Gives how many bytes of the lines were written, and what stopped it. A line that was torn apart before is ended
/// first, so that no reader takes its beginning and the next line for one.
fn write_to(writer: &mut impl Write, lines: &[u8], is_torn: bool) -> (usize, io::Result<()>) {
    if is_torn && let Err(error) = writer.write_all(b"\n") {
        return (0, Err(error));
    }
    let mut written_bytes = 0;
    while written_bytes < lines.len() {
        match writer.write(&lines[written_bytes..]) {
            Ok(0) => return (written_bytes, Err(io::ErrorKind::WriteZero.into())),
            Ok(bytes) => written_bytes += bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written_bytes, Err(error)),
        }
    }
    (written_bytes, Ok(()))
}

fn count_lines(lines: &[u8]) -> u64 {
    lines.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk with room for so many bytes.
    #[derive(Clone)]
    struct Disk(Arc<Mutex<(usize, Vec<u8>)>>);

    impl Disk {
        fn with_room_for(bytes: usize) -> Self {
            Self(Arc::new(Mutex::new((bytes, Vec::new()))))
        }

        fn make_room(&self) {
            self.0.lock().unwrap().0 = usize::MAX;
        }

        fn content(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut disk = self.0.lock().unwrap();
            let fits = bytes.len().min(disk.0);
            if fits == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            disk.0 -= fits;
            disk.1.extend(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_told_once_and_the_lines_lost_are_counted() {
        let disk = Disk::with_room_for(9);
        let mut destination = Destination::other(disk.clone());
        assert!(destination.write(b"one\n").is_none());
        assert!(matches!(
            destination.write(b"two-three\nfour\n"),
            Some(News::Failing(..))
        ));
        assert!(destination.write(b"five\n").is_none(), "told once");
        disk.make_room();
        assert!(matches!(destination.write(b"six\n"), Some(News::Recovered(_, 3))));
        assert!(destination.write(b"seven\n").is_none());
        assert_eq!(disk.content(), "one\ntwo-t\nsix\nseven\n");
    }
}
