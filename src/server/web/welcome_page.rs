//! The page that is shown when nobody has written another one.

use askama::Template;

/// What this index is, and how to use it. Without a script, readable in any browser and by any reader.
#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Python packages</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1, h2 { line-height: 1.2 }
h2 { margin-top: 2rem; font-size: 1.2rem }
pre { overflow-x: auto; padding: .8rem 1rem; border: 1px solid #8886; border-radius: .4rem; background: #8881 }
code { font-family: ui-monospace, monospace; font-size: .95em }
footer { margin-top: 3rem; font-size: .9rem }
</style>
</head>
<body>
<main>
<h1>Python packages</h1>
<p>This index holds {{ files }} {% if files == 1 %}file{% else %}files{% endif %} of {{ projects }} {% if projects == 1 %}project{% else %}projects{% endif %}.
Its address is <code>{{ url }}</code></p>
<p><a href="{{ links }}simple/">All projects</a> · <a href="{{ links }}packages/">All files</a></p>
<h2>Install from it</h2>
<pre tabindex="0"><code>pip install --index-url {{ url }}simple/{% if let Some(host) = untrusted_host %} --trusted-host {{ host }}{% endif %} PACKAGE
uv pip install --index-url {{ url }}simple/ PACKAGE</code></pre>
<h2>Publish to it</h2>
{% if takes_uploads %}<p>Build the project, then send what is in <code>dist/</code>{% if asks_for_password %}; a user name and a password are asked for{% endif %}:</p>
<pre tabindex="0"><code>pkgctl publish -r {{ url }}
uv publish --publish-url {{ url }}
twine upload --repository-url {{ url }} dist/*</code></pre>
{% else %}<p>Uploads are switched off here.</p>
{% endif %}</main>
<footer><p>pkgctl {{ version }}</p></footer>
</body>
</html>
"##
)]
pub(super) struct WelcomePage<'a> {
    pub(super) files: u64,
    pub(super) projects: u64,
    /// The address of the index, with a final slash.
    pub(super) url: &'a str,
    /// What links begin with: nothing, or a path with a slash at both ends.
    pub(super) links: &'a str,
    /// The host that pip must be told to trust, where it would not by itself.
    pub(super) untrusted_host: Option<&'a str>,
    pub(super) takes_uploads: bool,
    pub(super) asks_for_password: bool,
    pub(super) version: &'static str,
}

impl WelcomePage<'_> {
    pub(super) fn to_html(&self) -> String {
        // Rendering to memory has no way to fail.
        self.render().unwrap_or_default()
    }
}
