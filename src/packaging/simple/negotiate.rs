//! Which rendering a client wants: the `Accept` header by RFC 9110, read with PEP 691's media types.

/// A rendering of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/vnd.pypi.simple.v1+json`
    Json,
    /// `application/vnd.pypi.simple.v1+html`
    HtmlV1,
    /// `text/html`, the same bytes as [`Format::HtmlV1`].
    Html,
}

impl Format {
    /// The content type of the answer.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/vnd.pypi.simple.v1+json",
            Self::HtmlV1 => "application/vnd.pypi.simple.v1+html",
            Self::Html => "text/html; charset=utf-8",
        }
    }

    /// The format that a media type asks for, `latest` included; `None` when it is none of ours.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let media_type = media_type.trim();
        let known = MEDIA_TYPES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(media_type));
        known.map(|(_, format)| *format)
    }
}

/// What clients ask for, and what they mean by it.
const MEDIA_TYPES: [(&str, Format); 5] = [
    ("application/vnd.pypi.simple.v1+json", Format::Json),
    ("application/vnd.pypi.simple.latest+json", Format::Json),
    ("application/vnd.pypi.simple.v1+html", Format::HtmlV1),
    ("application/vnd.pypi.simple.latest+html", Format::HtmlV1),
    ("text/html", Format::Html),
];

/// Chooses the rendering for an `Accept` header; `None` means 406, nothing acceptable.
///
/// No header, an empty one or a bare `*/*` come from browsers, curl and old installers: they get HTML. Otherwise the
/// highest quality wins, and JSON wins a tie because it says more.
#[must_use]
pub fn choose_format(accept: Option<&str>) -> Option<Format> {
    let header = accept.map(str::trim).unwrap_or_default();
    if header.is_empty() || header == "*/*" {
        return Some(Format::Html);
    }
    if let Some((_, format)) = USUAL_ACCEPT.iter().find(|(usual, _)| *usual == header) {
        return Some(*format);
    }
    weigh(header)
}

/// What pip and uv say of pages, word for word, and what comes of it: they ask so often that it pays not to weigh it
/// each time.
const USUAL_ACCEPT: [(&str, Format); 4] = [
    (
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
        Format::Json,
    ),
    (
        "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
        Format::Json,
    ),
    ("application/vnd.pypi.simple.v1+json", Format::Json),
    ("text/html", Format::Html),
];

/// The format of the highest quality.
fn weigh(header: &str) -> Option<Format> {
    let qualities = Qualities::read(header);
    let mut best: Option<(u16, Format)> = None;
    // A later candidate must be strictly better, so the order here decides ties.
    for format in [Format::Json, Format::HtmlV1, Format::Html] {
        let quality = qualities.of(format);
        if quality > best.map_or(0, |(best, _)| best) {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format)
}

/// Whether the client takes a gzip-compressed body, by its `Accept-Encoding` header.
#[must_use]
pub fn accepts_gzip(accept_encoding: Option<&str>) -> bool {
    let Some(header) = accept_encoding else {
        return false;
    };
    let usual = USUAL_CODINGS.iter().find(|(usual, _)| *usual == header);
    usual.map_or_else(|| lists_gzip(header), |(_, accepted)| *accepted)
}

/// What pip, uv and others say, word for word.
const USUAL_CODINGS: [(&str, bool); 4] = [
    ("gzip, deflate", true),
    ("identity", false),
    ("gzip", true),
    ("gzip, deflate, br, zstd", true),
];

fn lists_gzip(accept_encoding: &str) -> bool {
    let mut any = None;
    for coding in accept_encoding.split(',') {
        let mut parts = coding.split(';');
        let name = parts.next().unwrap_or_default().trim();
        let accepted = parts.find_map(quality_parameter).unwrap_or(1000) > 0;
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return accepted;
        }
        if name == "*" {
            any = Some(accepted);
        }
    }
    any.unwrap_or(false)
}

/// One element of an `Accept` header.
struct MediaRange<'a> {
    media_type: &'a str,
    /// Thousandths.
    quality: u16,
}

impl<'a> MediaRange<'a> {
    /// Reads `type/subtype;q=0.5`; parameters other than `q` are ignored, as PEP 691's types have none.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';');
        let media_type = parts.next()?.trim();
        let quality = parts.find_map(quality_parameter).unwrap_or(1000);
        media_type.contains('/').then_some(Self { media_type, quality })
    }
}

/// A `q=` parameter in thousandths; an unreadable one counts as not acceptable rather than as preferred.
fn quality_parameter(parameter: &str) -> Option<u16> {
    let (key, value) = parameter.split_once('=')?;
    if !key.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !matches!(whole, "0" | "1") || fraction.len() > 3 || !digits(fraction) {
        return Some(0);
    }
    if whole == "1" {
        return Some(1000);
    }
    let digits = fraction.bytes().map(|digit| u16::from(digit - b'0'));
    Some(digits.zip([100, 10, 1]).map(|(digit, worth)| digit * worth).sum())
}

/// What a header says of our formats, in thousandths; `None` where it says nothing.
#[derive(Default)]
struct Qualities {
    /// By the very name, in the order of [`Format`]. `v1` and `latest` are equally exact; the better of the two counts.
    exact: [Option<u16>; 3],
    application: Option<u16>,
    text: Option<u16>,
    any: Option<u16>,
}

impl Qualities {
    fn read(header: &str) -> Self {
        let mut qualities = Self::default();
        for range in header.split(',').filter_map(MediaRange::parse) {
            qualities.take(&range);
        }
        qualities
    }

    /// Of what is said twice in general, the first counts.
    fn take(&mut self, range: &MediaRange<'_>) {
        let quality = range.quality;
        if let Some(format) = Format::from_media_type(range.media_type) {
            let exact = &mut self.exact[format as usize];
            *exact = (*exact).max(Some(quality));
        } else if range.media_type.eq_ignore_ascii_case("application/*") {
            self.application.get_or_insert(quality);
        } else if range.media_type.eq_ignore_ascii_case("text/*") {
            self.text.get_or_insert(quality);
        } else if range.media_type == "*/*" {
            self.any.get_or_insert(quality);
        }
    }

    /// The quality that the most specific matching range gives.
    fn of(&self, format: Format) -> u16 {
        let family = match format {
            Format::Json | Format::HtmlV1 => self.application,
            Format::Html => self.text,
        };
        self.exact[format as usize].or(family).or(self.any).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_client_gets_what_it_can_read_best() {
        let json = Some(Format::Json);
        let html = Some(Format::Html);
        let cases = [
            // pip 26, uv 0.13, poetry 2.5, a browser, curl
            (
                "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
                json,
            ),
            (
                "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
                json,
            ),
            ("application/vnd.pypi.simple.v1+json, */*;q=0.1", json),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                html,
            ),
            ("*/*", html),
            ("", html),
            // quality, specificity, case, `latest`
            ("application/vnd.pypi.simple.v1+json;q=0, text/html", html),
            ("application/vnd.pypi.simple.latest+json", json),
            ("application/vnd.pypi.simple.latest+html", Some(Format::HtmlV1)),
            ("APPLICATION/VND.PYPI.SIMPLE.V1+JSON", json),
            ("application/*", json),
            ("text/*", html),
            ("*/*;q=0.5, text/html;q=0.4", json),
            (
                "application/vnd.pypi.simple.v1+json;q=0.5, text/html;q=0.501",
                html,
            ),
            (
                "text/html;q=banana, application/vnd.pypi.simple.v1+html;q=0.001",
                Some(Format::HtmlV1),
            ),
            // nothing that we have
            ("application/json", None),
            ("application/vnd.pypi.simple.v2+json", None),
            ("text/html;q=0", None),
            ("nonsense", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(choose_format(Some(accept)), expected, "{accept}");
        }
        assert_eq!(choose_format(None), html);
    }

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        let cases = [
            (None, false),
            (Some("identity"), false),
            (Some("gzip, deflate"), true),
            (Some("gzip, deflate, zstd"), true),
            (Some("br;q=1.0, gzip;q=0"), false),
            (Some("*"), true),
            (Some("*;q=0"), false),
            (Some("deflate, GZIP;q=0.1"), true),
        ];
        for (header, expected) in cases {
            assert_eq!(accepts_gzip(header), expected, "{header:?}");
        }
    }

    #[test]
    fn what_is_usual_would_be_weighed_alike() {
        for (usual, format) in USUAL_ACCEPT {
            assert_eq!(weigh(usual), Some(format), "{usual}");
        }
        for (usual, accepted) in USUAL_CODINGS {
            assert_eq!(lists_gzip(usual), accepted, "{usual}");
        }
    }

    proptest! {
        #[test]
        fn white_space_around_any_header_means_nothing(header in "[ -~]{0,80}") {
            let spaced = format!(" {header}\t");
            prop_assert_eq!(choose_format(Some(&header)), choose_format(Some(&spaced)));
            prop_assert_eq!(accepts_gzip(Some(&header)), accepts_gzip(Some(&spaced)));
        }
    }
}
