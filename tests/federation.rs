//! What gateways ask of us: entities by their keys, and the domains as subgraphs of their own. That composers and a
//! gateway of others take them is for `tests/conformance`.

mod entities;
mod parts;
