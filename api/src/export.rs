//! What stands in exported files: rows of operations as CSV or JSON lines, and all that is held about a member as JSON lines.
//!
//! Names and ids are those of the GraphQL API, so that what a file names can be asked for there. Amounts are whole numbers,
//! times are RFC 3339 in UTC. Fields may be added at the end of a row; none is taken away or changes its meaning.

mod row;

use amvaj_domain::access::Subject;
use amvaj_domain::export::ExportFormat;
use amvaj_domain::id::{MerchantId, WalletId};
use amvaj_domain::ledger::{Hold, HoldState, Lot, LotState, Wallet, WalletStatus};
use amvaj_domain::member::Member;
use amvaj_domain::relation::Relation;
use amvaj_domain::reward::{Redemption, RedemptionState};
use amvaj_domain::time::Instant;
use amvaj_infra::access::Session;
use amvaj_infra::export::{Held, Pen, ShownOperation};

use crate::graphql::global_id::GlobalId;
use crate::graphql::member::MemberStatus;
use crate::graphql::operation::{OperationKind, RejectionCode};
use crate::graphql::relation::{Consent, RelationSource};
use row::{Cell, Row, name};

/// The columns of a file of operations.
const COLUMNS: [&str; 25] = [
    "operationId",
    "sequence",
    "kind",
    "status",
    "rejection",
    "points",
    "amount",
    "currency",
    "merchantId",
    "merchantName",
    "branchId",
    "branchName",
    "memberId",
    "customerRef",
    "walletId",
    "receiptNumber",
    "followsOperationId",
    "occurredAt",
    "recordedAt",
    "postedAfter",
    "heldAfter",
    "availableAfter",
    "pendingAfter",
    "debtAfter",
    "purchaseId",
];

/// Writes rows as clients know what is in them.
#[derive(Debug, Clone, Copy)]
pub struct ExportPen;

impl Pen for ExportPen {
    fn head(&self, format: ExportFormat, out: &mut String) {
        if format == ExportFormat::Csv {
            row::csv(COLUMNS.iter().map(|column| Cell::Word((*column).to_owned())), out);
        }
    }

    fn operation(&self, format: ExportFormat, operation: &ShownOperation<'_>, out: &mut String) {
        let cells = operation_cells(operation);
        match format {
            ExportFormat::Csv => row::csv(cells.into_iter(), out),
            ExportFormat::JsonLines => Row::of(COLUMNS.into_iter().zip(cells)).json(out),
        }
    }

    fn held(&self, held: &Held, out: &mut String) {
        match held {
            Held::Profile(member) => profile(member),
            Held::Boards { hidden } => Row::new("leaderboards").with("visible", Cell::Flag(!hidden)),
            Held::Reference(merchant, reference) => Row::new("reference")
                .with("merchantId", id(GlobalId::Merchant(*merchant)))
                .with("customerRef", Cell::Text(reference.to_string())),
            Held::Relation(relation) => relation_row(relation),
            Held::Session(session) => session_row(session),
            Held::Wallet(wallet) => wallet_row(wallet),
            Held::Lot(wallet, lot) => lot_row(*wallet, lot),
            Held::Hold(wallet, hold) => hold_row(*wallet, hold),
            Held::Redemption(redemption) => redemption_row(redemption),
        }
        .json(out);
    }

    fn held_operation(&self, operation: &ShownOperation<'_>, out: &mut String) {
        let cells = COLUMNS.into_iter().zip(operation_cells(operation));
        cells.fold(Row::new("operation"), |row, (column, cell)| row.with(column, cell)).json(out);
    }
}

/// The cells of [`COLUMNS`], in their order.
fn operation_cells(shown: &ShownOperation<'_>) -> [Cell; COLUMNS.len()] {
    let (wallet, op) = (shown.operation.wallet, &shown.operation.op);
    let after = |points: amvaj_domain::points::Points| {
        if shown.shows_balance { Cell::Number(points.get()) } else { Cell::Nothing }
    };
    let is_purchase = op.kind == amvaj_domain::ledger::OpKind::Earn && op.rejection.is_none();
    let money = op.money.zip(shown.merchant);
    [
        id(GlobalId::Operation(wallet, op.seq)),
        Cell::Number(op.seq),
        name(OperationKind::from(op.kind)),
        Cell::Word(if op.rejection.is_some() { "REJECTED" } else { "APPLIED" }.to_owned()),
        op.rejection.map_or(Cell::Nothing, |rejection| name(RejectionCode::from(rejection))),
        Cell::Number(op.amount.get()),
        money.map_or(Cell::Nothing, |(money, _)| Cell::Number(money)),
        money.map_or(Cell::Nothing, |(_, merchant)| Cell::Word(merchant.currency.to_string())),
        merchant_id(op.merchant),
        text(shown.merchant.map(|merchant| merchant.names.en.as_str())),
        op.branch.map_or(Cell::Nothing, |branch| id(GlobalId::Branch(branch))),
        text(shown.branch.map(|branch| branch.names.en.as_str())),
        shown.member.map_or(Cell::Nothing, |member| id(GlobalId::Member(member))),
        text(shown.customer_ref.map(amvaj_domain::text::CustomerRef::as_str)),
        id(GlobalId::Wallet(wallet)),
        text(op.receipt.as_ref().map(amvaj_domain::text::ReceiptNumber::as_str)),
        op.ref_seq.map_or(Cell::Nothing, |seq| id(GlobalId::Operation(wallet, seq))),
        Cell::Moment(op.occurred_at),
        Cell::Moment(op.recorded_at),
        after(op.after.posted),
        after(op.after.held),
        after(op.after.available()),
        after(op.after.pending),
        after(op.after.debt),
        if is_purchase { id(GlobalId::Purchase(wallet, op.seq)) } else { Cell::Nothing },
    ]
}

fn profile(member: &Member) -> Row {
    Row::new("profile")
        .with("memberId", id(GlobalId::Member(member.id)))
        .with("name", Cell::Text(member.name.to_string()))
        .with("mobile", Cell::Text(member.mobile.to_string()))
        .with("cardNumber", text(member.card_number.as_ref().map(amvaj_domain::text::CardNumber::as_str)))
        .with("language", text(member.language.map(amvaj_domain::language::Language::code)))
        .with("status", name(MemberStatus::from(member.status)))
        .with("enrolledAt", Cell::Moment(member.enrolled_at))
}

fn relation_row(relation: &Relation) -> Row {
    Row::new("relation")
        .with("merchantId", id(GlobalId::Merchant(relation.merchant)))
        .with("since", Cell::Moment(relation.since))
        .with("source", name(RelationSource::from(relation.source)))
        .with("consent", relation.consent.map_or(Cell::Nothing, |(consent, _)| name(Consent::from(consent))))
        .with("consentedAt", moment(relation.consent.map(|(_, at)| at)))
}

fn session_row(session: &Session) -> Row {
    let member = match session.subject {
        Subject::Member(member) => id(GlobalId::Member(member)),
        Subject::Staff(_) | Subject::User(_) => Cell::Nothing,
    };
    Row::new("session")
        .with("sessionId", id(GlobalId::Session(session.id)))
        .with("memberId", member)
        .with("userAgent", Cell::Text(session.user_agent.clone()))
        .with("createdAt", Cell::Moment(session.created_at))
        .with("usedAt", Cell::Moment(session.used_at))
        .with("expiresAt", Cell::Moment(session.expires_at))
}

fn wallet_row(wallet: &Wallet) -> Row {
    let status = match wallet.status {
        WalletStatus::Open => "OPEN",
        WalletStatus::Blocked => "BLOCKED",
    };
    Row::new("wallet")
        .with("walletId", id(GlobalId::Wallet(wallet.id)))
        .with("status", Cell::Word(status.to_owned()))
        .with("posted", Cell::Number(wallet.balances.posted.get()))
        .with("held", Cell::Number(wallet.balances.held.get()))
        .with("available", Cell::Number(wallet.balances.available().get()))
        .with("pending", Cell::Number(wallet.balances.pending.get()))
        .with("debt", Cell::Number(wallet.balances.debt.get()))
        .with("version", Cell::Number(wallet.version))
}

fn lot_row(wallet: WalletId, lot: &Lot) -> Row {
    let state = match lot.state {
        LotState::Pending => "PENDING",
        LotState::Active => "ACTIVE",
    };
    let never = lot.expires_at.micros() == i64::MAX;
    Row::new("lot")
        .with("walletId", id(GlobalId::Wallet(wallet)))
        .with("number", Cell::Number(lot.lot_no))
        .with("issuerId", merchant_id(Some(lot.issuer)))
        .with("original", Cell::Number(lot.original.get()))
        .with("remaining", Cell::Number(lot.remaining.get()))
        .with("reserved", Cell::Number(lot.reserved.get()))
        .with("state", Cell::Word(state.to_owned()))
        .with("activeFrom", Cell::Moment(lot.active_from))
        .with("expiresAt", moment((!never).then_some(lot.expires_at)))
        .with("onlyAtMerchantId", merchant_id(lot.restriction))
}

fn hold_row(wallet: WalletId, hold: &Hold) -> Row {
    let status = match hold.state {
        HoldState::Open => "OPEN",
        HoldState::Captured => "CAPTURED",
        HoldState::Released => "RELEASED",
        HoldState::Expired => "EXPIRED",
    };
    Row::new("hold")
        .with("holdId", id(GlobalId::Hold(wallet, hold.seq)))
        .with("merchantId", merchant_id(Some(hold.merchant)))
        .with("status", Cell::Word(status.to_owned()))
        .with("points", Cell::Number(hold.amount.get()))
        .with("expiresAt", Cell::Moment(hold.expires_at))
}

fn redemption_row(redemption: &Redemption) -> Row {
    let status = match redemption.state {
        RedemptionState::Pending => "PENDING",
        RedemptionState::Reserved => "RESERVED",
        RedemptionState::Captured => "CAPTURED",
        RedemptionState::Released => "RELEASED",
        RedemptionState::Expired => "EXPIRED",
        RedemptionState::Refused => "REFUSED",
    };
    Row::new("redemption")
        .with("redemptionId", id(GlobalId::Redemption(redemption.id)))
        .with("rewardId", id(GlobalId::Reward(redemption.reward)))
        .with("merchantId", merchant_id(Some(redemption.merchant)))
        .with("status", Cell::Word(status.to_owned()))
        .with("points", Cell::Number(redemption.points.get()))
        .with("createdAt", Cell::Moment(redemption.created_at))
        .with("expiresAt", moment(redemption.expires_at))
        .with("endedAt", moment(redemption.ended_at))
}

fn id(of: GlobalId) -> Cell {
    let async_graphql::ID(text) = of.write();
    Cell::Word(text)
}

fn merchant_id(merchant: Option<MerchantId>) -> Cell {
    merchant.map_or(Cell::Nothing, |merchant| id(GlobalId::Merchant(merchant)))
}

fn text(text: Option<&str>) -> Cell {
    text.map_or(Cell::Nothing, |text| Cell::Text(text.to_owned()))
}

fn moment(at: Option<Instant>) -> Cell {
    at.map_or(Cell::Nothing, Cell::Moment)
}
