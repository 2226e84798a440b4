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
        }

        impl $crate::graphql::user_error::UserErrorCode for $code {
            type Error = $error;

            fn at(self, path: &str, language: $crate::graphql::error::Language) -> $error {
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

/// A code of one mutation's user errors.
pub trait UserErrorCode: Copy {
    /// The object that carries the code.
    type Error;

    /// The error of a field, by its path such as `input.mobile` (empty: no single field's fault).
    fn at(self, path: &str, language: Language) -> Self::Error;
}

/// Collects the user errors of one call, so that a client learns of all its mistakes at once.
pub struct Problems<C: UserErrorCode> {
    language: Language,
    found: Vec<C::Error>,
}

impl<C: UserErrorCode> Problems<C> {
    /// None yet.
    pub const fn new(language: Language) -> Self {
        Self { language, found: Vec::new() }
    }

    /// Adds one, by its code and the path of its field (see [`UserErrorCode::at`]).
    pub fn add(&mut self, code: C, path: &str) {
        self.found.push(code.at(path, self.language));
    }

    /// The value of a field that was read, or nothing and its problem.
    pub fn take<T, X>(&mut self, read: Result<T, X>, code: C, path: &str) -> Option<T> {
        let value = read.ok();
        if value.is_none() {
            self.add(code, path);
        }
        value
    }

    /// What was found.
    pub fn into_errors(self) -> Vec<C::Error> {
        self.found
    }

    /// A single problem.
    pub fn one(language: Language, code: C, path: &str) -> Vec<C::Error> {
        vec![code.at(path, language)]
    }
}
