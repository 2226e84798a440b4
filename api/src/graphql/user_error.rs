//! `userErrors`: expected refusals as data. Every mutation has its own codes, so that a client's compiler can tell
//! it which ones it has not handled.

/// Declares the user errors of one mutation: an enum of codes, each with the message that says what to do, and the
/// object that carries one.
///
/// ```text
/// user_errors! {
///     /// Why `registerMerchant` changed nothing.
///     RegisterMerchantUserError, RegisterMerchantErrorCode {
///         /// A name is empty, too long or has control characters.
///         InvalidName = "Write names of 1 to 120 characters.",
///     }
/// }
/// ```
macro_rules! user_errors {
    (
        $(#[doc = $doc:literal])+
        $error:ident, $code:ident {
            $($(#[doc = $code_doc:literal])+ $variant:ident = $english:literal,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum)]
        pub enum $code {
            $($(#[doc = $code_doc])+ $variant,)+
        }

        $(#[doc = $doc])+
        #[derive(Debug, Clone, async_graphql::SimpleObject)]
        pub struct $error {
            /// What is wrong, for programs.
            pub code: $code,
            /// What is wrong and what to do, for people.
            pub message: String,
            /// Path of the input field that is wrong, from the argument down. Empty when it is no single field's
            /// fault. Example: `["input", "mobile"]`.
            pub field: Vec<String>,
        }

        impl $code {
            /// What is wrong and what to do.
            pub const fn message(self, language: $crate::graphql::error::Language) -> &'static str {
                match language {
                    $crate::graphql::error::Language::English => match self { $(Self::$variant => $english,)+ },
                }
            }

            /// The error of a field, by its path such as `input.mobile` (empty: no single field's fault).
            pub fn at(self, path: &str, language: $crate::graphql::error::Language) -> $error {
                $error {
                    code: self,
                    message: self.message(language).to_owned(),
                    field: path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
                }
            }
        }
    };
}
pub(crate) use user_errors;

use super::error::Language;

/// Collects the user errors of one call, so that a client learns of all its mistakes at once.
pub struct Problems<E> {
    language: Language,
    found: Vec<E>,
}

impl<E> Problems<E> {
    /// None yet.
    pub const fn new(language: Language) -> Self {
        Self { language, found: Vec::new() }
    }

    /// The language of their messages.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Adds one.
    pub fn add(&mut self, error: E) {
        self.found.push(error);
    }

    /// The value of a field that was read, or nothing and the error that it gives.
    pub fn take<T, X>(&mut self, read: Result<T, X>, error: impl FnOnce(X, Language) -> E) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(why) => {
                let error = error(why, self.language);
                self.add(error);
                None
            }
        }
    }

    /// What was found.
    pub fn into_errors(self) -> Vec<E> {
        self.found
    }
}
