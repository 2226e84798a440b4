//! Rewards and redemptions: what merchants offer, what members get for points, and that piece and points always go together.

mod catalogue;
mod ends;
mod killed;
mod listening;
mod price;
mod races;
mod recovery;
mod redeeming;
mod scene;
mod short;
mod sight;
