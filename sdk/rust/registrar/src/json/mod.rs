//! JSON, as much of it as a script needs. [`Document`] and [`Value`] read lists, objects and strings where they stand in
//! the text and build no tree; [`Object`] writes.

mod read;
mod scan;
mod write;

pub use read::{Document, Items, Members, Value};
pub use scan::{Error, MAX_DEPTH};
pub use write::{Object, ToJson};
