//! `--sign`: detached PGP signatures, made by gpg beside the files.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client::Selected;
use crate::config::Environment;
use crate::config::ambient::SECRET_VARIABLES;
use crate::failure::Failure;

/// Who signs, and with which key.
pub(super) struct Signer<'a> {
    pub(super) program: &'a Path,
    pub(super) identity: Option<&'a str>,
}

impl Signer<'_> {
    /// Signs the files that have no signature yet.
    pub(super) fn sign_all(&self, files: &mut [Selected], environment: &Environment) -> Result<(), Failure> {
        if let Some(identity) = self.identity.filter(|identity| identity.starts_with('-')) {
            return Err(Failure::usage(format!("`{identity}` is not the name of a key"))
                .hint("give --identity an address, a name or a key ID"));
        }
        for file in files.iter_mut().filter(|file| file.signature.is_none()) {
            file.signature = Some(self.sign(&environment.expand(&file.path))?);
        }
        Ok(())
    }

    fn sign(&self, path: &Path) -> Result<PathBuf, Failure> {
        // As twine asks: gpg is found by that name or by that of its second version.
        let mut ended = self.run(self.program, path);
        if self.program == Path::new("gpg")
            && matches!(&ended, Err(error) if error.kind() == io::ErrorKind::NotFound)
        {
            ended = self.run(Path::new("gpg2"), path);
        }
        let failed = || Failure::new(format!("`{}` was not signed", path.display()));
        let program = self.program.display();
        match ended {
            Err(error) => Err(failed().caused_by(&error).hint(format!(
                "install `{program}`, or name another program with --sign-with"
            ))),
            Ok(status) if !status.success() => Err(failed().hint(format!(
                "`{program}` said why; name the key with --identity, or publish without --sign"
            ))),
            Ok(_) => Ok(signature_of(path)),
        }
    }

    /// The path is absolute, so it can't be taken for an option.
    fn run(&self, program: &Path, path: &Path) -> io::Result<std::process::ExitStatus> {
        let mut command = Command::new(program);
        for name in SECRET_VARIABLES {
            command.env_remove(name);
        }
        command.arg("--detach-sign");
        if let Some(identity) = self.identity {
            command.args(["--local-user", identity]);
        }
        command.arg("-a").arg(path).status()
    }
}

fn signature_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".asc");
    name.into()
}
