//! A small JSON library for scripts. [`Document`] and [`Value`] read lists, objects and strings directly in the text,
//! without building a tree; [`Object`] writes.

mod read;
mod scan;
mod write;

pub use read::{Document, Items, Members, Value};
pub use scan::{Error, MAX_DEPTH};
pub use write::{Object, ToJson};
