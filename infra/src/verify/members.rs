//! Members and their wallets: a part of invariant 10.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[Check {
    number: 10,
    name: "Every member has a wallet, and every wallet a member",
    sql: "select {wallet} || case when sum(members) > 0 then ': its member is here, the wallet is not'
                else ': it has no member' end as what
        from (
            select wallet_id, 1 as members, 0 as wallets from member
            union all
            select wallet_id, 0, 1 from wallet
        ) as both_sides
        group by wallet_id having sum(members) <> 1 or sum(wallets) <> 1",
}];
