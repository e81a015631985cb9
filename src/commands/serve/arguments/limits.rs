//! How many clients are served at a time, and how long a slow one is waited for.

use std::time::Duration;

use clap::Args;

use crate::server::Limits;

/// How many clients are served at a time, and how long a slow one is waited for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(in crate::commands::serve) struct LimitArguments {
    /// Connections at a time; more wait until one ends
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "1024",
        env = "PKGCTL_MAX_CONNECTIONS",
        hide_short_help = true,
        value_parser = parse_number
    )]
    max_connections: usize,

    /// Uploads that are received at a time; some more wait for their turn
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "16",
        env = "PKGCTL_MAX_UPLOADS",
        hide_short_help = true,
        value_parser = parse_number
    )]
    max_uploads: usize,

    /// Time for the head of a request, from its first byte to its last, and for a TLS handshake
    #[arg(
        long,
        value_name = "TIME",
        default_value = "10s",
        env = "PKGCTL_HEAD_TIMEOUT",
        hide_short_help = true,
        value_parser = parse_time
    )]
    head_timeout: Duration,

    /// Time that a connection may be silent between requests
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        env = "PKGCTL_IDLE_TIMEOUT",
        hide_short_help = true,
        value_parser = parse_time
    )]
    idle_timeout: Duration,

    /// Time that an upload may pause, or a client take nothing of a download
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        env = "PKGCTL_BODY_TIMEOUT",
        hide_short_help = true,
        value_parser = parse_time
    )]
    body_timeout: Duration,

    /// Time for a whole upload
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1h",
        env = "PKGCTL_UPLOAD_TIMEOUT",
        hide_short_help = true,
        value_parser = parse_time
    )]
    upload_timeout: Duration,

    /// Time that requests in flight have to finish when the server is stopped
    #[arg(
        long,
        value_name = "TIME",
        default_value = "30s",
        env = "PKGCTL_STOP_TIMEOUT",
        hide_short_help = true,
        value_parser = parse_time
    )]
    stop_timeout: Duration,
}

impl LimitArguments {
    /// The server's limits.
    pub(in crate::commands::serve) fn limits(&self) -> Limits {
        Limits {
            connections: self.max_connections,
            uploads: self.max_uploads,
            head_timeout: self.head_timeout,
            idle_timeout: self.idle_timeout,
            body_pause: self.body_timeout,
            upload_timeout: self.upload_timeout,
            grace: self.stop_timeout,
            ..Limits::default()
        }
    }
}

/// Reads a number that makes sense as a limit.
fn parse_number(text: &str) -> Result<usize, String> {
    match text.parse() {
        // More than any system has sockets or threads for, and less than a semaphore can count.
        Ok(number @ 1..=10_000_000) => Ok(number),
        _ => Err(format!("`{text}` is not a number from 1 to 10000000")),
    }
}

/// Reads a time: `10`, `10s`, `5m`, `1h`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let (number, factor) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 60 * 60),
        _ => (text, 1),
    };
    let seconds = number
        .parse::<u32>()
        .ok()
        .map(|number| u64::from(number) * factor);
    match seconds {
        // A year; timers can't count for ever.
        Some(seconds @ 1..=31_536_000) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("`{text}` is not a time; write it like 30s, 5m or 1h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("10", 10), ("10s", 10), ("5m", 300), ("1h", 3600), (" 1h ", 3600)] {
            assert_eq!(parse_time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "s", "0", "0s", "-1s", "1.5h", "1d", "10 s", "99999999h", "ä"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
        for bad in ["", "0", "-1", "99999999999999999999", "x"] {
            assert!(parse_number(bad).is_err(), "{bad}");
        }
    }
}
