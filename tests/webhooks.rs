//! Webhooks: what merchants are told, in which order, and that no receiver is a danger to anybody.

mod addresses;
mod again;
mod failing;
mod killed;
mod rights;
mod scene;
mod sending;
