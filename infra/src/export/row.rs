//! A job's row as the domain has it, and back.

use amvaj_domain::audit::{read_actor, stored_actor};
use amvaj_domain::export::{Export, ExportFailure, ExportFormat, ExportOf, ExportStage, OperationsExport};
use amvaj_domain::id::{BranchId, ExportId, MemberId, MerchantId, WalletId};
use amvaj_domain::ledger::{OpKind, Tenant};
use amvaj_domain::time::Instant;
use uuid::Uuid;

use crate::db::StoreError;
use crate::db::entity::export_job::Model;

/// The row of an export's kind that holds operations.
pub(super) const OPERATIONS: i16 = 1;
/// The row of an export's kind that holds what is held about a member.
pub(super) const MEMBER: i16 = 2;

pub(super) fn export(row: &Model) -> Result<Export, StoreError> {
    let corrupt = |what| StoreError::CorruptRow { table: "export_job", id: row.export_id.to_string(), what };
    let member = row.member_id.map(MemberId::new).zip(row.wallet_id.map(WalletId::new));
    let of = match (row.kind, member) {
        (OPERATIONS, None) => ExportOf::Operations(OperationsExport {
            merchant: row.merchant_id.map(MerchantId::new),
            branches: row
                .branches
                .as_deref()
                .map(branches_of)
                .transpose()
                .map_err(|_| corrupt("its branches"))?,
            kinds: kinds_of(row.kinds),
            from: row.from_at.map(Instant::from_micros),
        }),
        (MEMBER, Some((member, wallet))) => ExportOf::Member(member, wallet),
        _ => return Err(corrupt("its kind")),
    };
    Ok(Export {
        id: ExportId::new(row.export_id),
        owner: Tenant::from_bytes(&row.owner).ok_or_else(|| corrupt("its owner"))?,
        actor: read_actor(row.actor_kind, row.actor_id).ok_or_else(|| corrupt("who asked"))?,
        of,
        format: ExportFormat::from_stored(row.format).ok_or_else(|| corrupt("its format"))?,
        until: Instant::from_micros(row.until_at),
        stage: ExportStage::from_stored(row.status).ok_or_else(|| corrupt("its status"))?,
        rows_done: row.rows_done,
        rows_total: row.rows_total,
        size: row.size,
        sha256: row.sha256.clone(),
        created_at: Instant::from_micros(row.created_at),
        finished_at: row.finished_at.map(Instant::from_micros),
        expires_at: row.expires_at.map(Instant::from_micros),
        // What a newer program calls it is broken for this one.
        failure: row.failure.map(|kind| ExportFailure::from_stored(kind).unwrap_or(ExportFailure::Broken)),
    })
}

/// The row of an export that nothing is written of.
pub(super) fn queued(export: &Export, key: (Uuid, Uuid), slot: i16) -> Model {
    let (actor_kind, actor_id) = stored_actor(export.actor);
    let mut row = Model {
        export_id: export.id.uuid(),
        owner: export.owner.to_bytes().to_vec(),
        idem: key.0,
        body_hash: key.1,
        actor_kind: actor_kind.stored(),
        actor_id,
        kind: MEMBER,
        format: export.format.stored(),
        merchant_id: None,
        branches: None,
        member_id: None,
        wallet_id: None,
        kinds: 0,
        from_at: None,
        until_at: export.until.micros(),
        status: ExportStage::Queued.stored(),
        slot: Some(slot),
        place_at: None,
        place_wallet: None,
        place_seq: None,
        rows_done: 0,
        rows_total: None,
        size: 0,
        sha256: None,
        created_at: export.created_at.micros(),
        finished_at: None,
        expires_at: None,
        tries: 0,
        try_at: None,
        failure: None,
    };
    match &export.of {
        ExportOf::Member(member, wallet) => {
            row.member_id = Some(member.uuid());
            row.wallet_id = Some(wallet.uuid());
        }
        ExportOf::Operations(wanted) => {
            row.kind = OPERATIONS;
            row.merchant_id = wanted.merchant.map(MerchantId::uuid);
            row.branches = wanted.branches.as_deref().map(branches_text);
            row.kinds = wanted.kinds.iter().fold(0, |set, kind| set | bit(*kind));
            row.from_at = wanted.from.map(Instant::micros);
        }
    }
    row
}

fn branches_text(branches: &[BranchId]) -> String {
    let texts: Vec<String> = branches.iter().map(|branch| branch.uuid().simple().to_string()).collect();
    texts.join(" ")
}

fn branches_of(text: &str) -> Result<Vec<BranchId>, uuid::Error> {
    text.split_whitespace().map(|part| Uuid::parse_str(part).map(BranchId::new)).collect()
}

const fn bit(kind: OpKind) -> i64 {
    1 << kind.stored()
}

fn kinds_of(set: i64) -> Vec<OpKind> {
    let all = (0..i16::try_from(i64::BITS).unwrap_or(i16::MAX) - 1).filter_map(OpKind::from_stored);
    all.filter(|kind| set & bit(*kind) != 0).collect()
}

#[cfg(test)]
mod tests {
    use amvaj_domain::access::Actor;

    use super::*;

    #[test]
    fn what_was_asked_for_reads_back_from_its_row() {
        let id = Uuid::from_u128(0x0193_e4a0_7a1b_7c3d_8e4f_5a6b_7c8d_9e0f);
        let wanted = OperationsExport {
            merchant: Some(MerchantId::new(id)),
            branches: Some(vec![BranchId::new(id), BranchId::new(Uuid::from_u128(2))]),
            kinds: vec![OpKind::Earn, OpKind::Unblock],
            from: Some(Instant::from_micros(5)),
        };
        let all = OperationsExport { merchant: None, branches: None, kinds: Vec::new(), from: None };
        let none = OperationsExport { branches: Some(Vec::new()), ..all.clone() };
        let member = ExportOf::Member(MemberId::new(id), WalletId::new(id));
        let of =
            [ExportOf::Operations(wanted), ExportOf::Operations(all), ExportOf::Operations(none), member];
        for of in of {
            let asked = Export {
                id: ExportId::new(id),
                owner: Tenant::Merchant(MerchantId::new(id)),
                actor: Some(Actor::Outside),
                of,
                format: ExportFormat::JsonLines,
                until: Instant::from_micros(9),
                stage: ExportStage::Queued,
                rows_done: 0,
                rows_total: None,
                size: 0,
                sha256: None,
                created_at: Instant::from_micros(9),
                finished_at: None,
                expires_at: None,
                failure: None,
            };
            assert_eq!(export(&queued(&asked, (id, id), 0)).unwrap(), asked);
        }
    }
}
