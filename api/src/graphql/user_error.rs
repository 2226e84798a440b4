//! `userErrors`: expected refusals as data. Every mutation has its own codes, so that a client's compiler can tell
//! it which ones it has not handled.

/// Declares the user errors of one mutation: an enum of codes and the object that carries one. What a code says is in
/// the message files, under the code's name (see [`crate::language`]).
///
/// ```text
/// user_errors! {
///     /// Why `registerMerchant` changed nothing.
///     RegisterMerchantUserError, RegisterMerchantErrorCode {
///         /// A name is empty, too long or has control characters.
///         InvalidName,
///     }
/// }
/// ```
macro_rules! user_errors {
    (
        $(#[doc = $doc:literal])+
        $error:ident, $code:ident {
            $($(#[doc = $code_doc:literal])+ $variant:ident,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum)]
        pub enum $code {
            $($(#[doc = $code_doc])+ $variant,)+
        }

        $(#[doc = $doc])+
        #[derive(Debug, Clone)]
        pub struct $error {
            code: $code,
            message: $crate::language::Message,
            field: Vec<String>,
        }

        $(#[doc = $doc])+
        #[async_graphql::Object]
        impl $error {
            /// What is wrong, for programs.
            async fn code(&self) -> $code {
                self.code
            }

            /// What is wrong and what to do, for people, in the language of the request.
            async fn message(&self, ctx: &async_graphql::Context<'_>) -> String {
                self.message.say($crate::graphql::context::language(ctx).await)
            }

            /// Path of the input field that is wrong, from the argument down. Empty when it is no single field's
            /// fault. Example: `["input", "mobile"]`.
            async fn field(&self) -> &[String] {
                &self.field
            }
        }

        impl $crate::graphql::user_error::UserErrorCode for $code {
            type Error = $error;

            fn saying(self, message: $crate::language::Message, path: &str) -> $error {
                let field = path.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
                $error { code: self, message, field }
            }
        }
    };
}
pub(crate) use user_errors;

use async_graphql::OutputType;
use async_graphql::resolver_utils::EnumType;

use crate::language::Message;

/// A code of one mutation's user errors.
pub trait UserErrorCode: EnumType + OutputType {
    /// The object that carries the code.
    type Error;

    /// The error of a field in words of its own.
    fn saying(self, message: Message, path: &str) -> Self::Error;

    /// What the code says in this mutation.
    fn message(self) -> Message {
        Message::of_user_error(self)
    }

    /// The error of a field, by its path such as `input.mobile` (empty: no single field's fault).
    fn at(self, path: &str) -> Self::Error {
        self.saying(self.message(), path)
    }
}

/// Collects the user errors of one call, so that a client learns of all its mistakes at once.
pub struct Problems<C: UserErrorCode> {
    found: Vec<C::Error>,
}

impl<C: UserErrorCode> Problems<C> {
    /// None yet.
    pub const fn new() -> Self {
        Self { found: Vec::new() }
    }

    /// Adds one, by its code and the path of its field (see [`UserErrorCode::at`]).
    pub fn add(&mut self, code: C, path: &str) {
        self.found.push(code.at(path));
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
    pub fn one(code: C, path: &str) -> Vec<C::Error> {
        vec![code.at(path)]
    }
}

impl<C: UserErrorCode> Default for Problems<C> {
    fn default() -> Self {
        Self::new()
    }
}
