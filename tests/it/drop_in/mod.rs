//! Beside a real pypiserver: the same folder, passwords and flags, the same requests to both, and the same answers but
//! for the differences that README names.
//!
//! Every table below is sent, row by row, to pypiserver and to `pkgctl serve`. A row says that the answers are the same,
//! or names the row of README's table that tells why they are not, and what each of the two answers.

mod access; // passwords: -P and -a
mod actions; // what the form does besides uploading
mod answers; // what counts of an answer
mod asking; // what is sent
mod differences; // README's table names every difference, and no other
mod files; // downloads
mod flags; // flags that change what is answered
mod folders; // what both servers are given to serve
mod listings; // the pages that only pypiserver's users know
mod pages; // the Simple pages, and the ways to them
mod start; // flags, and what becomes of a start
mod tables; // rows, and both servers to run them against
mod uploads; // what is stored, what is refused
