//! Pages of ordered lists, by the sort key of a row: a page costs the same wherever it lies.

/// From which end of the list a page is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageEnd {
    /// Its beginning.
    First,
    /// Its end.
    Last,
}

/// A page that is asked for, of a list ordered by the key `K`.
#[derive(Debug, Clone)]
pub struct PageRequest<K> {
    /// Most items of the page.
    pub limit: u64,
    /// From which end it is taken.
    pub end: PageEnd,
    /// Only items after this key.
    pub after: Option<K>,
    /// Only items before this key.
    pub before: Option<K>,
    /// Whether to count the whole list.
    pub with_total: bool,
}

/// A page, in the order of the list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether the list begins before the page.
    pub has_previous: bool,
    /// Whether the list goes on after the page.
    pub has_next: bool,
    /// How many items the whole list has, when that was asked for.
    pub total: Option<u64>,
}

impl<K> PageRequest<K> {
    /// The first so many items.
    pub const fn first(limit: u64) -> Self {
        Self { limit, end: PageEnd::First, after: None, before: None, with_total: false }
    }

    /// How many rows to read: one more than the page has, which tells whether there are more.
    pub const fn rows(&self) -> u64 {
        self.limit.saturating_add(1)
    }

    /// The page of the rows that were read, from the end of the list that was asked for.
    ///
    /// A cursor names a row, so there is something on its other side.
    pub fn page<T>(&self, mut rows: Vec<T>, total: Option<u64>) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        match self.end {
            PageEnd::First => Page { items: rows, has_previous: self.after.is_some(), has_next: more, total },
            PageEnd::Last => {
                rows.reverse();
                Page { items: rows, has_previous: more, has_next: self.before.is_some(), total }
            }
        }
    }
}

impl<T> Page<T> {
    /// The same page of other items.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        let Self { items, has_previous, has_next, total } = self;
        Page { items: items.into_iter().map(make).collect(), has_previous, has_next, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_from_the_end_is_in_the_order_of_the_list() {
        let request = PageRequest { end: PageEnd::Last, ..PageRequest::<i64>::first(2) };
        let page = request.page(vec![9, 8, 7], None);
        assert_eq!(page.items, [8, 9]);
        assert!(page.has_previous && !page.has_next);
    }
}
