//! What is acknowledged stays, whatever happens to the process, the machine and the disk; and nothing leaks.
//!
//! Some of these tests are short by default and as long as one likes by a variable; each names its own.

mod client; // requests to a server that may be killed at any moment
mod client_disk; // a full disk under the files of the other verbs
mod crash_loop; // SIGKILL, again and again
mod exhaustion; // full disks, no descriptors, clocks that jump
mod hostile_requests; // what no honest client sends
mod power_loss; // what was not synced is forgotten
mod secrets; // nothing that was told in confidence is ever repeated
mod soak; // everything at once, for as long as one likes
mod threats; // that every threat has its tests
