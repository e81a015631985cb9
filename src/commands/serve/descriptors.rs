//! What the system lets this process have: open files and sockets, and no core dumps.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, warn};

/// For each connection its socket, and a file that is being sent over it or received.
const PER_CONNECTION: u64 = 2;
/// For the catalog, the watch on the folders, the log and the runtime.
const OF_OUR_OWN: u64 = 128;

/// Leaves no picture of the memory behind when the program ends badly: passwords of clients pass through it.
pub(super) fn refuse_core_dumps() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        debug!(%error, "can't switch core dumps off");
    }
}

/// Takes as many descriptors as the system allows, and warns when they are too few for so many connections.
pub(super) fn take_all(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let available = match (limit.current, limit.maximum) {
        // No limit, or nothing more to be had.
        (None, _) => return,
        (Some(soft), maximum) if maximum == Some(soft) => soft,
        (Some(soft), maximum) => {
            // The low limit is there for programs that use select(2), which this one does not.
            let raised = Rlimit {
                current: maximum,
                maximum,
            };
            match setrlimit(Resource::Nofile, raised) {
                Ok(()) => maximum.unwrap_or(u64::MAX),
                Err(error) => {
                    debug!(%error, "can't raise the limit of open files");
                    soft
                }
            }
        }
    };
    // A number of connections fits 64 bits everywhere.
    let connections = u64::try_from(connections).unwrap_or(u64::MAX);
    let needed = connections
        .saturating_mul(PER_CONNECTION)
        .saturating_add(OF_OUR_OWN);
    if available < needed {
        warn!(
            "the system allows {available} open files, and {connections} connections may need {needed}; raise it \
             (`ulimit -n`, LimitNOFILE=) or lower --max-connections"
        );
    }
}
