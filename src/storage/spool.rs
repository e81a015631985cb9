//! An upload on its way: bytes on local disk under a temporary name, hashed as they come.

/// An upload on its way. Dropping it removes its bytes.
pub struct Spool {}
