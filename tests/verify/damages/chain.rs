//! Damages that only the ledger's chain shows, and damages to the chain itself.

use super::{Damage, change, copy, delete};

pub(super) fn sealed() -> Vec<Damage> {
    let sealed = "batch_id in (select batch_id from chain)";
    let links = "bucket, relay_no, batch_id, n, digest, hash";
    let last = "(bucket, relay_no) = (select bucket, relay_no from relay order by bucket limit 1)";
    vec![
        change(17, "an operation's branch", "op", "branch_id = wallet_id", &format!("kind = 5 and {sealed}")),
        change(
            17,
            "who asked for an operation",
            "op",
            "caller = (select digest from chain order by bucket, relay_no limit 1)",
            &format!("kind = 5 and {sealed}"),
        ),
        Damage {
            name: "the value of a redemption, and what its merchant is owed",
            number: 17,
            sql: "update merchant_balance set value = value + 1 where (bucket, merchant_id, kind) = (
                    select bucket, merchant_id, kind from merchant_balance where kind = 4 and merchant_id = (
                        select account_id from entry where account_kind = 4 order by shard_no, wallet_id, seq limit 1)
                    order by bucket limit 1);
                update entry set value = value + 1 where (shard_no, wallet_id, seq, leg) = (
                    select shard_no, wallet_id, seq, leg from entry where account_kind = 4
                    order by shard_no, wallet_id, seq limit 1)"
                .to_owned(),
        },
        change(17, "what a link seals", "chain", "digest = hash", "relay_no = 2"),
        change(17, "a link's hash", "chain", "hash = digest", "relay_no = 2"),
        change(17, "how many operations a link has", "chain", "n = n + 1", "relay_no = 2"),
        change(
            17,
            "the batch of a link",
            "chain",
            "batch_id = (select wallet_id from wallet limit 1)",
            "relay_no = 2",
        ),
        delete(17, "a link", "chain", "relay_no = 2"),
        copy(
            17,
            "a link put behind the last",
            "chain",
            links,
            "bucket, 9000, batch_id, n, digest, hash",
            last,
        ),
        Damage {
            name: "the last link, its number and its row of the outbox",
            number: 17,
            sql: format!(
                "delete from chain where {last};
                delete from outbox where {last};
                update relay set relay_no = relay_no - 1 where bucket = (select min(bucket) from relay)"
            ),
        },
    ]
}
