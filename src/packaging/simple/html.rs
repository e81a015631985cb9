//! The HTML rendering, version 1.4 for ever (PEP 503, 592, 629, 714, 792, 833).

use std::fmt::Write as _;

use askama::Template;

use super::{API_VERSION, FileEntry, ProjectDetail, ProjectList, ProjectStatus};

/// Renders the index page.
#[must_use]
pub fn project_list(list: &ProjectList) -> Vec<u8> {
    let names: Vec<&str> = list.projects.iter().map(AsRef::as_ref).collect();
    to_html(&ProjectListPage {
        api_version: API_VERSION,
        names: &names,
    })
}

/// Renders a project page.
#[must_use]
pub fn project_detail(detail: &ProjectDetail) -> Vec<u8> {
    let status = (detail.status != ProjectStatus::Active).then(|| detail.status.name());
    to_html(&ProjectPage {
        api_version: API_VERSION,
        name: detail.name.as_str(),
        status,
        status_reason: status.and(detail.status_reason.as_deref()),
        links: detail
            .files
            .iter()
            .map(|entry| Link {
                is_signed: detail.tells_signatures().then_some(entry.is_signed),
                ..Link::to(entry, entry.relative_url())
            })
            .collect(),
    })
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="pypi:repository-version" content="{{ api_version }}">
<title>Simple index</title>
</head>
<body>
<h1>Simple index</h1>
{% for name in names %}<a href="{{ name }}/">{{ name }}</a><br>
{% endfor %}</body>
</html>
"##
)]
struct ProjectListPage<'a> {
    api_version: &'static str,
    names: &'a [&'a str],
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="pypi:repository-version" content="{{ api_version }}">
{% if let Some(status) = status %}<meta name="pypi:project-status" content="{{ status }}">
{% endif %}{% if let Some(reason) = status_reason %}<meta name="pypi:project-status-reason" content="{{ reason }}">
{% endif %}<title>Links for {{ name }}</title>
</head>
<body>
<h1>Links for {{ name }}</h1>
{% for link in links %}{{ link|safe }}<br>
{% endfor %}</body>
</html>
"##
)]
struct ProjectPage<'a> {
    api_version: &'static str,
    name: &'a str,
    status: Option<&'static str>,
    status_reason: Option<&'a str>,
    links: Vec<Link<'a>>,
}

/// The beginning of the page of all files, up to the first of them.
#[must_use]
pub fn file_list_head() -> &'static str {
    concat!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
        "<title>Index of packages</title>\n</head>\n<body>\n<h1>Index of packages</h1>\n"
    )
}

/// Lines of that page: links with the path below `/packages/` as their text, where the page itself is.
pub fn write_file_list(page: &mut String, files: &[FileEntry]) {
    for file in files {
        let link = Link {
            text: &file.path,
            ..Link::to(file, file.encoded_path())
        };
        // Writing to a String can't fail, and the template calls nothing that can.
        let _ = writeln!(page, "{link}<br>");
    }
}

/// Its end.
#[must_use]
pub fn file_list_tail() -> &'static str {
    "</body>\n</html>\n"
}

/// What an anchor shows; every text is escaped by the template.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<a href="{{ href }}"
{%- if let Some(specifier) = requires_python %} data-requires-python="{{ specifier }}"{% endif %}
{%- if let Some(digest) = metadata %} data-core-metadata="{{ digest }}" data-dist-info-metadata="{{ digest }}"{% endif %}
{%- if let Some(is_signed) = is_signed %} data-gpg-sig="{{ is_signed }}"{% endif %}
{%- if let Some(reason) = yanked %} data-yanked="{{ reason }}"{% endif %}>{{ text }}</a>"##
)]
struct Link<'a> {
    href: String,
    text: &'a str,
    requires_python: Option<&'a str>,
    metadata: Option<String>,
    yanked: Option<&'a str>,
    is_signed: Option<bool>,
}

impl<'a> Link<'a> {
    fn to(entry: &'a FileEntry, url: String) -> Self {
        let href = match &entry.digest {
            Some(digest) => format!("{url}#{}={}", digest.algorithm.name(), digest.hex()),
            None => url,
        };
        Self {
            href,
            text: entry.filename.as_str(),
            requires_python: entry.requires_python.as_deref(),
            metadata: entry.metadata_sha256.map(|digest| format!("sha256={digest}")),
            yanked: entry.yanked.as_deref(),
            is_signed: None,
        }
    }
}

/// Writing to memory has no way to fail, and these templates call nothing that has.
fn to_html(page: &impl Template) -> Vec<u8> {
    page.render().unwrap_or_default().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_index_page_links_each_project() {
        let list = ProjectList {
            projects: vec!["a-a".parse().unwrap(), "b".parse().unwrap()],
        };
        let page = String::from_utf8(project_list(&list)).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>"), "{page}");
        assert!(
            page.contains(r#"<meta name="pypi:repository-version" content="1.4">"#),
            "{page}"
        );
        assert!(
            page.contains(r#"<a href="a-a/">a-a</a>"#) && page.contains(r#"<a href="b/">b</a>"#),
            "{page}"
        );
    }

    #[test]
    fn anchors_carry_escaped_attributes() {
        let page = String::from_utf8(project_detail(&samples::detail())).unwrap();
        let digest = "ab".repeat(32);
        for expected in [
            r#"<meta name="pypi:project-status" content="deprecated">"#,
            "use &#60;baz&#62;",
            &format!(r#"href="../../packages/foo_bar-1.0%2Bcorp.1-py3-none-any.whl#sha256={digest}""#),
            r#"data-requires-python="&#62;=3.8,&#60;4""#,
            &format!(
                r#"data-core-metadata="sha256={}""#,
                crate::packaging::Sha256::of("metadata")
            ),
            &format!(
                r#"data-dist-info-metadata="sha256={}""#,
                crate::packaging::Sha256::of("metadata")
            ),
            "data-yanked=\"broken &#34;quotes&#34;\n&#38; &#60;tags&#62;\"",
            ">foo_bar-1.0+corp.1-py3-none-any.whl</a>",
        ] {
            assert!(page.contains(expected), "{expected} is not in\n{page}");
        }
        assert_eq!(page.matches("data-core-metadata").count(), 1);
        assert_eq!(page.matches("data-yanked").count(), 1);
        assert_eq!(page.matches("data-gpg-sig").count(), 0);
    }

    #[test]
    fn with_one_signature_every_link_says_whether_it_has_one() {
        let mut detail = samples::detail();
        detail.files[1].is_signed = true;
        let page = String::from_utf8(project_detail(&detail)).unwrap();
        assert_eq!(page.matches("data-gpg-sig=\"true\"").count(), 1, "{page}");
        assert_eq!(page.matches("data-gpg-sig=\"false\"").count(), 1, "{page}");
    }
}
