//! A merchant's file, whole and with its bytes.

use std::sync::Arc;

use amvaj_api::export::ExportPen;
use amvaj_domain::access::Actor;
use amvaj_domain::export::{Export, ExportFormat, ExportOf, ExportStage, OperationsExport};
use amvaj_domain::id::{ExportId, MerchantId};
use amvaj_domain::ledger::{Digest, Idem, Tenant};
use amvaj_domain::text::IdempotencyKey;
use amvaj_domain::time::{Instant, Span};
use amvaj_infra::access::{Revocations, Sessions};
use amvaj_infra::audit::Audit;
use amvaj_infra::db::Database;
use amvaj_infra::export::Exports;
use amvaj_infra::worker::acquire;
use uuid::Uuid;

use super::scene::new_id;

/// Has a file made of what a merchant did until `now`, and asks for another one that nobody makes.
pub(super) async fn make(database: &Database, merchant: MerchantId, now: Instant) {
    let exports = Exports::new(database.clone());
    let revocations = Revocations::start(database.clone()).await.unwrap();
    let sessions = Sessions::new(database.clone(), revocations, Span::minutes(15));
    ask(&exports, merchant, ("made", now)).await;
    let later = now.plus(Span::minutes(1));
    let lease = acquire(database, "exports", Uuid::from_u128(1), later, Span::minutes(1)).await;
    let lease = lease.unwrap().unwrap();
    let mut maker = exports.maker(sessions, Arc::new(ExportPen));
    assert!(maker.turn(&lease, later, later).await.unwrap());
    assert!(!maker.turn(&lease, later, later).await.unwrap(), "it is done");
    ask(&exports, merchant, ("waiting", later)).await;
}

async fn ask(exports: &Exports, merchant: MerchantId, (key, now): (&str, Instant)) {
    let owner = Tenant::Merchant(merchant);
    let of = OperationsExport { merchant: Some(merchant), branches: None, kinds: Vec::new(), from: None };
    let export = Export {
        id: ExportId::new(new_id(now)),
        owner,
        actor: Some(Actor::Console),
        of: ExportOf::Operations(of),
        format: ExportFormat::Csv,
        until: now,
        stage: ExportStage::Queued,
        rows_done: 0,
        rows_total: None,
        size: 0,
        sha256: None,
        created_at: now,
        finished_at: None,
        expires_at: None,
        failure: None,
    };
    let key = (Idem::of(owner, &IdempotencyKey::parse(key).unwrap()), Digest::of([key.as_bytes()]));
    exports.ask(&export, key, Audit::Ordinary).await.unwrap().unwrap();
}
