//! What pypiserver's command line has and this one needs not: accepted, so that a call out of an old script works.

use clap::Args;

/// Options without effect, by their identifiers, each with what to do instead.
pub(in crate::commands::serve) const WITHOUT_EFFECT: [(&str, &str); 5] = [
    ("server", ONE_SERVER),
    ("backend", ONE_SERVER),
    ("log_req_frmt", ONE_LINE_A_REQUEST),
    ("log_res_frmt", ONE_LINE_A_REQUEST),
    ("log_err_frmt", ONE_LINE_A_REQUEST),
];

const ONE_SERVER: &str = "leave it out, there is only one server and one cache here";
const ONE_LINE_A_REQUEST: &str =
    "each request has one line with all there is to tell; `--log-format json` gives it in fields";

/// Shapes of pypiserver's lines about requests.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
#[expect(clippy::struct_field_names, reason = "they are the flags' names")]
pub(in crate::commands::serve) struct HabitArguments {
    /// Ignored: pypiserver's shape of a request in its log; see --log-format
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    log_req_frmt: Option<String>,

    /// Ignored: pypiserver's shape of a response in its log; see --log-format
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    log_res_frmt: Option<String>,

    /// Ignored: pypiserver's shape of a failure in its log; see --log-format
    #[arg(long, value_name = "FORMAT", hide_short_help = true)]
    log_err_frmt: Option<String>,
}
