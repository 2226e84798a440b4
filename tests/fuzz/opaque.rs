//! Texts that we write and clients send back: cursors and global ids. Whatever is read is exactly what is written for
//! it, so that no two texts mean the same row.

use amvaj_api::graphql::{
    connection::{CursorKey, cursor, key_of},
    global_id::GlobalId,
};
use amvaj_domain::id::{ApiKeyId, BranchId, MemberId, MerchantId, SessionId, StaffId, UserId, WalletId};
use async_graphql::ID;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::{
    corpus::{spoilt, wild},
    fuzz,
};

fn any_uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Texts like the ones that we write: of a tag and any bytes, of any bytes, spoilt or not.
fn written() -> impl Strategy<Value = String> {
    let lengths = prop_oneof![Just(0_usize), Just(8), Just(16), Just(20), Just(24), 0..40_usize];
    let bytes = (0..17_u8, lengths.prop_flat_map(|length| vec(any::<u8>(), length)));
    let text = bytes.prop_map(|(tag, rest)| URL_SAFE_NO_PAD.encode([vec![tag], rest].concat()));
    prop_oneof![3 => text.clone(), 2 => spoilt(text), 1 => wild()]
}

fn reads_back<K: CursorKey + PartialEq + std::fmt::Debug>(key: &K) -> Result<(), TestCaseError> {
    let read = key_of::<K>(&cursor(key));
    prop_assert_eq!(read.as_ref(), Some(key));
    Ok(())
}

fn is_the_only_spelling<K: CursorKey>(text: &str) -> Result<(), TestCaseError> {
    if let Some(key) = key_of::<K>(text) {
        prop_assert_eq!(cursor(&key), text);
    }
    Ok(())
}

#[test]
fn cursors_read_back_and_have_one_spelling() {
    let keys = (any_uuid(), any::<i64>(), any::<i32>(), any::<i16>());
    fuzz(2_000, (keys, written()), |((uuid, long, number, short), text)| {
        reads_back(&uuid)?;
        reads_back(&(long, uuid))?;
        reads_back(&(short, number, long))?;
        is_the_only_spelling::<Uuid>(&text)?;
        is_the_only_spelling::<i64>(&text)?;
        is_the_only_spelling::<(i64, Uuid)>(&text)?;
        is_the_only_spelling::<(Uuid, i64)>(&text)?;
        is_the_only_spelling::<(i16, i32, i64)>(&text)?;
        // A key of another length is of another list.
        prop_assert_eq!(key_of::<(i64, Uuid)>(&cursor(&long)), None);
        prop_assert_eq!(key_of::<i64>(&cursor(&(long, uuid))), None);
        Ok(())
    });
}

fn any_id() -> impl Strategy<Value = GlobalId> {
    (0..12_u8, any_uuid(), any::<i64>(), any::<i32>()).prop_map(|(kind, uuid, seq, version)| match kind {
        0 => GlobalId::Merchant(MerchantId::new(uuid)),
        1 => GlobalId::Branch(BranchId::new(uuid)),
        2 => GlobalId::EarnRule(MerchantId::new(uuid), version),
        3 => GlobalId::Member(MemberId::new(uuid)),
        4 => GlobalId::Wallet(WalletId::new(uuid)),
        5 => GlobalId::Operation(WalletId::new(uuid), seq),
        6 => GlobalId::Hold(WalletId::new(uuid), seq),
        7 => GlobalId::Purchase(WalletId::new(uuid), seq),
        8 => GlobalId::User(UserId::new(uuid)),
        9 => GlobalId::Staff(StaffId::new(uuid)),
        10 => GlobalId::ApiKey(ApiKeyId::new(uuid)),
        _ => GlobalId::Session(SessionId::new(uuid)),
    })
}

#[test]
fn global_ids_read_back_and_have_one_spelling() {
    fuzz(3_000, (any_id(), any_id(), written()), |(id, other, text)| {
        prop_assert_eq!(GlobalId::read(&id.write()), Some(id));
        prop_assert_eq!(id.write() == other.write(), id == other);
        let text = ID(text);
        if let Some(read) = GlobalId::read(&text) {
            prop_assert_eq!(read.write(), text);
        }
        Ok(())
    });
}
