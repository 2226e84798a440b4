//! What is asked, and by whom: an endless row of turns, each of one request or of a few that follow from each other.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::question::{Asks, Question};
use super::world::{Party, World};
use crate::demo::random::Random;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// A merchant issues points for a purchase.
    Earn,
    /// A merchant reserves a point, then takes it: two requests.
    Hold,
    /// A member spends a point.
    Redeem,
    /// A purchase and its refund: two requests.
    Refund,
    /// A member looks at its balance.
    Balance,
    /// A member looks at the ten best of a leaderboard on which everybody is.
    TopTen,
    /// A member looks at the hundred best of it.
    TopHundred,
    /// A member looks at itself and three on each side of it.
    Neighbours,
    /// A gateway asks for a merchant by its key.
    Entity,
    /// A gateway asks for a hundred merchants by their keys in one request.
    Entities,
    /// A day at the till: of a hundred turns 55 earn, 20 look at a balance, 15 redeem, and 10 hold and capture; 5 of the 55
    /// purchases come back.
    Till,
    /// Every purchase is at the same merchant.
    HotMerchant,
    /// Few members buy much and many buy little: how often one buys is in inverse proportion to its rank.
    ZipfWallets,
    /// One purchase of ten is sent again with its key.
    Replays,
    /// One request of ten wants more points than there are.
    Rejections,
}

/// How often what is asked in a day at the till.
const TILL: [(Scenario, i64); 4] =
    [(Scenario::Earn, 55), (Scenario::Balance, 20), (Scenario::Redeem, 15), (Scenario::Hold, 10)];
/// Purchases of a thousand at the till that come back.
const COME_BACK: i64 = 91;

/// Keys in one request of a gateway.
const A_HUNDRED: usize = 100;

/// Requests of a thousand that are sent again, or to be refused.
const ODD_ONES: i64 = 100;
/// More points than the bench ever gives a wallet.
const TOO_MANY: &str = "900000000000000";

impl Scenario {
    /// What is measured when nothing is named.
    pub const USUAL: [Self; 5] = [Self::Earn, Self::Hold, Self::Redeem, Self::Refund, Self::Balance];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Hold => "hold",
            Self::Redeem => "redeem",
            Self::Refund => "refund",
            Self::Balance => "balance",
            Self::TopTen => "top-ten",
            Self::TopHundred => "top-hundred",
            Self::Neighbours => "neighbours",
            Self::Entity => "entity",
            Self::Entities => "entities",
            Self::Till => "till",
            Self::HotMerchant => "hot-merchant",
            Self::ZipfWallets => "zipf-wallets",
            Self::Replays => "replays",
            Self::Rejections => "rejections",
        }
    }

    /// Whether it is about a leaderboard.
    pub const fn needs_board(self) -> bool {
        matches!(self, Self::TopTen | Self::TopHundred | Self::Neighbours)
    }

    /// Whether it asks and changes nothing.
    pub const fn only_reads(self) -> bool {
        matches!(self, Self::Balance | Self::Entity | Self::Entities) || self.needs_board()
    }

    /// The first request of a turn. `before` is the last purchase of the same connection.
    pub(super) fn question<'a>(
        self,
        world: &'a World,
        random: &mut Random,
        key: &str,
        before: Option<&Question<'a>>,
    ) -> Question<'a> {
        let merchant = match self {
            Self::HotMerchant => world.first_merchant(),
            _ => world.merchant(random),
        };
        let member = match self {
            Self::ZipfWallets => world.member_by_rank(random),
            _ => world.member(random),
        };
        let is_odd = random.chance(ODD_ONES);
        match self {
            Self::Earn | Self::Refund | Self::HotMerchant | Self::ZipfWallets => {
                earn(world, random, merchant, member, key)
            }
            Self::Replays => match before.filter(|_| is_odd) {
                Some(before) => before.clone(),
                None => earn(world, random, merchant, member, key),
            },
            Self::Rejections if is_odd => {
                spend(Asks::Redeem, merchant, member, key, TOO_MANY).refused_with("INSUFFICIENT_POINTS")
            }
            Self::Redeem | Self::Rejections => spend(Asks::Redeem, merchant, member, key, "1"),
            Self::Hold => spend(Asks::Hold, merchant, member, key, "1"),
            Self::Balance => Question::query(Asks::Balance, &member.token),
            Self::TopTen => Question::query_of(Asks::TopTen, &member.token, world.board()),
            Self::TopHundred => Question::query_of(Asks::TopHundred, &member.token, world.board()),
            Self::Neighbours => Question::query_of(Asks::Neighbours, &member.token, world.board()),
            Self::Entity => Question::entities(&member.token, &[merchant.id.as_str()]),
            Self::Entities => {
                let merchants: Vec<&str> =
                    (0..A_HUNDRED).map(|_| world.merchant(random).id.as_str()).collect();
                Question::entities(&member.token, &merchants)
            }
            Self::Till => {
                let drawn = random.weighted(&TILL.map(|(_, weight)| weight));
                let (scenario, _) = TILL.get(drawn).copied().unwrap_or((Self::Earn, 0));
                scenario.question(world, random, key, before)
            }
        }
    }

    /// What is asked next in the same turn: a hold is captured, and a purchase refunded where that is measured.
    pub(super) fn follow_up<'a>(
        self,
        asked: &Question<'a>,
        random: &mut Random,
        (before, key): (&str, &str),
        answer: &Value,
    ) -> Option<Question<'a>> {
        match (self, asked.asks) {
            (_, Asks::Hold) => {
                let hold = answer.pointer("/data/holdPoints/hold/id")?;
                let input = json!({ "idempotencyKey": key, "holdId": hold });
                Some(Question::mutation(Asks::Capture, asked.token, &input))
            }
            (Self::Refund, Asks::Earn) => Some(refund(asked.token, key, before)),
            (Self::Till, Asks::Earn) if random.chance(COME_BACK) => Some(refund(asked.token, key, before)),
            _ => None,
        }
    }
}

/// A purchase, whose receipt has the number of the key.
fn earn<'a>(
    world: &World,
    random: &mut Random,
    merchant: &'a Party,
    member: &Party,
    key: &str,
) -> Question<'a> {
    let amount = random.between(1, 5_000).to_string() + "000";
    let input = json!({
        "idempotencyKey": key,
        "receiptNumber": key,
        "amount": { "amount": amount, "currency": world.currency() },
        "member": { "id": member.id },
    });
    Question::mutation(Asks::Earn, &merchant.token, &input)
}

fn spend<'a>(asks: Asks, merchant: &'a Party, member: &Party, key: &str, points: &str) -> Question<'a> {
    let input = json!({ "idempotencyKey": key, "points": points, "member": { "id": member.id } });
    Question::mutation(asks, &merchant.token, &input)
}

fn refund<'a>(token: &'a str, key: &str, receipt: &str) -> Question<'a> {
    let input = json!({ "idempotencyKey": key, "receiptNumber": receipt, "what": { "whole": true } });
    Question::mutation(Asks::Refund, token, &input)
}
