//! What all lists share: pages by key, totals, and searching in texts.

use sea_orm::sea_query::LikeExpr;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    Value,
};

use super::{Database, StoreError};
use crate::page::{Page, PageEnd, PageRequest};

/// Stands before a sign that `like` would otherwise read as "anything".
const ESCAPE: char = '!';

/// Reads a page of a list that is ordered by one key.
pub(crate) async fn page<E, M, K, T>(
    db: &Database,
    list: Select<E>,
    key: E::Column,
    request: &PageRequest<K>,
    row: impl Fn(&M) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError>
where
    E: EntityTrait<Model = M>,
    M: FromQueryResult + Send + Sync,
    K: Into<Value> + Copy,
{
    let total = if request.with_total { Some(list.clone().count(db.reader()).await?) } else { None };
    let rows = within(list, key, request).limit(request.rows()).all(db.reader()).await?;
    let items = rows.iter().map(row).collect::<Result<_, _>>()?;
    Ok(request.page(items, total))
}

/// A pattern for texts that contain `part`.
pub(crate) fn contains(part: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escaped(part))).escape(ESCAPE)
}

/// A pattern for texts that begin with `start`.
pub(crate) fn begins_with(start: &str) -> LikeExpr {
    LikeExpr::new(format!("{}%", escaped(start))).escape(ESCAPE)
}

/// Orders a list by its key and cuts it at the cursors.
fn within<E: EntityTrait, K: Into<Value> + Copy>(
    list: Select<E>,
    key: E::Column,
    request: &PageRequest<K>,
) -> Select<E> {
    let list = match request.after {
        Some(after) => list.filter(key.gt(after)),
        None => list,
    };
    let list = match request.before {
        Some(before) => list.filter(key.lt(before)),
        None => list,
    };
    match request.end {
        PageEnd::First => list.order_by_asc(key),
        PageEnd::Last => list.order_by_desc(key),
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | ESCAPE) {
            escaped.push(ESCAPE);
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_patterns_are_escaped() {
        assert_eq!(escaped("50%_!"), "50!%!_!!");
    }
}
