//! Failures of a build that are known by what the installer or the backend has printed, each with its remedy.
//!
//! Each recogniser knows one kind of failure by the words of the programs that report it. They are asked in the order
//! of [`SYMPTOMS`], the surest first, and the first that knows a failure gives the hint.

/// What a program that failed has printed.
pub(super) struct Said<'a> {
    /// The line that is told as the cause.
    pub(super) reason: &'a str,
    /// The last lines of all that was printed, without colours.
    pub(super) lines: Vec<String>,
    /// The installer, where it is one that failed.
    pub(super) installer: Option<&'static str>,
    /// The index or indexes that were asked, in a sentence.
    pub(super) index: Option<String>,
    /// Whether a wheel was built from an sdist that was built before.
    pub(super) is_from_sdist: bool,
}

type Recogniser = fn(&Said<'_>) -> Option<String>;

const SYMPTOMS: [Recogniser; 18] = [
    full_disk,
    missing_header,
    missing_compiler,
    missing_rust,
    compiler_error,
    untrusted_certificate,
    refused_login,
    unreachable_index,
    wrong_python,
    missing_distribution,
    failed_dependency,
    missing_from_sdist,
    version_from_version_control,
    several_packages,
    no_packages_to_ship,
    no_right_to_write,
    invalid_table,
    syntax_error,
];

/// The remedy for the first symptom that is known.
pub(super) fn remedy(said: &Said<'_>) -> Option<String> {
    SYMPTOMS.iter().find_map(|recognise| recognise(said))
}

impl Said<'_> {
    /// All lines, the cause first.
    fn all(&self) -> impl Iterator<Item = &str> {
        self.reason.lines().chain(self.lines.iter().map(String::as_str))
    }

    fn line_with(&self, words: &[&str]) -> Option<&str> {
        self.all()
            .find(|line| words.iter().all(|word| line.contains(word)))
    }

    fn has_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.line_with(&[text]).is_some())
    }

    fn asked(&self) -> String {
        let installer = self.installer.unwrap_or("pip");
        match &self.index {
            Some(index) => format!("{installer} asked {index}"),
            None if installer == "uv" => "uv asked what `uv.toml` names, or the public index".to_owned(),
            None => "`pip config list` names the index that pip asks".to_owned(),
        }
    }
}

/// The text between the first `before` in a line and the next `after`.
fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// Whether a word is the name of a C or C++ compiler or linker, with or without a path, a platform and a version.
fn is_compiler(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let last = name.rsplit('-').next().unwrap_or(name);
    ["cc", "c++", "gcc", "g++", "clang", "clang++", "icc", "cl.exe"].contains(&last)
        || ["clang++", "clang"].contains(&name)
}

fn full_disk(said: &Said<'_>) -> Option<String> {
    // What the system says in C's words, and what Python and Rust make of it.
    let signs = ["No space left on device", "Disk quota exceeded", "(os error 28)"];
    said.has_any(&signs).then(|| {
        "the disk with the temporary folder is full: make room there, or set `TMPDIR` to a folder on another disk"
            .to_owned()
    })
}

fn missing_header(said: &Said<'_>) -> Option<String> {
    let gcc = said
        .line_with(&["fatal error: ", ": No such file or directory"])
        .and_then(|line| between(line, "fatal error: ", ": No such file"));
    let clang = || {
        said.line_with(&["fatal error: '", "' file not found"])
            .and_then(|line| between(line, "fatal error: '", "' file not found"))
    };
    let header = gcc.or_else(clang)?;
    if header == "Python.h" {
        return Some(
            "install the header files of this Python (Debian and Ubuntu: `apt install python3-dev`; Fedora: `dnf \
             install python3-devel`), or build with another one: `--python`"
                .to_owned(),
        );
    }
    Some(format!(
        "install the development files of the library that `{header}` belongs to, or correct the path to it"
    ))
}

fn missing_compiler(said: &Said<'_>) -> Option<String> {
    let absent = ["No such file or directory", "command not found", ": not found"];
    // `command 'gcc' failed: No such file or directory`, `unable to execute 'cc'`, `linker `cc` not found`.
    let names_one = |line: &str| {
        let is_absent = absent.iter().any(|words| line.contains(words));
        let can_not_start = line.contains("unable to execute") || line.contains("linker `");
        let mut words = line.split(|c: char| c.is_whitespace() || "'\"`:,;".contains(c));
        (is_absent || can_not_start) && words.any(is_compiler)
    };
    let signs = [
        "Unknown compiler(s)",
        "No CMAKE_C_COMPILER could be found",
        "No CMAKE_CXX_COMPILER",
    ];
    (said.all().any(names_one) || said.has_any(&signs)).then(|| {
        "this project is partly written in C: install a compiler (Debian and Ubuntu: `apt install build-essential`; \
         Fedora: `dnf install gcc gcc-c++`; macOS: `xcode-select --install`), or name one in the variable `CC`"
            .to_owned()
    })
}

fn missing_rust(said: &Said<'_>) -> Option<String> {
    let signs = [
        "can't find Rust compiler",
        "rustc, the rust compiler, is not installed",
    ];
    let no_cargo = said.all().any(|line| {
        line.contains("cargo") && (line.contains("not installed") || line.contains("No such file"))
    });
    (no_cargo || said.has_any(&signs)).then(|| {
        "this project is partly written in Rust: install its compiler, such as by <https://rustup.rs>"
            .to_owned()
    })
}

/// A compiler that runs and finds a fault: its first complaint says more than the backend's last.
fn compiler_error(said: &Said<'_>) -> Option<String> {
    // `command '/usr/bin/gcc' failed with exit code 1`, `Command '['gcc', ...]' returned non-zero exit status 1.`
    let program = said.all().find_map(|line| {
        between(line, "ommand '['", "'").or_else(|| between(line, "command '", "' failed with"))
    })?;
    if !is_compiler(program) {
        return None;
    }
    let first = said
        .lines
        .iter()
        .find(|line| line.contains(": error: ") || line.contains(": fatal error: "))?;
    Some(format!("correct what the compiler found first: {}", first.trim()))
}

fn untrusted_certificate(said: &Said<'_>) -> Option<String> {
    let signs = [
        "CERTIFICATE_VERIFY_FAILED",
        "invalid peer certificate",
        "SSLCertVerificationError",
    ];
    said.has_any(&signs).then(|| {
        format!(
            "its certificate is not trusted here: name its authority's file in `PIP_CERT` (uv: `SSL_CERT_FILE`); {}",
            said.asked()
        )
    })
}

fn refused_login(said: &Said<'_>) -> Option<String> {
    said.installer?;
    let signs = [
        "401 Error",
        "401 Client Error",
        "401 Unauthorized",
        "403 Client Error",
        "403 Forbidden",
        "User for ",
    ];
    said.has_any(&signs).then(|| {
        format!(
            "the index wants a user and a password: `pkgctl configure` writes them where installers look; {}",
            said.asked()
        )
    })
}

fn unreachable_index(said: &Said<'_>) -> Option<String> {
    said.installer?;
    let signs = [
        "Failed to establish a new connection",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Max retries exceeded",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "Connection refused",
        "Connection to ",
        "error sending request",
        "tcp connect error",
        "dns error",
    ];
    said.has_any(&signs).then(|| {
        format!(
            "the index does not answer: check the network and its address; {}",
            said.asked()
        )
    })
}

fn wrong_python(said: &Said<'_>) -> Option<String> {
    const IGNORED: &str = "Ignored the following versions that require a different python version: ";
    let line = said
        .line_with(&["requires a different Python"])
        .or_else(|| said.line_with(&["does not satisfy Python"]));
    // `3.11.7 not in '>=3.13'`, `does not satisfy Python>=3.13 and a==1 depends on Python>=3.13`.
    let told = line.map(|line| {
        between(line, "not in '", "'")
            .or_else(|| between(line, "satisfy Python", " "))
            .unwrap_or_default()
    });
    let ignored = || {
        let (_, ignored) = said.line_with(&[IGNORED])?.split_once(IGNORED)?;
        let pinned = said
            .line_with(&["No matching distribution found for ", "=="])
            .and_then(|line| line.rsplit_once("=="))
            .map(|(_, version)| version.trim());
        // `2.5.0 Requires-Python >=3.12; 2.5.1 Requires-Python >=3.12`
        ignored
            .split("; ")
            .filter_map(|version| version.split_once(" Requires-Python "))
            .filter(|(version, _)| pinned.is_none_or(|pinned| pinned == *version))
            .last()
            .map(|(_, wanted)| wanted)
    };
    Some(match told.or_else(ignored)? {
        "" => "build with another Python: `--python VERSION`".to_owned(),
        wanted => format!("build with a Python that is {wanted}: `--python VERSION` chooses one"),
    })
}

fn missing_distribution(said: &Said<'_>) -> Option<String> {
    said.installer?;
    let signs = [
        "No matching distribution found",
        "was not found in the package registry",
        "was not found in the provided package locations",
        "there is no version of",
        "there are no versions of",
    ];
    let only = said.has_any(&["only the following versions of", "from versions: "])
        && !said.has_any(&["from versions: none"]);
    if !only && !said.has_any(&signs) {
        return None;
    }
    // It has no login, or the wrong one, and does not say so.
    let may_be_refused = said.installer == Some("pip") && said.has_any(&["from versions: none"]);
    let more = if may_be_refused {
        "; pip says the same of an index that wants a password: `pkgctl doctor` tells"
    } else {
        ""
    };
    Some(format!(
        "check its name and version in `requires` of pyproject.toml, and that this index has it: {}{more}",
        said.asked()
    ))
}

/// A build requirement that has no wheel and does not build either.
fn failed_dependency(said: &Said<'_>) -> Option<String> {
    said.installer?;
    let signs = [
        "Failed building wheel for",
        "Failed to build",
        "metadata-generation-failed",
        "failed-wheel-build",
    ];
    said.has_any(&signs).then(|| {
        "one of the build requirements has no wheel for this Python and could not be built: try another version of \
         it, or another interpreter with `--python`"
            .to_owned()
    })
}

/// What was there when the sdist was built, and is not in it.
fn missing_from_sdist(said: &Said<'_>) -> Option<String> {
    if !said.is_from_sdist {
        return None;
    }
    let missing = between(said.reason, "No such file or directory: '", "'")
        .or_else(|| between(said.reason, "does not exist: ", " "))
        .or_else(|| said.reason.split_once("does not exist: ").map(|(_, path)| path))?;
    if missing.starts_with('/') && !missing.contains("/unpacked/") {
        return None;
    }
    let name = missing.rsplit_once("/unpacked/").map_or(missing, |(_, inside)| {
        inside.split_once('/').map_or(inside, |(_, path)| path)
    });
    Some(format!(
        "the sdist has no `{name}`, which building its wheel needs: add it to the sdist (setuptools: the line \
         `include {name}` in MANIFEST.in)"
    ))
}

fn version_from_version_control(said: &Said<'_>) -> Option<String> {
    let signs = [
        "unable to detect version",
        "Unable to determine version",
        "Error getting the version from source `vcs`",
    ];
    said.has_any(&signs).then(|| {
        "the version comes from version control: build in a full checkout with its tags, or name the version in \
         `SETUPTOOLS_SCM_PRETEND_VERSION`"
            .to_owned()
    })
}

fn several_packages(said: &Said<'_>) -> Option<String> {
    said.has_any(&["Multiple top-level packages discovered", "Multiple top-level modules discovered"])
        .then(|| {
            "say in pyproject.toml which of them belong to the project: `[tool.setuptools] packages = [\"NAME\"]`, \
             or `py-modules`"
                .to_owned()
        })
}

fn no_packages_to_ship(said: &Said<'_>) -> Option<String> {
    said.has_any(&["Unable to determine which files to ship inside the wheel"])
        .then(|| {
            "name the package's folder: `[tool.hatch.build.targets.wheel] packages = [\"src/NAME\"]` in pyproject.toml"
                .to_owned()
        })
}

fn no_right_to_write(said: &Said<'_>) -> Option<String> {
    let signs = [
        "Permission denied: '",
        "Read-only file system: '",
        "could not create '",
    ];
    let line = signs
        .iter()
        .find_map(|sign| said.line_with(&[sign]).map(|line| (line, sign)));
    let path = line.and_then(|(line, sign)| between(line, sign, "'"))?;
    Some(format!(
        "the backend writes into the project's folder: make `{path}` writable for you, or build a copy of the project"
    ))
}

/// setuptools' complaint about a value in pyproject.toml, whose second line says what is wrong with it.
fn invalid_table(said: &Said<'_>) -> Option<String> {
    let (_, key) = said
        .line_with(&["invalid pyproject.toml config: "])?
        .split_once("config: ")?;
    let fault = said.line_with(&["configuration error: "])?;
    let (_, fault) = fault.split_once("configuration error: ")?;
    Some(format!(
        "correct {} in pyproject.toml: {fault}",
        key.trim_end_matches('.')
    ))
}

/// A file of the project that is no Python; setuptools runs `setup.py` under the name `<string>`.
fn syntax_error(said: &Said<'_>) -> Option<String> {
    let is_syntax = ["SyntaxError", "IndentationError", "TabError"]
        .iter()
        .any(|kind| said.reason.starts_with(kind));
    let place = said
        .lines
        .iter()
        .rev()
        .find(|line| line.trim_start().starts_with("File \""))?;
    let file = between(place, "File \"", "\"")?;
    let (_, line) = place.split_once(", line ")?;
    let line = line.split(',').next().unwrap_or(line);
    let file = if file == "<string>" { "setup.py" } else { file };
    is_syntax.then(|| format!("mend line {line} of `{file}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(reason: &str, lines: &str) -> String {
        let said = Said {
            reason,
            lines: lines.lines().map(str::to_owned).collect(),
            installer: Some("pip"),
            index: Some("`http://h/simple/`".to_owned()),
            is_from_sdist: true,
        };
        remedy(&said).unwrap_or_default()
    }

    /// Words of programs that the integration tests can't have; the others are tested with the programs themselves.
    #[test]
    fn words_of_many_programs_are_known() {
        for (reason, lines, knows) in [
            (
                "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory",
                "",
                "install a compiler",
            ),
            (
                "x",
                "unable to execute 'clang-17': No such file",
                "install a compiler",
            ),
            ("x", "error: linker `cc` not found", "install a compiler"),
            (
                "x",
                "../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc']]",
                "install a compiler",
            ),
            (
                "x",
                "a.c:1:10: fatal error: 'Python.h' file not found",
                "python3-dev",
            ),
            (
                "x",
                "a.c:1:10: fatal error: ffi.h: No such file or directory",
                "`ffi.h`",
            ),
            ("error: can't find Rust compiler", "", "rustup"),
            ("OSError: [Errno 28] No space left on device: '/x'", "", "disk"),
            (
                "LookupError: setuptools-scm was unable to detect version for /x",
                "",
                "version control",
            ),
            (
                "ERROR: Package 'a' requires a different Python: 3.11.7 not in '>=3.13'",
                "",
                "that is >=3.13:",
            ),
            (
                "x",
                "HTTP error: 401 Unauthorized for url (http://h/simple/a/)",
                "pkgctl configure",
            ),
            ("x", "invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
            ("[Errno 13] Permission denied: 'a.egg-info'", "", "`a.egg-info`"),
        ] {
            let found = hint(reason, lines);
            assert!(found.contains(knows), "{reason} {lines}: {found}");
        }
    }

    #[test]
    fn only_a_version_that_was_ignored_is_one_for_another_python() {
        let lines = "Ignored the following versions that require a different python version: 1.0 Requires-Python <3; \
                     2.0 Requires-Python >=3.12; 2.1 Requires-Python >=3.13\nNo matching distribution found for a";
        assert!(hint("x", &format!("{lines}==2.0")).contains("that is >=3.12:"));
        assert!(hint("x", &format!("{lines}>=2")).contains("that is >=3.13:"));
        assert!(hint("x", &format!("{lines}==9")).contains("check its name and version"));
    }

    #[test]
    fn innocent_words_are_no_symptoms() {
        for (reason, lines) in [
            (
                "ValueError: no luck",
                "gcc -c a.c\ncc: note: all is well\nCollecting requests",
            ),
            (
                "FileNotFoundError: [Errno 2] No such file or directory: '/etc/nothing'",
                "",
            ),
            ("x", "copying account.py -> build"),
        ] {
            assert_eq!(hint(reason, lines), "", "{reason} {lines}");
        }
    }

    #[test]
    fn compilers_are_known_by_any_name() {
        for name in [
            "gcc",
            "/usr/bin/cc",
            "x86_64-linux-gnu-g++-12",
            "clang-17",
            "aarch64-apple-clang++",
        ] {
            assert!(is_compiler(name), "{name}");
        }
        for name in ["acc", "gcc.py", "rustc", "python", ""] {
            assert!(!is_compiler(name), "{name}");
        }
    }
}
