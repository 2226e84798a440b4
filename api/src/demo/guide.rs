//! What the demo tells its visitors' GraphiQL: who one can be, with a token each, and values that fill the examples.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{cast::OWNER, network::MERCHANTS, rewards::first_reward, script::Script, welcome::Welcome};
use crate::graphql::global_id::GlobalId;

/// Who one can be in the demo, and what to put into the examples.
#[derive(Debug, Clone, Serialize)]
pub struct Guide {
    /// Names the network, so that values of another demo at this address are not mixed up with this one's.
    pub edition: String,
    /// Whom each role stands for.
    pub roles: BTreeMap<&'static str, Person>,
    /// Values by the name of their place in the examples, such as `member.mobile`.
    pub examples: BTreeMap<&'static str, String>,
    /// How many merchants, members and events there are.
    #[serde(skip)]
    pub size: (usize, usize, usize),
}

/// Somebody to be.
#[derive(Debug, Clone, Serialize)]
pub struct Person {
    /// A name to show.
    pub name: String,
    /// An access token.
    pub token: String,
}

impl Guide {
    /// The guide to the people of a welcome: the script's liveliest member and its first merchant. Nothing when the
    /// script is empty.
    pub fn new(edition: &str, script: &Script, welcome: &Welcome) -> Option<Self> {
        let member = script.liveliest()?;
        let shop = script.shops.first()?;
        let person = |(name, token): &(String, String)| Person { name: name.clone(), token: token.clone() };
        Some(Self {
            edition: edition.to_owned(),
            size: (MERCHANTS.len(), script.members.len(), script.events.len()),
            roles: BTreeMap::from([
                ("shopper", person(&welcome.member)),
                ("till", person(&welcome.merchant)),
                ("operator", Person { name: "the operator".to_owned(), token: welcome.operator.clone() }),
            ]),
            examples: BTreeMap::from([
                ("member.mobile", member.mobile.to_string()),
                ("merchant.id", welcome.merchant_id.clone()),
                ("owner.mobile", OWNER.1.to_owned()),
                ("board.id", GlobalId::Leaderboard(*script.boards.first()?).write().0),
                ("reward.id", GlobalId::Reward(first_reward(shop.merchant)).write().0),
                ("branch.id", GlobalId::Branch(*shop.branches.first()?).write().0),
            ]),
        })
    }
}
