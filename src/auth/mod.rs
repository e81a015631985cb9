//! Who may do what: password files, credentials, policy.
