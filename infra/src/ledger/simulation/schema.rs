//! What the schema says of each table: its primary key, the columns that a later row changes, and its checks in the
//! words of the migration. Tests hold the words against the migrations, so that the two cannot part.

use uuid::Uuid;

use crate::db::{
    StoreError,
    columns::Columns,
    entity::{
        cap_used, claim, entry, hold, lot, lot_use, merchant_balance, op, outbox, purchase, purchase_line,
        receipt, receipt_redemption, refund_waiting, wallet,
    },
};

/// A check: its words in the schema, and the same on a row.
type Check<M> = (&'static str, fn(&M) -> bool);

/// A row of a table of the simulation.
pub(crate) trait Stored: Columns + Clone + std::fmt::Debug + PartialEq + 'static {
    /// The values of the primary key.
    type Key: Ord + Clone + std::fmt::Debug;
    /// The columns of the primary key.
    const KEY: &'static str;
    /// The columns that a later row changes.
    const CHANGING: &'static [&'static str];
    /// The checks.
    const CHECKS: &'static [Check<Self>];

    fn key(&self) -> Self::Key;
    /// Becomes what a later row of the same key makes of it.
    fn change(&mut self, later: &Self);

    /// Refuses a row that breaks a check.
    fn check(&self) -> Result<(), StoreError> {
        match Self::CHECKS.iter().find(|(_, holds)| !holds(self)) {
            None => Ok(()),
            Some((words, _)) => Err(StoreError::Constraint(format!(
                "CHECK constraint failed: {} {words}: {self:?}",
                Self::TABLE
            ))),
        }
    }
}

/// Implements [`Stored`]: `model (key columns: types) changing [columns] checks [words => meaning]`.
macro_rules! stored {
    ($model:ty, ($($key:ident: $kind:ty),+), [$($changing:ident),*], [$($words:literal => $holds:expr),* $(,)?]) => {
        impl Stored for $model {
            type Key = ($($kind,)+);
            const KEY: &'static str = joined!($($key),+);
            const CHANGING: &'static [&'static str] = &[$(stringify!($changing)),*];
            const CHECKS: &'static [Check<Self>] = &[$(($words, $holds)),*];

            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }

            fn change(&mut self, later: &Self) {
                $(self.$changing.clone_from(&later.$changing);)*
                let _ = later;
            }
        }
    };
}

/// Names with commas between them, as the schema writes them.
macro_rules! joined {
    ($first:ident $(, $next:ident)*) => {
        concat!(stringify!($first) $(, ", ", stringify!($next))*)
    };
}

stored!(
    wallet::Model,
    (shard_no: i16, wallet_id: Uuid),
    [posted, held, pending, debt, version, next_lot, status, last_recorded_at, next_due],
    [
        "pending >= 0" => |row| row.pending >= 0,
        "debt >= 0" => |row| row.debt >= 0,
        "version >= 0" => |row| row.version >= 0,
        "next_lot > 0" => |row| row.next_lot > 0,
        "status in (1, 2)" => |row| [1, 2].contains(&row.status),
        "held >= 0 and posted >= held" => |row| row.held >= 0 && row.posted >= row.held,
        "debt = 0 or posted = held" => |row| row.debt == 0 || row.posted == row.held,
    ]
);
stored!(
    op::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64),
    [],
    ["seq > 0" => |row| row.seq > 0, "amount >= 0" => |row| row.amount >= 0]
);
stored!(
    entry::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64, leg: i16),
    [],
    [
        "leg > 0" => |row| row.leg > 0,
        "account_kind between 1 and 8" => |row| (1..=8).contains(&row.account_kind),
    ]
);
stored!(
    lot::Model,
    (shard_no: i16, wallet_id: Uuid, lot_no: i64),
    [remaining, reserved, state, changed_seq],
    [
        "lot_no > 0" => |row| row.lot_no > 0,
        "original > 0" => |row| row.original > 0,
        "state in (1, 2)" => |row| [1, 2].contains(&row.state),
        "reserved >= 0 and remaining >= reserved and remaining <= original" =>
            |row| row.reserved >= 0 && row.remaining >= row.reserved && row.remaining <= row.original,
    ]
);
stored!(
    lot_use::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64, lot_no: i64, kind: i16),
    [],
    ["qty > 0" => |row| row.qty > 0, "kind between 1 and 9" => |row| (1..=9).contains(&row.kind)]
);
stored!(
    hold::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64),
    [captured, state],
    [
        "amount > 0" => |row| row.amount > 0,
        "state between 1 and 4" => |row| (1..=4).contains(&row.state),
        "captured >= 0 and captured <= amount" => |row| row.captured >= 0 && row.captured <= row.amount,
    ]
);
stored!(
    purchase::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64),
    [lines, refunded_amount, paid_value, kept],
    [
        "basket > 0" => |row| row.basket > 0,
        "lines >= 0" => |row| row.lines >= 0,
        "paid_value >= 0" => |row| row.paid_value >= 0,
        "kept >= 0" => |row| row.kept >= 0,
        "refunded_amount >= 0 and refunded_amount <= basket" =>
            |row| row.refunded_amount >= 0 && row.refunded_amount <= row.basket,
    ]
);
stored!(
    purchase_line::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64, line_no: i32),
    [refunded],
    [
        "amount >= 0" => |row| row.amount >= 0,
        "quantity > 0" => |row| row.quantity > 0,
        "eligible in (0, 1)" => |row| [0, 1].contains(&row.eligible),
        "refunded >= 0 and refunded <= quantity" => |row| row.refunded >= 0 && row.refunded <= row.quantity,
    ]
);
stored!(
    receipt_redemption::Model,
    (shard_no: i16, wallet_id: Uuid, seq: i64),
    [reversed],
    [
        "points > 0" => |row| row.points > 0,
        "reversed >= 0 and reversed <= points" => |row| row.reversed >= 0 && row.reversed <= row.points,
    ]
);
stored!(
    cap_used::Model,
    (shard_no: i16, wallet_id: Uuid, rule_id: Uuid, day: i32),
    [used],
    ["used >= 0" => |row| row.used >= 0]
);
stored!(
    claim::Model,
    (idem: Uuid),
    [],
    ["(wallet_id is null) = (seq is null)" => |row| row.wallet_id.is_none() == row.seq.is_none()]
);
stored!(receipt::Model, (merchant_id: Uuid, receipt_no: String), [seq], []);
stored!(
    refund_waiting::Model,
    (merchant_id: Uuid, receipt_no: String, idem: Uuid),
    [state, reject_code, wallet_id, seq],
    ["state between 1 and 3" => |row| (1..=3).contains(&row.state)]
);
stored!(
    outbox::Model,
    (bucket: i16, batch_id: Uuid),
    [],
    ["bucket between 0 and 15" => |row| (0..=15).contains(&row.bucket)]
);

/// Totals are added to, where other rows replace.
impl Stored for merchant_balance::Model {
    type Key = (i16, Uuid, i16);
    const KEY: &'static str = joined!(bucket, merchant_id, kind);
    const CHANGING: &'static [&'static str] = &["points", "value", "n"];
    const CHECKS: &'static [Check<Self>] = &[];

    fn key(&self) -> Self::Key {
        (self.bucket, self.merchant_id, self.kind)
    }

    fn change(&mut self, later: &Self) {
        self.points += later.points;
        self.value += later.value;
        self.n += later.n;
    }
}

mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::ledger::batch::Replaces;

    /// The text of a table in a migration, up to the end of its statement.
    fn created(table: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/src");
        for file in ["m0002_ledger.rs", "m0003_outbox.rs"] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            if let Some((_, after)) = text.split_once(&format!("create table {table} (")) {
                return after.split('"').next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            }
        }
        panic!("no migration creates {table}")
    }

    /// What stands in the brackets after each of the words.
    fn bracketed(text: &str, word: &str) -> BTreeSet<String> {
        text.match_indices(&format!("{word} ("))
            .map(|(at, found)| inside(&text[at + found.len()..]))
            .collect()
    }

    /// The text up to the bracket that closes one opened before it.
    fn inside(text: &str) -> String {
        let mut depth = 1;
        let ends = |c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        };
        text[..text.find(ends).unwrap()].to_owned()
    }

    fn has_the_schema<M: Stored>() {
        let text = created(M::TABLE);
        let checks: BTreeSet<String> = M::CHECKS.iter().map(|(words, _)| (*words).to_owned()).collect();
        assert_eq!(checks, bracketed(&text, "check"), "checks of {}", M::TABLE);
        let mut keys = bracketed(&text, "primary key");
        if text.contains("not null primary key") {
            keys.insert(text.split(' ').next().unwrap().to_owned());
        }
        assert_eq!(keys, BTreeSet::from([M::KEY.to_owned()]), "key of {}", M::TABLE);
    }

    fn changes_as_sql_does<M: Stored + Replaces>() {
        assert_eq!((M::KEY, M::CHANGING), (M::UPSERT.key, M::UPSERT.changing), "{}", M::TABLE);
    }

    #[test]
    fn the_tables_have_the_keys_and_checks_of_the_migrations() {
        has_the_schema::<wallet::Model>();
        has_the_schema::<op::Model>();
        has_the_schema::<entry::Model>();
        has_the_schema::<lot::Model>();
        has_the_schema::<lot_use::Model>();
        has_the_schema::<hold::Model>();
        has_the_schema::<purchase::Model>();
        has_the_schema::<purchase_line::Model>();
        has_the_schema::<receipt_redemption::Model>();
        has_the_schema::<cap_used::Model>();
        has_the_schema::<claim::Model>();
        has_the_schema::<receipt::Model>();
        has_the_schema::<refund_waiting::Model>();
        has_the_schema::<merchant_balance::Model>();
        has_the_schema::<outbox::Model>();
    }

    #[test]
    fn rows_change_in_the_columns_in_which_sql_changes_them() {
        changes_as_sql_does::<lot::Model>();
        changes_as_sql_does::<hold::Model>();
        changes_as_sql_does::<purchase::Model>();
        changes_as_sql_does::<purchase_line::Model>();
        changes_as_sql_does::<receipt_redemption::Model>();
        changes_as_sql_does::<cap_used::Model>();
        changes_as_sql_does::<refund_waiting::Model>();
    }
}
