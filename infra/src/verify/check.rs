//! One check in SQL: a query that must return no row, in a text that both databases read.
//!
//! Words in braces stand for what the databases spell differently, and for what every query repeats:
//! - `{uuid EXPRESSION}`: the text of a UUID; `{shard EXPRESSION}`: the last byte of a UUID;
//!   `{hex EXPRESSION}`: bytes in hexadecimal digits
//! - `{wallet}`, `{op}`, `{lot}`: how a row is named, from its columns `wallet_id`, `seq`, `lot_no`
//! - `{stale}`: the instant of the ledger before which nothing may be left undone; `{stale present}`: the same of what goes
//!   by the present; `{now}`: the present

use sea_orm::{ConnectionTrait, DbBackend};

use super::{CheckResult, Moments, scope::Scope};
use crate::db::StoreError;

/// What must hold, and the query for the rows where it does not.
pub(super) struct Check {
    /// Number of the invariant.
    pub(super) number: u8,
    /// What must hold, as a sentence.
    pub(super) name: &'static str,
    /// A query with one column of text, which names an offending row and says what is wrong.
    pub(super) sql: &'static str,
}

impl Check {
    /// Runs the query; names at most `limit` of the offending rows and counts them all.
    pub(super) async fn run<C: ConnectionTrait>(
        &self,
        connection: &C,
        scope: Scope<'_>,
        moments: Moments,
        limit: u32,
    ) -> Result<CheckResult, StoreError> {
        let backend = connection.get_database_backend();
        let sql = format!(
            "select what, count(*) over () as violations from ({}) as bad order by what limit {}",
            expand(self.sql, backend, moments),
            limit.max(1)
        );
        let found = connection.query_all_raw(scope.statement(backend, &sql)).await?;
        let mut result =
            CheckResult { number: self.number, name: self.name, violations: 0, rows: Vec::new() };
        for row in found {
            let violations: i64 = row.try_get_by_index(1)?;
            result.violations = u64::try_from(violations).unwrap_or(0);
            let what: Option<String> = row.try_get_by_index(0)?;
            result.rows.push(what.unwrap_or_else(|| "a row that cannot be named".to_owned()));
        }
        result.rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(result)
    }
}

/// Replaces the words in braces.
fn expand(sql: &str, backend: DbBackend, moments: Moments) -> String {
    let named = sql
        .replace("{op}", "{wallet} || ' seq ' || seq")
        .replace("{lot}", "{wallet} || ' lot ' || lot_no")
        .replace("{wallet}", "'wallet ' || {uuid wallet_id}")
        .replace("{stale}", &moments.stale.micros().to_string())
        .replace("{stale present}", &moments.stale_present.micros().to_string())
        .replace("{now}", &moments.now.micros().to_string());
    let mut text = String::with_capacity(named.len());
    let mut rest = named.as_str();
    while let Some((before, word)) = rest.split_once('{') {
        text.push_str(before);
        let (word, after) = word.split_once('}').unwrap_or((word, ""));
        text.push_str(&match word.split_once(' ') {
            Some(("uuid", expression)) => uuid_text(expression, backend),
            Some(("shard", expression)) => last_byte(expression, backend),
            Some(("hex", expression)) => hex_text(expression, backend),
            _ => word.to_owned(),
        });
        rest = after;
    }
    text.push_str(rest);
    text
}

fn uuid_text(expression: &str, backend: DbBackend) -> String {
    if backend == DbBackend::Postgres {
        return format!("cast({expression} as text)");
    }
    let parts = [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)];
    let parts = parts.map(|(start, length)| format!("substr(hex({expression}), {start}, {length})"));
    format!("lower({})", parts.join(" || '-' || "))
}

fn hex_text(expression: &str, backend: DbBackend) -> String {
    if backend == DbBackend::Postgres {
        format!("encode({expression}, 'hex')")
    } else {
        format!("hex({expression})")
    }
}

fn last_byte(expression: &str, backend: DbBackend) -> String {
    if backend == DbBackend::Postgres {
        return format!("get_byte(uuid_send({expression}), 15)");
    }
    let digit = |place| format!("(instr('0123456789ABCDEF', substr(hex({expression}), {place}, 1)) - 1)");
    format!("({} * 16 + {})", digit(31), digit(32))
}

#[cfg(test)]
mod tests {
    use amvaj_domain::time::Instant;

    use super::*;

    #[test]
    fn words_in_braces_become_what_a_database_reads() {
        let moment = Instant::from_micros;
        let moments = Moments { now: moment(9), stale: moment(-7), stale_present: moment(-9) };
        let sql = "select {op} from op where recorded_at < {stale} or tried_at < {stale present} or recorded_at > {now}";
        assert_eq!(
            expand(sql, DbBackend::Postgres, moments),
            "select 'wallet ' || cast(wallet_id as text) || ' seq ' || seq from op where recorded_at < -7 \
             or tried_at < -9 or recorded_at > 9"
        );
        let sqlite = expand("select {shard w.wallet_id}, {uuid id}", DbBackend::Sqlite, moments);
        assert!(
            sqlite.contains("substr(hex(w.wallet_id), 32, 1)") && sqlite.contains("lower(substr(hex(id)")
        );
        assert!(!sqlite.contains('{'));
    }
}
