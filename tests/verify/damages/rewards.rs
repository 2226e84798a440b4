//! Damages to rewards and redemptions.

use super::{Damage, change, copy, delete};

pub(super) fn rewards() -> Vec<Damage> {
    vec![
        change(29, "a reward of no merchant", "reward", "merchant_id = reward_id", "stock is null"),
        delete(29, "a reward deleted", "reward", "stock is not null"),
        change(29, "a piece too many", "reward", "stock = stock + 1", "stock is not null"),
        change(29, "a piece too few", "reward", "stock = stock - 1", "stock is not null"),
        change(29, "a stock that never runs out", "reward", "stock = null", "stock is not null"),
        change(29, "a stock that was none", "reward", "stock = 7", "stock is null"),
        delete(29, "a filling of the stock deleted", "reward_stock", "change = 3"),
        change(29, "a filling of the stock", "reward_stock", "change = change + 1", "change = 3"),
        change(29, "a piece that is not counted", "reward_taken", "taken = taken - 1", "taken > 0"),
        change(29, "a piece counted twice", "reward_taken", "taken = taken + 1", "1 = 1"),
        delete(29, "a count deleted", "reward_taken", "taken > 0"),
    ]
}

pub(super) fn redemptions() -> Vec<Damage> {
    vec![
        delete(29, "a redemption deleted", "redemption", "state = 3"),
        delete(29, "a voucher deleted", "voucher", "1 = 1"),
        change(29, "another code", "voucher", "code = '999999999999'", "1 = 1"),
        delete(29, "a key of a redemption deleted", "redemption_claim", "1 = 1"),
        copy(
            29,
            "a second key of a redemption",
            "redemption_claim",
            "idem, redemption_id, body_hash",
            "body_hash, redemption_id, body_hash",
            "1 = 1",
        ),
        change(29, "captured by hand", "redemption", "state = 3, ended_at = 1", "state = 2"),
        change(29, "released by hand", "redemption", "state = 4, ended_at = 1", "state = 2"),
        change(29, "released instead of captured", "redemption", "state = 4", "state = 3"),
        change(29, "reserved instead of released", "redemption", "state = 2, ended_at = null", "state = 4"),
        change(29, "reserved instead of refused", "redemption", "state = 2, ended_at = null", "state = 6"),
        change(29, "refused instead of reserved", "redemption", "state = 6, ended_at = 1", "state = 2"),
        change(29, "pending for ever", "redemption", "state = 1, hold_seq = null", "state = 2"),
        change(29, "another price", "redemption", "points = points + 1", "state = 3"),
        change(29, "another hold", "redemption", "hold_seq = hold_seq + 1", "state = 3"),
        change(29, "another end", "redemption", "expires_at = expires_at + 1", "state = 2"),
        change(29, "another key of the hold", "redemption", "hold_idem = wallet_id", "state = 2"),
        change(29, "another reward", "redemption", "reward_id = wallet_id", "state = 4"),
        change(29, "another merchant", "redemption", "merchant_id = wallet_id", "state = 4"),
        change(29, "another shard", "redemption", "shard_no = shard_no + 1", "state = 4"),
    ]
}
