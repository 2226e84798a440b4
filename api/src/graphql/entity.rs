//! Entities: objects that other subgraphs refer to by their keys and extend with fields of their own (Apollo Federation,
//! version 2).
//!
//! A gateway asks for them as `_entities(representations)`, past every root field. So what is found by an id is what
//! `node` finds for the same caller, and a member by a merchant's reference is the one that `member` finds. What is wrong
//! with one representation is told of it alone: null stands in its place, and the others are answered.

use std::borrow::Cow;

use async_graphql::registry::{MetaType, Registry};
use async_graphql::{Context, ID, Name, OutputType, Result, ServerResult, Value, indexmap::IndexMap};

use super::error::Code;
use super::member::{CustomerRefInput, Member};
use super::node::{self, Node};
use crate::language::Message;

/// The key that every entity has.
pub const ID_KEY: &str = "id";
/// How a merchant's own systems name a member.
const MERCHANT_REF_KEY: &str = "merchantRef { merchantId customerRef }";

/// Every entity with its keys.
pub const ENTITIES: &[(&str, &[&str])] = &[
    ("Merchant", &[ID_KEY]),
    ("Branch", &[ID_KEY]),
    ("Member", &[ID_KEY, MERCHANT_REF_KEY]),
    ("Wallet", &[ID_KEY]),
    ("Operation", &[ID_KEY]),
    ("Hold", &[ID_KEY]),
    ("Purchase", &[ID_KEY]),
    ("Reward", &[ID_KEY]),
    ("Redemption", &[ID_KEY]),
    ("Leaderboard", &[ID_KEY]),
    ("WebhookEndpoint", &[ID_KEY]),
    ("WebhookDelivery", &[ID_KEY]),
];

/// What a representation names an object by.
enum Key {
    Id(ID),
    MerchantRef(CustomerRefInput),
}

/// A representation: a type with one of its keys.
struct Representation<'a> {
    typename: &'a str,
    key: Key,
}

/// The answer for one representation: what is selected of the object that it names, or null.
pub(super) async fn resolve(ctx: &Context<'_>, representation: &Value) -> ServerResult<Option<Value>> {
    let answer = async {
        let found = match Representation::read(representation, &ctx.schema_env.registry) {
            Ok(representation) => representation.find(ctx).await,
            Err(problem) => Err(Code::BadUserInput.saying(problem)),
        };
        match found.map_err(|error| ctx.set_error_path(error.into_server_error(ctx.item.pos)))? {
            Some(object) => {
                object.resolve(&ctx.with_selection_set(&ctx.item.node.selection_set), ctx.item).await
            }
            None => Ok(Value::Null),
        }
    };
    // An error would end the whole list.
    Ok(Some(answer.await.unwrap_or_else(|error| {
        ctx.add_error(error);
        Value::Null
    })))
}

impl<'a> Representation<'a> {
    /// Reads what a gateway sent, by the keys that the served schema has.
    fn read(representation: &'a Value, registry: &Registry) -> Result<Self, Message> {
        let Value::Object(fields) = representation else {
            return Err(Message::new("representation-without-typename"));
        };
        let Some(Value::String(typename)) = fields.get("__typename") else {
            return Err(Message::new("representation-without-typename"));
        };
        let keys = keys(registry, typename)
            .ok_or_else(|| Message::new("representation-of-no-entity").with("type", typename.as_str()))?;
        let key = keys.iter().find_map(|key| Key::read(key, fields)).ok_or_else(|| {
            let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
            Message::new("representation-without-key")
                .with("type", typename.as_str())
                .with("keys", keys.join(" / "))
        })?;
        Ok(Self { typename, key })
    }

    /// The object, when there is one that the caller may see and it is of the type that is named.
    async fn find(self, ctx: &Context<'_>) -> Result<Option<Node>> {
        let found = match self.key {
            Key::Id(id) => node::find(ctx, &id).await?,
            Key::MerchantRef(reference) => Member::of_customer(ctx, &reference).await?.map(Node::Member),
        };
        Ok(found.filter(|object| object.introspection_type_name() == Cow::Borrowed(self.typename)))
    }
}

impl Key {
    fn read(key: &str, fields: &IndexMap<Name, Value>) -> Option<Self> {
        match key {
            MERCHANT_REF_KEY => {
                let Some(Value::Object(reference)) = fields.get("merchantRef") else { return None };
                let Some(Value::String(customer_ref)) = reference.get("customerRef") else { return None };
                let merchant_id = Some(id(reference.get("merchantId")?)?);
                Some(Self::MerchantRef(CustomerRefInput { merchant_id, customer_ref: customer_ref.clone() }))
            }
            _ => id(fields.get(ID_KEY)?).map(Self::Id),
        }
    }
}

/// An id as GraphQL lets it be written.
fn id(value: &Value) -> Option<ID> {
    match value {
        Value::String(text) => Some(ID(text.clone())),
        Value::Number(number) => Some(ID(number.to_string())),
        _ => None,
    }
}

/// The keys by which the served schema finds objects of a type; nothing when it finds none.
fn keys<'a>(registry: &'a Registry, typename: &str) -> Option<&'a [String]> {
    match registry.types.get(typename)? {
        MetaType::Object { keys: Some(keys), resolvable: true, .. } => Some(keys),
        _ => None,
    }
}
