//! The fingerprint of a request: its input as it was given, after normalisation, never what it resolved to. It is
//! stored with the idempotency key for ever, so the form of every field is fixed here and not by a `Debug` text.
//!
//! What names a person by a number is kept with the server's secret as its key, because numbers can be tried out. What
//! names one by an id tells no more than the journal does, and is known again even by a server that lost its secret.

use amvaj_domain::{
    earn::BasketLine,
    id::BranchId,
    ledger::{Body, Digest, RefundSpec},
    member::MemberLookup,
    points::Points,
    text::ReceiptNumber,
    time::Instant,
};
use uuid::Uuid;

use super::points::PointsRequest;
use crate::auth::{Purpose, ServerSecret};

/// Collects the fields of an input in order.
pub(super) struct Fingerprint {
    fields: Vec<Vec<u8>>,
    /// Whether one of them is what somebody is known by outside the network.
    names_somebody: bool,
}

impl Fingerprint {
    /// A request of this kind, with what all of them have.
    pub(super) fn of(kind: &str, request: &PointsRequest) -> Self {
        let mut fields = Self { fields: vec![kind.as_bytes().to_vec()], names_somebody: false };
        fields.branch(request.named);
        fields.time(request.occurred_at);
        fields
    }

    pub(super) fn member(mut self, member: &MemberLookup) -> Self {
        self.names_somebody |= match member {
            MemberLookup::Id(_) | MemberLookup::Wallet(_) => false,
            MemberLookup::Mobile(_) | MemberLookup::CardNumber(_) | MemberLookup::Customer { .. } => true,
        };
        self.fields.push(
            match member {
                MemberLookup::Id(id) => format!("id:{}", id.uuid().simple()),
                MemberLookup::Wallet(id) => format!("wallet:{}", id.uuid().simple()),
                MemberLookup::Mobile(mobile) => format!("mobile:{mobile}"),
                MemberLookup::CardNumber(card) => format!("card:{card}"),
                MemberLookup::Customer { merchant, customer_ref } => {
                    format!("customer:{}:{customer_ref}", merchant.uuid().simple())
                }
            }
            .into_bytes(),
        );
        self
    }

    pub(super) fn points(mut self, points: Option<Points>) -> Self {
        self.number(points.map(Points::get));
        self
    }

    pub(super) fn seconds(mut self, seconds: Option<i64>) -> Self {
        self.number(seconds);
        self
    }

    pub(super) fn receipt(mut self, receipt: Option<&ReceiptNumber>) -> Self {
        self.text(receipt.map(ReceiptNumber::as_str));
        self
    }

    pub(super) fn hold(mut self, wallet: amvaj_domain::id::WalletId, seq: i64) -> Self {
        self.fields.push(wallet.uuid().into_bytes().to_vec());
        self.number(Some(seq));
        self
    }

    pub(super) fn id(mut self, id: Uuid) -> Self {
        self.fields.push(id.into_bytes().to_vec());
        self
    }

    pub(super) fn line(mut self, text: Option<&str>) -> Self {
        self.text(text);
        self
    }

    pub(super) fn count(mut self, number: Option<i64>) -> Self {
        self.number(number);
        self
    }

    pub(super) fn money(mut self, money: amvaj_domain::money::Money) -> Self {
        self.number(Some(money.minor_units()));
        self.text(Some(money.currency().code()));
        self
    }

    pub(super) fn lines(mut self, lines: &[BasketLine]) -> Self {
        self.number(i64::try_from(lines.len()).ok());
        for line in lines {
            self.number(Some(i64::from(line.line_no)));
            self.text(line.product.as_deref());
            self.text(line.category.as_deref());
            self.number(Some(line.amount));
            self.number(Some(line.quantity));
        }
        self
    }

    pub(super) fn refund(mut self, what: &RefundSpec) -> Self {
        match what {
            RefundSpec::Whole => self.text(Some("whole")),
            RefundSpec::Amount(amount) => {
                self.text(Some("amount"));
                self.number(Some(*amount));
            }
            RefundSpec::Lines(lines) => {
                self.text(Some("lines"));
                for (line_no, quantity) in lines {
                    self.number(Some(i64::from(*line_no)));
                    self.number(Some(*quantity));
                }
            }
        }
        self
    }

    pub(super) fn currency(mut self, currency: Option<amvaj_domain::money::Currency>) -> Self {
        self.text(currency.map(|currency| currency.to_string()).as_deref());
        self
    }

    /// The fingerprint, with a key where it has to have one.
    pub(super) fn body(&self, secret: &ServerSecret) -> Body {
        let plain = self.digest();
        if !self.names_somebody {
            return plain.into();
        }
        let fields: Vec<&[u8]> = self.fields.iter().map(Vec::as_slice).collect();
        let mut kept = [0; 16];
        for (place, byte) in kept.iter_mut().zip(secret.keyed_hash(Purpose::RequestBody, &fields)) {
            *place = byte;
        }
        Body::keyed(Digest::stored(Uuid::from_bytes(kept)), plain)
    }

    /// The fingerprint of an input that names nobody.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(self.fields.iter().map(Vec::as_slice))
    }

    fn branch(&mut self, branch: Option<BranchId>) {
        self.fields.push(branch.map(|id| id.uuid().into_bytes().to_vec()).unwrap_or_default());
    }

    fn time(&mut self, time: Option<Instant>) {
        self.number(time.map(Instant::micros));
    }

    /// An absent value and an empty one differ: only a present one has a mark before it.
    fn text(&mut self, text: Option<&str>) {
        self.fields.push(text.map(|text| format!("={text}").into_bytes()).unwrap_or_default());
    }

    fn number(&mut self, number: Option<i64>) {
        self.fields.push(number.map(|number| number.to_be_bytes().to_vec()).unwrap_or_default());
    }
}
