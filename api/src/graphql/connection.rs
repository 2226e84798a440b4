//! Connections: long lists a page at a time, after Relay's cursor specification.
//!
//! A cursor holds the sort key of its row and nothing else, so a page begins exactly where the last one ended
//! whatever was added in between.

use amvaj_infra::page::{PageEnd, PageRequest};
use async_graphql::{Context, Error, Result, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::error::Code;
use crate::language::Message;

/// Most items on one page.
const LONGEST_PAGE: i32 = 100;
/// First byte of every cursor; another form of cursors would get another one.
const FORM: u8 = 1;

/// Where a page stands in its list.
#[derive(Debug, Clone, SimpleObject)]
pub struct PageInfo {
    /// Whether the list goes on after this page.
    pub has_next_page: bool,
    /// Whether the list begins before this page.
    pub has_previous_page: bool,
    /// Cursor of the first item, for `before`; null on an empty page.
    pub start_cursor: Option<String>,
    /// Cursor of the last item, for `after`; null on an empty page.
    pub end_cursor: Option<String>,
}

/// The arguments of a connection's field.
#[derive(Debug, Default)]
pub struct PageArguments {
    /// So many from the beginning.
    pub first: Option<i32>,
    /// Begin after this cursor.
    pub after: Option<String>,
    /// So many from the end.
    pub last: Option<i32>,
    /// End before this cursor.
    pub before: Option<String>,
}

impl PageArguments {
    /// The page that is asked for; `BAD_USER_INPUT` when the arguments name none. The total is asked for when the
    /// client selects `totalCount`.
    pub fn read<K: CursorKey>(&self, ctx: &Context<'_>) -> Result<PageRequest<K>> {
        let (end, size) = match (self.first, self.last) {
            (Some(first), None) => (PageEnd::First, first),
            (None, Some(last)) => (PageEnd::Last, last),
            (None, None) => return Err(bad(Message::new("page-without-size"))),
            (Some(_), Some(_)) => return Err(bad(Message::new("page-with-two-sizes"))),
        };
        let limit = u64::try_from(size)
            .ok()
            .filter(|_| (1..=LONGEST_PAGE).contains(&size))
            .ok_or_else(|| bad(Message::new("page-size-out-of-range")))?;
        Ok(PageRequest {
            limit,
            end,
            after: read_cursor(self.after.as_deref(), "after")?,
            before: read_cursor(self.before.as_deref(), "before")?,
            with_total: ctx.look_ahead().field("totalCount").exists(),
        })
    }
}

/// A sort key that a cursor can hold.
pub trait CursorKey: Sized {
    /// Appends the key.
    fn write(&self, bytes: &mut Vec<u8>);
    /// Takes the key from the front of the bytes.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

impl CursorKey for Uuid {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        take(bytes).map(Self::from_bytes)
    }
}

macro_rules! integer_keys {
    ($($integer:ty),+) => {$(
        impl CursorKey for $integer {
            fn write(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_be_bytes());
            }

            fn read(bytes: &mut &[u8]) -> Option<Self> {
                take(bytes).map(Self::from_be_bytes)
            }
        }
    )+};
}

integer_keys!(i16, i32, i64);

impl<A: CursorKey, B: CursorKey> CursorKey for (A, B) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?))
    }
}

impl<A: CursorKey, B: CursorKey, C: CursorKey> CursorKey for (A, B, C) {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
        self.1.write(bytes);
        self.2.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::read(bytes)?, B::read(bytes)?, C::read(bytes)?))
    }
}

/// The cursor of a row with this sort key.
pub fn cursor(key: &impl CursorKey) -> String {
    let mut bytes = vec![FORM];
    key.write(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The sort key that a cursor holds; nothing when [`cursor`] never wrote it for such a key.
pub fn key_of<K: CursorKey>(cursor: &str) -> Option<K> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let mut rest = bytes.strip_prefix(&[FORM])?;
    K::read(&mut rest).filter(|_| rest.is_empty())
}

fn read_cursor<K: CursorKey>(cursor: Option<&str>, argument: &str) -> Result<Option<K>> {
    let what = || bad(Message::new("cursor-of-another-list").with("argument", argument));
    cursor.map(|cursor| key_of(cursor).ok_or_else(what)).transpose()
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn bad(what: Message) -> Error {
    Code::BadUserInput.saying(what)
}

/// Declares the connection of a noun: its page type and its edge type. The page is made with
/// `Connection::new(page, key_of, node_of)`: how an item gives its sort key, and the node that shows it.
macro_rules! connection {
    ($(#[doc = $doc:literal])+ $connection:ident, $edge:ident, $node:ident) => {
        $(#[doc = $doc])+
        pub struct $connection {
            edges: Vec<$edge>,
            page_info: $crate::graphql::connection::PageInfo,
            total: Option<u64>,
        }

        /// One item of a page with its cursor.
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Marks the item's place in the list; opaque.
            pub cursor: String,
            /// The item.
            pub node: $node,
        }

        impl $connection {
            /// Shows a page.
            pub fn new<T, K: $crate::graphql::connection::CursorKey>(
                page: amvaj_infra::page::Page<T>,
                key: impl Fn(&T) -> K,
                node: impl Fn(T) -> $node,
            ) -> Self {
                let edges: Vec<$edge> = page
                    .items
                    .into_iter()
                    .map(|item| $edge { cursor: $crate::graphql::connection::cursor(&key(&item)), node: node(item) })
                    .collect();
                let page_info = $crate::graphql::connection::PageInfo {
                    has_next_page: page.has_next,
                    has_previous_page: page.has_previous,
                    start_cursor: edges.first().map(|edge| edge.cursor.clone()),
                    end_cursor: edges.last().map(|edge| edge.cursor.clone()),
                };
                Self { edges, page_info, total: page.total }
            }
        }

        $(#[doc = $doc])+
        #[async_graphql::Object]
        impl $connection {
            /// The items of this page with their cursors, in order.
            async fn edges(&self) -> &[$edge] {
                &self.edges
            }

            /// The items of this page, in order.
            async fn nodes(&self) -> Vec<&$node> {
                self.edges.iter().map(|edge| &edge.node).collect()
            }

            /// Where this page stands in its list.
            async fn page_info(&self) -> &$crate::graphql::connection::PageInfo {
                &self.page_info
            }

            /// How many items the whole list has, filters applied. Counted only when it is asked for; above
            /// 2,147,483,647 it stays there.
            async fn total_count(&self) -> Option<i32> {
                self.total.map(|total| i32::try_from(total).unwrap_or(i32::MAX))
            }
        }
    };
}
pub(crate) use connection;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_only_as_its_own_kind() {
        let key = (Uuid::from_u128(7), -3_i64, 5_i32);
        let text = cursor(&key);
        assert_eq!(read_cursor(Some(&text), "after").ok().flatten(), Some(key));
        assert!(read_cursor::<Uuid>(Some(&text), "after").is_err());
        assert!(read_cursor::<Uuid>(Some("?"), "after").is_err());
        assert!(read_cursor::<Uuid>(Some(""), "after").is_err());
        assert!(matches!(read_cursor::<Uuid>(None, "after"), Ok(None)));
    }
}
