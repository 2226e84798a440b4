//! What people are told, in Persian and in English, from the files in `api/messages`.
//!
//! A resolver never writes a sentence. It names a [`Message`] with its arguments, and the message is put into words at
//! the last moment: when a client selects `message` of a user error or the text of an explanation, or when the HTTP
//! layer sends an error. So a request that goes well never needs to know its language.
//!
//! **Keys.** A user error's message has the name of its code: `INSUFFICIENT_POINTS` is `insufficient-points` in every
//! mutation. Where one mutation has to say it differently, the message has an attribute with the mutation's name:
//! `EnrolMemberErrorCode.MERCHANT_NOT_FOUND` says `merchant-not-found.enrol-member` when there is one. A code of
//! `extensions.code` is `code-` and its name, such as `code-not-found`. Everything else is named by a literal in
//! `Message::new("…")`. The tests compare files, schema and sources with each other: a message that is missing in a
//! language, differs in its arguments or is used nowhere fails them.
//!
//! **Text.** Machine fields stay in ASCII. In Persian sentences numbers have Persian digits and separators, and each
//! argument and everything between backticks is isolated (U+2068 … U+2069), so that it does not disturb the
//! sentence's direction.

mod catalogue;
mod figures;
mod message;

pub use amvaj_domain::language::Language;
pub use figures::grouped;
pub use message::{Message, Value};

#[cfg(test)]
mod tests;
