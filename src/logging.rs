//! The operator's log: tracing events, as text or JSON, on stderr or into a file.

use std::fs::File;
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How much is logged, and in what shape.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// 0 is the verb's own default, each `-v` one level more.
    pub(crate) verbosity: u8,
    /// One JSON object a line instead of text.
    pub(crate) json: bool,
    /// A file that gets the log instead of stderr; it is appended to.
    pub(crate) file: Option<File>,
    /// Colours were asked not to be used.
    pub(crate) no_color: bool,
}

/// Installs the subscriber; later calls (there are none outside tests) do nothing.
pub(crate) fn init(settings: Settings) {
    let level = match settings.verbosity {
        0 => "pkgctl=info",
        1 => "pkgctl=debug,info",
        _ => "pkgctl=trace,debug",
    };
    let filter = EnvFilter::new(level);
    let registry = tracing_subscriber::registry().with(filter);
    let ansi = settings.file.is_none() && std::io::stderr().is_terminal() && !settings.no_color;
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(ansi)
        .with_target(false);
    let installed = match (settings.file, settings.json) {
        (Some(file), true) => registry.with(layer.json().with_writer(file)).try_init(),
        (Some(file), false) => registry.with(layer.with_writer(file)).try_init(),
        (None, true) => registry
            .with(layer.json().with_writer(std::io::stderr))
            .try_init(),
        (None, false) => registry.with(layer.with_writer(std::io::stderr)).try_init(),
    };
    // A second call finds a subscriber in place, which is just as good.
    drop(installed);
}
