//! Damages to boards and to their snapshots.

use super::{Damage, change, copy, delete};

pub(super) fn totals() -> Vec<Damage> {
    vec![
        change(17, "a total", "board_total", "total = total + 1", "total > 0"),
        change(17, "a total that was lost", "board_total", "total = 0", "total > 0"),
        change(17, "when a total was reached", "board_total", "reached_at = reached_at - 1", "total > 0"),
        change(17, "how far a total is", "board_total", "seq = seq - 1", "total > 0 and seq > 1"),
        change(17, "a total of another period", "board_total", "period = period + 1", "total > 0"),
        delete(17, "a total deleted", "board_total", "total > 0"),
        copy(
            17,
            "a total invented",
            "board_total",
            "shard_no, wallet_id, board_id, period, total, reached_at, seq",
            "shard_no, wallet_id, board_id, period + 1, 9, reached_at, seq",
            "total > 0",
        ),
        change(17, "visits of a merchant", "board_merchant", "visits = visits + 1", "1 = 1"),
        delete(17, "a merchant that was visited", "board_merchant", "visits > 0"),
        change(17, "what a board counts", "board", "metric = 2", "metric = 1 and cycle = 6"),
        change(18, "a wallet counted beyond its history", "board_wallet", "seq = seq + 100", "1 = 1"),
        delete(18, "a wallet that is not counted", "board_wallet", "seq > 1"),
    ]
}

pub(super) fn snapshots() -> Vec<Damage> {
    vec![
        change(17, "a score of a snapshot", "board_snapshot", "total = total + 1", "1 = 1"),
        change(17, "a rank of a snapshot", "board_snapshot", "rank = rank + 1", "1 = 1"),
        change(17, "a position of a snapshot", "board_snapshot", "position = position + 100", "1 = 1"),
        delete(17, "a place of a snapshot deleted", "board_snapshot", "1 = 1"),
        copy(
            17,
            "a place of a snapshot invented",
            "board_snapshot",
            "board_id, period, position, rank, wallet_id, total, reached_at",
            "board_id, period, position + 1000, rank, board_id, total, reached_at",
            "1 = 1",
        ),
        change(
            17,
            "the sum of a snapshot",
            "board_period",
            "score_sum = score_sum + 1",
            "frozen_at is not null",
        ),
        change(17, "how many were on it", "board_period", "entries = entries - 1", "frozen_at is not null"),
        change(
            17,
            "a snapshot of an open period",
            "board_period",
            "closed_at = null, frozen_at = null, entries = null, score_sum = null",
            "frozen_at is not null",
        ),
        change(
            17,
            "a period closed too early",
            "board_period",
            "closed_at = closes_at - 1",
            "frozen_at is not null",
        ),
        copy(
            17,
            "a total of a frozen period",
            "board_total",
            "shard_no, wallet_id, board_id, period, total, reached_at, seq",
            "shard_no, wallet_id, (select board_id from board_period where frozen_at is not null limit 1), \
                (select period from board_period where frozen_at is not null limit 1), 9, reached_at, seq",
            "total > 0",
        ),
    ]
}
