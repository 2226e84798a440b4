//! The order in which a page of the outbox is numbered: per wallet that of its operations.

use std::collections::{BTreeSet, HashMap};

use amvaj_domain::id::WalletId;
use uuid::Uuid;

use crate::ledger::Touched;

/// A row that has no number yet.
#[derive(Debug)]
pub(crate) struct Unnumbered {
    pub(crate) bucket: i16,
    pub(crate) batch: Uuid,
    pub(crate) touched: Vec<Touched>,
}

/// An operation of a wallet, by its sequence number.
pub(crate) type OpKey = (WalletId, i64);

/// What comes before what in a page.
#[derive(Debug)]
pub(crate) struct Precedence {
    /// For each row the rows that come after it.
    followers: Vec<Vec<usize>>,
    /// For each row how many rows of the page come before it.
    waits_for: Vec<usize>,
    /// Operations outside of the page whose rows come before a row of it.
    outside: Vec<(OpKey, usize)>,
}

impl Precedence {
    /// Links the rows of a page: a row that continues a wallet comes after the row that ends just before.
    pub(crate) fn of(page: &[Unnumbered]) -> Self {
        let ends: HashMap<OpKey, usize> = page
            .iter()
            .enumerate()
            .flat_map(|(at, row)| {
                row.touched.iter().map(move |wallet| ((wallet.wallet(), wallet.last()), at))
            })
            .collect();
        let mut precedence = Self {
            followers: vec![Vec::new(); page.len()],
            waits_for: vec![0; page.len()],
            outside: Vec::new(),
        };
        for (at, row) in page.iter().enumerate() {
            // The first operation of a wallet has none before it.
            for wallet in row.touched.iter().filter(|wallet| wallet.first() > 1) {
                let before = (wallet.wallet(), wallet.first() - 1);
                match ends.get(&before) {
                    Some(earlier) => precedence.link(*earlier, at),
                    None => precedence.outside.push((before, at)),
                }
            }
        }
        precedence
    }

    /// The operations outside of the page of which it has to be known whether their rows are numbered.
    pub(crate) fn outside(&self) -> Vec<OpKey> {
        self.outside.iter().map(|(before, _)| *before).collect()
    }

    /// The places of the rows that can be numbered, in the order of their numbers; otherwise the order of the page
    /// is kept. Rows that follow an operation in `held_back`, directly or not, are left out.
    pub(crate) fn order(mut self, held_back: &BTreeSet<OpKey>) -> Vec<usize> {
        for (before, at) in &self.outside {
            if held_back.contains(before)
                && let Some(count) = self.waits_for.get_mut(*at)
            {
                // Nothing of this page takes it away again.
                *count += 1;
            }
        }
        let waiting_for_none = self.waits_for.iter().enumerate().filter(|(_, count)| **count == 0);
        let mut ready: BTreeSet<usize> = waiting_for_none.map(|(at, _)| at).collect();
        let mut order = Vec::with_capacity(self.waits_for.len());
        while let Some(at) = ready.pop_first() {
            order.push(at);
            for follower in self.followers.get(at).into_iter().flatten() {
                if let Some(count) = self.waits_for.get_mut(*follower) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(*follower);
                    }
                }
            }
        }
        order
    }

    fn link(&mut self, earlier: usize, later: usize) {
        if let (Some(followers), Some(count)) =
            (self.followers.get_mut(earlier), self.waits_for.get_mut(later))
        {
            followers.push(later);
            *count += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::touched::touched_from;

    fn row(batch: u128, touched: &[(u128, i64, i64)]) -> Unnumbered {
        let wallets: Vec<String> = touched
            .iter()
            .map(|(wallet, first, last)| format!("[\"{}\",{first},{last}]", Uuid::from_u128(*wallet)))
            .collect();
        let payload = format!("[{}]", wallets.join(","));
        Unnumbered {
            bucket: 0,
            batch: Uuid::from_u128(batch),
            touched: touched_from(&payload).expect("a payload"),
        }
    }

    fn op(wallet: u128, seq: i64) -> OpKey {
        (WalletId::new(Uuid::from_u128(wallet)), seq)
    }

    #[test]
    fn a_page_keeps_its_order_as_far_as_no_wallet_objects() {
        // Wallet 7 goes 3 → 0 → 2, wallet 8 goes 2 → 1; row 4 is free.
        let page = [
            row(10, &[(7, 3, 3)]),
            row(11, &[(8, 2, 4)]),
            row(12, &[(7, 4, 6), (8, 1, 1)]),
            row(13, &[(7, 1, 2)]),
            row(14, &[(9, 1, 1)]),
        ];
        let precedence = Precedence::of(&page);
        assert!(precedence.outside().is_empty());
        assert_eq!(precedence.order(&BTreeSet::new()), [3, 0, 2, 1, 4]);
    }

    #[test]
    fn a_row_and_all_that_follows_it_waits_for_a_predecessor_outside() {
        let page = [
            row(10, &[(7, 3, 3)]),
            row(11, &[(7, 4, 4), (8, 1, 1)]),
            row(12, &[(8, 2, 2)]),
            row(13, &[(9, 5, 5)]),
        ];
        assert_eq!(Precedence::of(&page).outside(), [op(7, 2), op(9, 4)]);
        assert_eq!(Precedence::of(&page).order(&[op(7, 2)].into()), [3]);
        assert_eq!(Precedence::of(&page).order(&BTreeSet::new()), [0, 1, 2, 3]);
    }
}
