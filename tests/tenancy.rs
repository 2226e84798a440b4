//! Who may ask for what, and who sees what: walks over the whole schema, and what relation and consent let merchants see.

mod fields;
mod look_ups;
mod relations;
mod roots;
mod scene;
mod schema;
