//! Cursors of events: whose they are, and how far their holder is.

use amvaj_domain::id::{MerchantId, WalletId};
use amvaj_infra::live::{BUCKETS, MerchantPlace, Within};
use async_graphql::{Error, Result};
use uuid::Uuid;

use super::super::connection::{CursorKey, cursor, key_of};
use super::super::error::Code;
use crate::language::Message;

/// How far somebody is who watches a wallet.
pub(super) struct WalletCursor {
    pub(super) wallet: WalletId,
    /// The number of the last operation.
    pub(super) seq: i64,
}

impl WalletCursor {
    pub(super) fn write(&self) -> String {
        cursor(&(self.wallet.uuid(), self.seq))
    }

    /// Reads a cursor of this wallet.
    pub(super) fn read(text: &str, wallet: WalletId) -> Result<Self> {
        let (of, seq) = key_of::<(Uuid, i64)>(text).ok_or_else(unreadable)?;
        if of == wallet.uuid() && seq >= 0 { Ok(Self { wallet, seq }) } else { Err(unreadable()) }
    }
}

/// How far somebody is who watches a merchant's operations.
pub(super) struct OperationCursor {
    merchant: Uuid,
    place: MerchantPlace,
}

impl OperationCursor {
    pub(super) fn write(merchant: MerchantId, place: &MerchantPlace) -> String {
        cursor(&Self { merchant: merchant.uuid(), place: place.clone() })
    }

    /// Reads a cursor of this merchant.
    pub(super) fn read(text: &str, merchant: MerchantId) -> Result<MerchantPlace> {
        let read: Self = key_of(text).ok_or_else(unreadable)?;
        if read.merchant == merchant.uuid() { Ok(read.place) } else { Err(unreadable()) }
    }
}

impl CursorKey for OperationCursor {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.merchant.write(bytes);
        self.place.rows.iter().for_each(|number| number.write(bytes));
        // No bucket has this number.
        let within = self
            .place
            .within
            .map_or((-1, Uuid::nil(), 0), |within| (within.bucket, within.wallet.uuid(), within.seq));
        within.write(bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let merchant = Uuid::read(bytes)?;
        let mut rows = [0; BUCKETS];
        for number in &mut rows {
            *number = i64::read(bytes)?;
        }
        let (bucket, wallet, seq) = <(i16, Uuid, i64)>::read(bytes)?;
        let within = (bucket >= 0).then_some(Within { bucket, wallet: WalletId::new(wallet), seq });
        Some(Self { merchant, place: MerchantPlace { rows, within } })
    }
}

/// What is told of a cursor that is none of the subscription's.
pub(super) fn unreadable() -> Error {
    Code::BadUserInput.saying(Message::new("live-cursor-unreadable"))
}
