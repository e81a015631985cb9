//! Walks a gzip-compressed tar from its first header to the end of the file.
//!
//! Readers of tars differ in what they do with contradictions: which size counts, to which header an extension
//! belongs, what a broken header ends. What passes here holds no contradiction.

use std::io::{Read, Seek, SeekFrom};

use super::error::{Error, Judge, Rule};
use super::gunzip::Gunzip;
use super::links::Links;
use super::member::{Flow, Kind, Member, Visitor, clean_path, is_windows_trouble};
use super::meter::OutputMeter;
use super::pax::{self, Overrides};
use super::tar_header::{BLOCK_BYTES, Block, Header, Type, shown_path};
use super::tree::{Inserted, Node, Tree};

const OUTPUT_BUFFER_BYTES: usize = 64 * 1024;

/// Shows all members of the tar in `file` to `visitor`, in their order.
pub(super) fn walk(
    mut file: impl Read + Seek,
    judge: &mut Judge<'_>,
    visitor: &mut impl Visitor,
) -> Result<(), Error> {
    let file_bytes = file.seek(SeekFrom::End(0)).map_err(Error::Read)?;
    file.seek(SeekFrom::Start(0)).map_err(Error::Read)?;
    let meter = OutputMeter::new(file_bytes, judge.limits.max_sdist_unpacked_bytes, judge.limits);
    let mut walker = Walker {
        source: Gunzip::open(file, meter)?,
        tree: Tree::new(judge.limits.max_members),
        links: Links::default(),
        members: 0,
        extensions: 0,
        buffer: vec![0; OUTPUT_BUFFER_BYTES],
    };
    walker.walk(judge, visitor)
}

struct Walker<R> {
    source: Gunzip<R>,
    tree: Tree,
    links: Links,
    members: usize,
    extensions: usize,
    buffer: Vec<u8>,
}

/// What extension headers say about the next member.
#[derive(Default)]
struct Pending {
    pax: Option<Overrides>,
    long_name: Option<String>,
    long_link: Option<String>,
}

impl<R: Read> Walker<R> {
    fn walk(&mut self, judge: &mut Judge<'_>, visitor: &mut impl Visitor) -> Result<(), Error> {
        let mut pending = Pending::default();
        let mut awaits_member = false;
        while let Some(block) = self.next_block(judge)? {
            let shown = shown_path(&block);
            let header =
                Header::parse(&block).map_err(|rule| match (rule, self.members + self.extensions) {
                    // A first block without a right checksum is not that of a tar at all.
                    (Rule::HeaderChecksum, 0) => Error::archive(Rule::NotTarGz),
                    (rule, _) => Error::member(&shown, rule),
                })?;
            awaits_member = header.kind.is_extension();
            if awaits_member {
                self.extend(&header, &shown, &mut pending, judge)?;
            } else {
                let flow = self.member(header, &shown, std::mem::take(&mut pending), judge, visitor)?;
                if flow == Flow::Stop {
                    return Ok(());
                }
            }
        }
        // Python takes the whole archive for broken then, even behind a harmless global header.
        if awaits_member {
            return Err(Error::archive(Rule::ExtensionOrder));
        }
        self.links.check(judge.limits.max_links)
    }

    /// The next header block; `None` at the end, when nothing but zeros has followed up to the end of the file.
    fn next_block(&mut self, judge: &mut Judge<'_>) -> Result<Option<Block>, Error> {
        let mut block = [0; BLOCK_BYTES];
        match self.source.read_full(&mut block)? {
            0 if self.members + self.extensions == 0 => return Err(Error::archive(Rule::NotTarGz)),
            0 => {
                judge.archive(judge.limits.policy.missing_end_markers, Rule::NoEndMarker)?;
                return Ok(None);
            }
            BLOCK_BYTES => {}
            _ => return Err(Error::archive(Rule::Cut)),
        }
        if block.iter().any(|&byte| byte != 0) {
            return Ok(Some(block));
        }
        loop {
            let read = self.source.read(&mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            if self.buffer[..read].iter().any(|&byte| byte != 0) {
                return Err(Error::archive(Rule::AfterEnd));
            }
        }
    }

    /// Reads an extension header. At most one PAX header, or GNU's long name and long link, may stand before a
    /// member: in any other order readers disagree about which header an extension belongs to.
    fn extend(
        &mut self,
        header: &Header,
        shown: &str,
        pending: &mut Pending,
        judge: &Judge<'_>,
    ) -> Result<(), Error> {
        let refuse = |rule| Error::member(shown, rule);
        let is_free = match header.kind {
            Type::LongName => pending.pax.is_none() && pending.long_name.is_none(),
            Type::LongLink => pending.pax.is_none() && pending.long_link.is_none(),
            _ => pending.is_empty(),
        };
        if !is_free {
            return Err(refuse(Rule::ExtensionOrder));
        }
        // A member may have two of them.
        let limit = judge.limits.max_members;
        self.extensions += 1;
        if self.extensions > limit.saturating_mul(2) {
            return Err(Error::archive(Rule::TooManyMembers { limit }));
        }
        let limit_bytes = judge.limits.max_pax_bytes;
        if header.bytes > limit_bytes {
            return Err(refuse(Rule::PaxTooLarge { limit_bytes }));
        }
        let mut content = Vec::new();
        self.read_data(header.bytes, &mut |bytes| {
            content.extend_from_slice(bytes);
            Ok(())
        })?;
        match header.kind {
            Type::Pax => pending.pax = Some(Overrides::parse(&content).map_err(refuse)?),
            Type::LongName => pending.long_name = Some(long_text(&content).map_err(refuse)?),
            Type::LongLink => pending.long_link = Some(long_text(&content).map_err(refuse)?),
            _ => pax::check_global(&content).map_err(refuse)?,
        }
        Ok(())
    }

    fn member(
        &mut self,
        header: Header,
        shown: &str,
        pending: Pending,
        judge: &mut Judge<'_>,
        visitor: &mut impl Visitor,
    ) -> Result<Flow, Error> {
        let resolved = Resolved::new(header, pending, judge).map_err(|rule| Error::member(shown, rule))?;
        if resolved.path.is_empty() {
            // `./`, the folder that everything is in.
            return match resolved.kind {
                Type::Folder => Ok(Flow::Continue),
                _ => Err(Error::member(shown, Rule::PathEmpty)),
            };
        }
        let path = resolved.path.as_str();
        let limit = judge.limits.max_members;
        if self.members >= limit {
            return Err(Error::archive(Rule::TooManyMembers { limit }));
        }
        self.check_place(&resolved, judge)?;
        let kind = match resolved.kind {
            Type::Folder => Kind::Folder,
            Type::Symlink => Kind::Symlink {
                target: &resolved.target,
            },
            Type::HardLink => Kind::HardLink {
                target: &resolved.target,
            },
            _ => Kind::File {
                bytes: resolved.bytes,
            },
        };
        let member = Member {
            index: self.members,
            path,
            kind,
            modified: resolved.modified,
            executable: resolved.mode & 0o100 != 0,
            mode: resolved.mode,
        };
        visitor.begin(&member, judge)?;
        self.members += 1;
        self.read_data(resolved.bytes, &mut |bytes| visitor.data(bytes))?;
        visitor.end(judge)
    }

    fn check_place(&mut self, member: &Resolved, judge: &mut Judge<'_>) -> Result<(), Error> {
        let path = member.path.as_str();
        let refuse = |rule| Error::member(path, rule);
        let node = match member.kind {
            Type::Folder => Node::Folder,
            Type::Symlink => {
                self.links
                    .add(path, &member.target, judge.limits.max_links)
                    .map_err(refuse)?;
                Node::Symlink
            }
            Type::HardLink if self.tree.at(&member.target) != Some(Node::File) => {
                return Err(refuse(Rule::LinkTarget));
            }
            _ => Node::File,
        };
        if self.tree.insert(path, node).map_err(refuse)? == Inserted::CaseCollision {
            judge.member(judge.limits.policy.case_collisions, path, Rule::CaseCollision)?;
        }
        if member.mode & 0o7000 != 0 {
            judge.member(judge.limits.policy.special_modes, path, Rule::SpecialMode)?;
        }
        if is_windows_trouble(path) {
            judge.member(judge.limits.policy.windows_names, path, Rule::WindowsName)?;
        }
        Ok(())
    }

    /// Hands out `bytes` bytes and skips the padding behind them.
    fn read_data(
        &mut self,
        bytes: u64,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.source.check_room(bytes)?;
        let mut remaining = bytes;
        while remaining > 0 {
            let most = usize::try_from(remaining)
                .unwrap_or(usize::MAX)
                .min(self.buffer.len());
            let read = self.source.read(&mut self.buffer[..most])?;
            if read == 0 {
                return Err(Error::archive(Rule::Cut));
            }
            sink(&self.buffer[..read])?;
            remaining -= read as u64;
        }
        let over = usize::try_from(bytes % BLOCK_BYTES as u64).unwrap_or(0);
        let padding = (BLOCK_BYTES - over) % BLOCK_BYTES;
        if self.source.read_full(&mut self.buffer[..padding])? != padding {
            return Err(Error::archive(Rule::Cut));
        }
        Ok(())
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }
}

/// A member after its extension headers have been applied.
struct Resolved {
    kind: Type,
    /// Clean; empty for the root.
    path: String,
    /// As written for symbolic links, clean for hard links.
    target: String,
    bytes: u64,
    mode: u64,
    modified: i64,
}

impl Resolved {
    fn new(header: Header, pending: Pending, judge: &Judge<'_>) -> Result<Self, Rule> {
        let pax = pending.pax.unwrap_or_default();
        if pax.bytes.is_some_and(|bytes| bytes != header.bytes) {
            return Err(Rule::PaxSize);
        }
        let raw_path = match pax.path.or(pending.long_name) {
            Some(path) => path,
            None => String::from_utf8(header.path).map_err(|_| Rule::PathNotUtf8)?,
        };
        let raw_target = match pax.target.or(pending.long_link) {
            Some(target) => target,
            None => String::from_utf8(header.target).map_err(|_| Rule::PathNotUtf8)?,
        };
        if raw_path.ends_with('/') && header.kind != Type::Folder {
            return Err(Rule::PathUnclean);
        }
        let path = clean_path(&raw_path, judge.limits)?;
        let target = match header.kind {
            Type::HardLink => clean_path(&raw_target, judge.limits)?,
            Type::Symlink => check_target(raw_target, judge)?,
            _ => String::new(),
        };
        Ok(Self {
            kind: header.kind,
            path,
            target,
            bytes: header.bytes,
            mode: header.mode,
            modified: pax.modified.unwrap_or(header.modified),
        })
    }
}

/// The characters of a symbolic link's target; where it leads is decided when all links are known.
fn check_target(target: String, judge: &Judge<'_>) -> Result<String, Rule> {
    if target.len() > judge.limits.max_path_bytes {
        return Err(Rule::PathTooLong {
            limit_bytes: judge.limits.max_path_bytes,
        });
    }
    if target.chars().any(|c| c.is_control() || c == '\\') {
        return Err(Rule::LinkEscapes);
    }
    Ok(target)
}

/// GNU's long names end in one NUL.
fn long_text(content: &[u8]) -> Result<String, Rule> {
    let text = content.strip_suffix(b"\0").unwrap_or(content);
    if text.contains(&0) {
        return Err(Rule::PathControl);
    }
    String::from_utf8(text.to_vec()).map_err(|_| Rule::PathNotUtf8)
}
