//! Writing many rows, new ones or changes, with one statement of a fixed shape: the rows are one JSON text on both databases.

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{StoreError, columns::Columns};

/// Inserts the rows; `on_conflict` says what becomes of those that are there.
pub(crate) async fn insert<M: Columns, C: ConnectionTrait>(
    connection: &C,
    rows: &[M],
    on_conflict: &str,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let backend = connection.get_database_backend();
    let select = select::<M>(backend);
    // `where true` keeps SQLite from reading `on conflict` as a join condition.
    let sql = format!("insert into {} ({}) {select} where true {on_conflict}", M::TABLE, M::names());
    let values = [M::json_rows(rows).into()];
    connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

/// Changes the rows by those of the same columns, which `set` and `condition` call `k`.
pub(crate) async fn update<M: Columns, C: ConnectionTrait>(
    connection: &C,
    rows: &[M],
    set: &str,
    condition: &str,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let backend = connection.get_database_backend();
    let sql = format!("update {} set {set} from ({}) as k where {condition}", M::TABLE, select::<M>(backend));
    let values = [M::json_rows(rows).into()];
    connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    Ok(())
}

/// Rows from a JSON text, the first parameter, as a query with the table's columns.
pub(crate) fn select<M: Columns>(backend: DbBackend) -> String {
    if backend == DbBackend::Postgres { select_jsonb::<M>() } else { M::select_json() }
}

/// A row of JSON as the table's columns.
fn select_jsonb<M: Columns>() -> String {
    let cells: Vec<String> = M::columns()
        .iter()
        .enumerate()
        .map(|(at, (name, kind, _))| match *kind {
            "bytea" => format!("decode(value ->> {at}, 'hex') as {name}"),
            kind => format!("cast(value ->> {at} as {kind}) as {name}"),
        })
        .collect();
    format!("select {} from jsonb_array_elements(cast($1 as jsonb)) as rows(value)", cells.join(", "))
}
