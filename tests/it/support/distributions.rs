//! Made-up distributions: small wheels and sdists that every index and installer accepts, each made different in
//! one respect where a test wants that. The same builder gives the same bytes every time.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A wheel of one empty module, for any Python.
pub(crate) fn wheel(name: &str, version: &str) -> Builder {
    Builder::new(Kind::Wheel, name, version)
}

/// An sdist of the same, which setuptools can build.
pub(crate) fn sdist(name: &str, version: &str) -> Builder {
    Builder::new(Kind::Sdist, name, version)
}

/// The digest in hexadecimal, computed without the code under test.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Distribution {
    pub(crate) filename: String,
    pub(crate) bytes: Vec<u8>,
}

impl Distribution {
    /// Hexadecimal, as pages and forms carry it.
    pub(crate) fn sha256(&self) -> String {
        sha256(&self.bytes)
    }

    /// The same bytes under another name.
    pub(crate) fn renamed(self, filename: &str) -> Self {
        Self {
            filename: filename.to_owned(),
            ..self
        }
    }

    /// Writes it under its own name into `folder`, which is made when it is absent.
    pub(crate) fn write_into(&self, folder: impl AsRef<Path>) -> PathBuf {
        fs::create_dir_all(&folder).unwrap();
        let path = folder.as_ref().join(&self.filename);
        fs::write(&path, &self.bytes).unwrap();
        path
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wheel,
    Sdist,
}

/// What the distribution is to be like.
#[derive(Clone)]
pub(crate) struct Builder {
    kind: Kind,
    name: String,
    version: String,
    metadata_version: String,
    tags: String,
    headers: Vec<(String, String)>,
    description: String,
    metadata: Option<Vec<u8>>,
    files: Vec<(String, Vec<u8>)>,
    filename: Option<String>,
}

impl Builder {
    fn new(kind: Kind, name: &str, version: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            metadata_version: "2.1".to_owned(),
            tags: "py3-none-any".to_owned(),
            headers: Vec::new(),
            description: "A description.\n".to_owned(),
            metadata: None,
            files: Vec::new(),
            filename: None,
        }
    }

    pub(crate) fn metadata_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.metadata_version);
        self
    }

    pub(crate) fn requires_python(self, specifier: &str) -> Self {
        self.header("Requires-Python", specifier)
    }

    pub(crate) fn requires(self, requirement: &str) -> Self {
        self.header("Requires-Dist", requirement)
    }

    /// One more header of the metadata; a repeated name is a repeated header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body of the metadata.
    pub(crate) fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// The whole of METADATA or PKG-INFO, however wrong.
    pub(crate) fn metadata(mut self, text: impl AsRef<[u8]>) -> Self {
        self.metadata = Some(text.as_ref().to_owned());
        self
    }

    /// A wheel's python, ABI and platform tags, joined by dashes; a build tag may stand in front.
    pub(crate) fn tags(mut self, tags: &str) -> Self {
        tags.clone_into(&mut self.tags);
        self
    }

    /// One more file of the project.
    pub(crate) fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), bytes.as_ref().to_owned()));
        self
    }

    /// Makes it about that many bytes larger, by data that no compression shrinks; `seed` tells two apart.
    pub(crate) fn padding(self, bytes: usize, seed: u64) -> Self {
        let module = self.part();
        self.file(&format!("{module}/padding.bin"), noise(bytes, seed))
    }

    /// Another file name than the content's own.
    pub(crate) fn filename(mut self, filename: &str) -> Self {
        self.filename = Some(filename.to_owned());
        self
    }

    pub(crate) fn build(self) -> Distribution {
        let (filename, bytes) = match self.kind {
            Kind::Wheel => (
                format!("{}-{}.whl", self.stem(), self.tags),
                zip_of(&self.wheel_files()),
            ),
            Kind::Sdist => (format!("{}.tar.gz", self.stem()), tar_gz_of(&self.sdist_files())),
        };
        Distribution {
            filename: self.filename.unwrap_or(filename),
            bytes,
        }
    }

    /// The name as file names and modules spell it.
    fn part(&self) -> String {
        let lower = self.name.to_lowercase();
        let words: Vec<&str> = lower
            .split(['-', '_', '.'])
            .filter(|word| !word.is_empty())
            .collect();
        words.join("_")
    }

    fn stem(&self) -> String {
        format!("{}-{}", self.part(), self.version)
    }

    fn metadata_bytes(&self) -> Vec<u8> {
        if let Some(metadata) = &self.metadata {
            return metadata.clone();
        }
        let mut text = format!(
            "Metadata-Version: {}\nName: {}\nVersion: {}\n",
            self.metadata_version, self.name, self.version
        );
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push('\n');
        text.push_str(&self.description);
        text.into_bytes()
    }

    fn wheel_files(&self) -> Vec<(String, Vec<u8>)> {
        let info = format!("{}.dist-info", self.stem());
        let (build, tags) = match self.tags.split('-').count() {
            4 => self.tags.split_once('-').unwrap(),
            _ => ("", self.tags.as_str()),
        };
        let mut wheel = "Wheel-Version: 1.0\nGenerator: pkgctl-tests 1.0\nRoot-Is-Purelib: true\n".to_owned();
        if !build.is_empty() {
            wheel.push_str(&format!("Build: {build}\n"));
        }
        let [pythons, abis, platforms] = tags.split('-').collect::<Vec<_>>()[..] else {
            panic!("`{tags}` are not three tags")
        };
        for python in pythons.split('.') {
            for abi in abis.split('.') {
                for platform in platforms.split('.') {
                    wheel.push_str(&format!("Tag: {python}-{abi}-{platform}\n"));
                }
            }
        }
        let mut files = vec![(
            format!("{}/__init__.py", self.part()),
            format!("__version__ = \"{}\"\n", self.version).into_bytes(),
        )];
        files.extend(self.files.iter().cloned());
        files.push((format!("{info}/METADATA"), self.metadata_bytes()));
        files.push((format!("{info}/WHEEL"), wheel.into_bytes()));
        let record = record_of(&files, &format!("{info}/RECORD"));
        files.push((format!("{info}/RECORD"), record));
        files
    }

    fn sdist_files(&self) -> Vec<(String, Vec<u8>)> {
        let pyproject = format!(
            "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n\
             [project]\nname = \"{}\"\nversion = \"{}\"\n\n[tool.setuptools]\npackages = [\"{}\"]\n",
            self.name,
            self.version,
            self.part()
        );
        let module = format!("{}/__init__.py", self.part());
        let mut files = vec![
            ("PKG-INFO".to_owned(), self.metadata_bytes()),
            ("pyproject.toml".to_owned(), pyproject.into_bytes()),
            (
                module,
                format!("__version__ = \"{}\"\n", self.version).into_bytes(),
            ),
        ];
        files.extend(self.files.iter().cloned());
        let top = self.stem();
        files
            .into_iter()
            .map(|(path, bytes)| (format!("{top}/{path}"), bytes))
            .collect()
    }
}

/// The RECORD of `files`: path, sha256 in URL-safe base64 without padding, size; itself without either.
fn record_of(files: &[(String, Vec<u8>)], own_path: &str) -> Vec<u8> {
    let mut text = String::new();
    for (path, bytes) in files {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        text.push_str(&format!("{path},sha256={digest},{}\n", bytes.len()));
    }
    text.push_str(&format!("{own_path},,\n"));
    text.into_bytes()
}

/// A zip of stored entries, written by hand so that it doesn't lean on what is tested.
pub(crate) fn zip_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    // 1980-01-01 00:00, the earliest time that the format knows.
    const TIME_AND_DATE: [u8; 4] = [0, 0, 0x21, 0];
    // A regular file with mode 0644, in the upper half as Unix writes it.
    const MODE: u32 = 0o100_644 << 16;
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (path, bytes) in files {
        let offset = small(archive.len());
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0]); // version needed 2.0, no flags, stored
        common.extend(TIME_AND_DATE);
        common.extend(crc32fast::hash(bytes).to_le_bytes());
        common.extend(small(bytes.len()).to_le_bytes());
        common.extend(small(bytes.len()).to_le_bytes());
        common.extend(u16::try_from(path.len()).unwrap().to_le_bytes());
        common.extend([0, 0]); // no extra field
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(path.as_bytes());
        archive.extend(bytes);
        directory.extend(b"PK\x01\x02");
        directory.extend([20, 3]); // made by version 2.0 on Unix
        directory.extend(&common);
        directory.extend([0; 6]); // no comment, first disk, no internal attributes
        directory.extend(MODE.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(path.as_bytes());
    }
    let directory_offset = small(archive.len());
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend(small(directory.len()).to_le_bytes());
    archive.extend(directory_offset.to_le_bytes());
    archive.extend([0, 0]); // no comment
    archive
}

fn small(length: usize) -> u32 {
    u32::try_from(length).unwrap()
}

/// A gzip-compressed tar whose entries carry no time and no owner.
pub(crate) fn tar_gz_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    let tar = archive.into_inner().unwrap();
    let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    gzip.finish().unwrap()
}

/// Bytes that no compression shrinks, by the xorshift64* generator.
fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        noise.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// The builders are sound only if Python's own readers say so.
#[test]
fn made_up_distributions_are_sound() {
    let bed = super::Testbed::new();
    let folder = bed.path("dist");
    let wheel = wheel("My.Lib", "1.0")
        .metadata_version("2.4")
        .requires_python(">=3.8")
        .requires("requests>=2")
        .description("Hello.\n")
        .tags("1-py2.py3-none-any")
        .file("my_lib/data.txt", "data")
        .padding(1000, 1)
        .build();
    assert_eq!(wheel.filename, "my_lib-1.0-1-py2.py3-none-any.whl");
    let sdist = sdist("My.Lib", "1.0").padding(1000, 1).build();
    assert_eq!(sdist.filename, "my_lib-1.0.tar.gz");
    let check = r#"
import base64, csv, hashlib, io, sys, tarfile, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    assert wheel.testzip() is None
    names = wheel.namelist()
    rows = list(csv.reader(io.StringIO(wheel.read("my_lib-1.0.dist-info/RECORD").decode())))
    assert [row[0] for row in rows] == names, (rows, names)
    for name, digest, size in rows[:-1]:
        data = wheel.read(name)
        assert int(size) == len(data)
        right = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert digest == "sha256=" + right
    print(wheel.read("my_lib-1.0.dist-info/METADATA").decode(), end="")
with tarfile.open(sys.argv[2], "r:gz") as sdist:
    assert sdist.getnames()[0] == "my_lib-1.0/PKG-INFO", sdist.getnames()
    assert len(sdist.extractfile("my_lib-1.0/my_lib/padding.bin").read()) == 1000
"#;
    let mut python = bed.program("python3");
    python.args(["-c", check]);
    python.args([wheel.write_into(&folder), sdist.write_into(&folder)]);
    let outcome = super::Outcome::of(&mut python).expect_code(0);
    let metadata = "Metadata-Version: 2.4\nName: My.Lib\nVersion: 1.0\nRequires-Python: >=3.8\n\
                    Requires-Dist: requests>=2\n\nHello.\n";
    assert_eq!(outcome.stdout, metadata);
}
