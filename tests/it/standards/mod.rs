//! The packaging standards as a checklist, asked of the real server over HTTP. Each test's name begins with its line:
//!
//! 1. pip, uv, poetry and pdm each get JSON; a browser, curl without Accept and `*/*` get HTML; `q=0` on JSON yields
//!    HTML; `latest+json` is answered as v1; a space after `;` parses; Vary is there on 200 and 304.
//! 2. `/simple/Foo.Bar` and `/simple/foo_bar/` end at `/simple/foo-bar/`; relative addresses of files hold after that.
//! 3. No null for yanked, size, upload-time, project-status; upload-time ends in `Z`; hashes are always an object; a file's
//!    name is the last part of its address; the `+` of a local version is encoded, and served back.
//! 4. HTML says 1.4; values of attributes are escaped.
//! 5. `FILE.metadata` is METADATA byte for byte, and its sha256 is the page's.
//! 6. HEAD, ranges, If-Range, validators and 416 work on files; no Content-Encoding there.
//! 7. What was uploaded just now is visible to pip and uv at once.
//! 8. uv, twine, poetry and pdm upload a wheel with metadata 2.6 and an sdist with 2.4; what is shown comes from the archive.
//! 9. The same bytes again are success, others are refused with "already exists" where each client looks for it, and the
//!    stored file stays; of identical uploads at once one file comes.
//! 10. What is damaged, mislabelled or an attack is refused and leaves nothing.
//! 11. A name that was deleted does not come back with other bytes; a yank is in HTML and JSON, and goes again.
//! 12. 401 with a challenge where credentials are missing, 404 for what isn't there, `__token__` as any user.
//! 13. An archived project takes no uploads and serves its files; a quarantined one offers none.
//! 14. Forms with attestations, signatures, unknown and empty fields, in any order, without a protocol version.
//! 15. Unknown tags, variants, unknown headers, SBOMs and METADATA.json: stored and served, or refused with a reason.

mod access; // 12, 13
mod at_once; // 7
mod files; // 5, 6
mod pages; // 1 to 4
mod refusals; // 9 to 11
mod uploads; // 8, 14, 15
