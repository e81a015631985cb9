//! Where the server that is described by variables and settings file can be asked whether it is alive.
//!
//! A container's health check runs beside the server, with the same variables. Written so, it needs no address that
//! would have to be changed whenever the port is.

use std::net::IpAddr;

use super::arguments::Arguments;
use super::configuration::Configuration;
use super::settings;
use super::words::Words;
use crate::config::Environment;
use crate::failure::Failure;

/// The address of the health check, as `http://127.0.0.1:8080/health`. Flags that the running server was given can't
/// be known here.
///
/// # Errors
/// Variables or the settings file make no sense, or the server listens where no address leads.
pub(in crate::commands) fn live_address(environment: &Environment) -> Result<String, Failure> {
    let configuration = Configuration::load(&Words::none(), environment)?;
    address(&configuration.arguments()?).map_err(|failure| configuration.blame(failure))
}

fn address(arguments: &Arguments) -> Result<String, Failure> {
    let listen = &arguments.listen;
    let unknown = |why: &str| {
        Failure::usage(format!("can't tell the server's address: {why}"))
            .hint("name it: pkgctl doctor --live http://127.0.0.1:8080")
    };
    if listen.socket.is_some() {
        return Err(unknown("it listens on a Unix socket (`--socket`)"));
    }
    if listen.port == 0 {
        return Err(unknown("it picks a free port itself (`--port`)"));
    }
    let scheme = if listen.tls_cert.is_some() {
        "https"
    } else {
        "http"
    };
    let mount = settings::mount(&arguments.pages.server_base_url)?;
    let health = settings::health_path(&arguments.pages.health_endpoint)?;
    let mount = if mount.is_root() { "" } else { mount.as_str() };
    Ok(format!(
        "{scheme}://{}:{}{mount}{}",
        reachable(&listen.host),
        listen.port,
        health.as_str()
    ))
}

/// From this machine: all interfaces means the loopback one too.
fn reachable(host: &str) -> String {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn told(file: &str) -> Result<String, Failure> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("packages/.pkgctl");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("pkgctl.toml"), file).unwrap();
        live_address(&Environment::for_testing(Path::new(home.path()), &[]))
    }

    #[test]
    fn it_is_where_the_settings_have_it() {
        for (file, expected) in [
            ("", "http://127.0.0.1:8080/health"),
            ("port = 9000\nhost = \"::\"", "http://[::1]:9000/health"),
            ("host = \"192.0.2.1\"", "http://192.0.2.1:8080/health"),
            ("host = \"2001:db8::1\"", "http://[2001:db8::1]:8080/health"),
            (
                "tls-cert = \"c\"\ntls-key = \"k\"",
                "https://127.0.0.1:8080/health",
            ),
            (
                "server-base-url = \"/pypi/\"\nhealth-endpoint = \"/healthz\"",
                "http://127.0.0.1:8080/pypi/healthz",
            ),
        ] {
            assert_eq!(told(file).unwrap(), expected, "{file}");
        }
    }

    #[test]
    fn where_no_address_leads_none_is_told() {
        for (file, cause) in [
            ("socket = \"s\"", "--socket"),
            ("port = 0", "--port"),
            ("port = 70000", "70000"),
        ] {
            let failure = told(file).unwrap_err().render();
            assert!(failure.contains(cause), "{failure}");
        }
    }
}
