//! What only SQLite does.

mod file;
mod migrations;
mod owner;
mod space;
