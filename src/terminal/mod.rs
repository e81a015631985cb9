//! The user's terminal: stdout is data, stderr is talk.
