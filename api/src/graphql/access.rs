//! Who may ask for which root field: one table, enforced by the roots themselves.
//!
//! The table says what a role may do at all; whose members, wallets and operations it then sees is for the readers,
//! which are made for a caller. A root field that is not in the table answers nobody.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use amvaj_domain::access::{Identity, Role, Scope};
use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Error, ObjectType, OutputType, Positioned, Response,
    ServerResult, SubscriptionType, Value,
};
use futures_util::stream::{self, BoxStream, StreamExt as _};

use super::context::identity_if_any;
use super::entity;
use super::error::Code;
use crate::language::Message;

/// Who may ask for a root field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a token too.
    Anyone,
    /// Whoever has a token, whatever it is for.
    SignedIn,
    /// These roles, each with the scope that it needs, if it needs one.
    Roles(&'static [(Role, Option<Scope>)]),
}

use Role::{Agent, Member, Merchant, Operator};

const OPERATOR_OF_NETWORK: Access = Access::Roles(&[(Operator, Some(Scope::NetworkManage))]);
const MEMBERS_READERS: Access = Access::Roles(&[
    (Operator, Some(Scope::MembersRead)),
    (Agent, Some(Scope::MembersRead)),
    (Merchant, Some(Scope::MembersRead)),
    (Member, None),
]);
const OPERATIONS_READERS: Access = Access::Roles(&[
    (Operator, Some(Scope::OperationsRead)),
    (Agent, Some(Scope::OperationsRead)),
    (Merchant, Some(Scope::OperationsRead)),
    (Member, None),
]);
const STAFF_MANAGERS: Access =
    Access::Roles(&[(Operator, Some(Scope::StaffManage)), (Merchant, Some(Scope::StaffManage))]);
const KEYS_MANAGER: Access =
    Access::Roles(&[(Operator, Some(Scope::KeysManage)), (Merchant, Some(Scope::KeysManage))]);
const WEBHOOKS_MANAGER: Access = Access::Roles(&[(Merchant, Some(Scope::WebhooksManage))]);
const EXPORTERS: Access =
    Access::Roles(&[(Operator, Some(Scope::OperationsRead)), (Merchant, Some(Scope::OperationsRead))]);
const EXPORT_READERS: Access =
    Access::Roles(&[(Operator, None), (Merchant, Some(Scope::OperationsRead)), (Member, None)]);
const USERS_MANAGER: Access = Access::Roles(&[(Operator, Some(Scope::UsersManage))]);
const USERS: Access = Access::Roles(&[(Operator, None), (Agent, None)]);
const REWARDS_MANAGER: Access = Access::Roles(&[(Merchant, Some(Scope::RewardsManage))]);
const REDEEMERS_OF_REWARDS: Access = Access::Roles(&[(Merchant, Some(Scope::PointsRedeem)), (Member, None)]);
const EARNER: Access = Access::Roles(&[(Merchant, Some(Scope::PointsEarn))]);
const REDEEMER: Access = Access::Roles(&[(Merchant, Some(Scope::PointsRedeem))]);

/// Every root field and who may ask for it.
pub const ROOT_FIELDS: &[(&str, Access)] = &[
    // Everybody.
    ("ledgerHeads", Access::Anyone),
    ("network", Access::Anyone),
    ("rateLimit", Access::Anyone),
    ("version", Access::Anyone),
    ("viewer", Access::Anyone),
    // Whoever is known; what is found depends on who that is.
    ("node", Access::SignedIn),
    ("nodes", Access::SignedIn),
    ("merchant", Access::SignedIn),
    ("merchants", Access::SignedIn),
    // Log-ins. Whoever logs in has a code at most, and whoever refreshes a session its refresh token.
    ("requestLoginCode", Access::Anyone),
    ("verifyLoginCode", Access::Anyone),
    ("refreshSession", Access::Anyone),
    ("sessions", Access::SignedIn),
    ("endSession", Access::SignedIn),
    ("endSessionsOf", Access::Roles(&[(Operator, None)])),
    // Members and their wallets.
    ("member", MEMBERS_READERS),
    ("wallet", MEMBERS_READERS),
    ("members", Access::Roles(&[(Operator, Some(Scope::MembersRead)), (Agent, Some(Scope::MembersRead))])),
    (
        "enrolMember",
        Access::Roles(&[(Operator, Some(Scope::MembersEnrol)), (Merchant, Some(Scope::MembersEnrol))]),
    ),
    ("linkCustomer", Access::Roles(&[(Merchant, Some(Scope::MembersEnrol))])),
    ("setLanguage", Access::Roles(&[(Member, None)])),
    ("setConsent", Access::Roles(&[(Member, None)])),
    ("withdrawConsent", Access::Roles(&[(Member, None)])),
    ("blockMember", Access::Roles(&[(Operator, Some(Scope::MembersManage))])),
    ("unblockMember", Access::Roles(&[(Operator, Some(Scope::MembersManage))])),
    ("eraseMember", Access::Roles(&[(Operator, Some(Scope::MembersManage)), (Member, None)])),
    // Leaderboards, which show members by name; which of them a caller sees is for `app::boards`.
    ("leaderboards", MEMBERS_READERS),
    ("leaderboard", MEMBERS_READERS),
    ("leaderboardAround", MEMBERS_READERS),
    ("myRank", Access::Roles(&[(Member, None)])),
    ("setLeaderboardVisibility", Access::Roles(&[(Member, None)])),
    ("createLeaderboard", OPERATOR_OF_NETWORK),
    ("closeLeaderboard", OPERATOR_OF_NETWORK),
    // What happens, as it happens.
    ("walletChanged", MEMBERS_READERS),
    ("operationRecorded", Access::Roles(&[(Merchant, Some(Scope::OperationsRead))])),
    ("leaderboardChanged", MEMBERS_READERS),
    // A merchant's people.
    ("addStaff", STAFF_MANAGERS),
    ("setStaffPosts", STAFF_MANAGERS),
    ("removeStaff", STAFF_MANAGERS),
    // Points.
    ("operations", OPERATIONS_READERS),
    ("purchase", OPERATIONS_READERS),
    ("quoteEarn", EARNER),
    ("earnPoints", EARNER),
    ("earnPointsBulk", EARNER),
    ("redeemPoints", REDEEMER),
    ("holdPoints", REDEEMER),
    ("captureHold", REDEEMER),
    ("releaseHold", REDEEMER),
    ("refundPurchase", Access::Roles(&[(Merchant, Some(Scope::PointsRefund))])),
    // Rewards. A member redeems for itself, a till for whom it names.
    ("reward", Access::SignedIn),
    ("rewards", Access::SignedIn),
    ("redemptions", OPERATIONS_READERS),
    ("createReward", REWARDS_MANAGER),
    ("updateReward", REWARDS_MANAGER),
    ("changeRewardStock", REWARDS_MANAGER),
    ("closeReward", REWARDS_MANAGER),
    ("reopenReward", REWARDS_MANAGER),
    ("redeemReward", REDEEMERS_OF_REWARDS),
    ("captureRedemption", REDEEMER),
    ("releaseRedemption", REDEEMERS_OF_REWARDS),
    ("redemptionChanged", Access::Roles(&[(Merchant, Some(Scope::OperationsRead)), (Member, None)])),
    // API keys.
    ("createApiKey", KEYS_MANAGER),
    ("rotateApiKey", KEYS_MANAGER),
    ("revokeApiKey", KEYS_MANAGER),
    ("exchangeApiKey", Access::Anyone),
    // Webhooks.
    ("createWebhookEndpoint", WEBHOOKS_MANAGER),
    ("updateWebhookEndpoint", WEBHOOKS_MANAGER),
    ("removeWebhookEndpoint", WEBHOOKS_MANAGER),
    ("rotateWebhookSecret", WEBHOOKS_MANAGER),
    ("pingWebhookEndpoint", WEBHOOKS_MANAGER),
    ("replayWebhookEvents", WEBHOOKS_MANAGER),
    ("redeliverWebhookEvent", WEBHOOKS_MANAGER),
    // Files that are made in the background. Whose they are is for `app::exports`.
    ("exportOperations", EXPORTERS),
    ("exportMember", Access::Roles(&[(Operator, Some(Scope::MembersManage)), (Member, None)])),
    ("export", EXPORT_READERS),
    ("exports", EXPORT_READERS),
    // Operators and agents. Whoever logs in or is invited has no token yet.
    ("logIn", Access::Anyone),
    ("acceptInvitation", Access::Anyone),
    ("confirmTotp", Access::Anyone),
    ("users", USERS_MANAGER),
    ("inviteUser", USERS_MANAGER),
    ("renewInvitation", USERS_MANAGER),
    ("disableUser", USERS_MANAGER),
    ("enableUser", USERS_MANAGER),
    ("changePassword", USERS),
    ("replaceRecoveryCodes", USERS),
    ("resetTotp", USERS),
    // A sandbox's time.
    ("clock", Access::SignedIn),
    ("advanceClock", Access::Roles(&[(Operator, Some(Scope::NetworkManage)), (Merchant, None)])),
    // The audit log.
    ("auditLog", Access::Roles(&[(Operator, Some(Scope::AuditRead))])),
    // The network.
    ("registerMerchant", OPERATOR_OF_NETWORK),
    ("blockMerchant", OPERATOR_OF_NETWORK),
    ("unblockMerchant", OPERATOR_OF_NETWORK),
    ("registerBranch", OPERATOR_OF_NETWORK),
    ("closeBranch", OPERATOR_OF_NETWORK),
    ("reopenBranch", OPERATOR_OF_NETWORK),
    ("setEarnRule", OPERATOR_OF_NETWORK),
];

/// Who may ask for the schema itself, in a query and as the file `/schema.graphql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Introspection {
    /// Everybody.
    Everyone,
    /// Whoever has a token or key; the file nobody.
    SignedIn,
    /// Nobody.
    Nobody,
}

impl Introspection {
    /// The policy of a name in the configuration.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Everyone, Self::SignedIn, Self::Nobody].into_iter().find(|policy| policy.as_str() == text)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::SignedIn => "signed-in",
            Self::Nobody => "nobody",
        }
    }

    /// Whether whoever calls may ask.
    pub const fn allows(self, identity: Option<&Identity>) -> bool {
        match self {
            Self::Everyone => true,
            Self::SignedIn => identity.is_some(),
            Self::Nobody => false,
        }
    }
}

impl std::fmt::Display for Introspection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

static TABLE: LazyLock<HashMap<&'static str, Access>> =
    LazyLock::new(|| ROOT_FIELDS.iter().copied().collect());

impl Access {
    /// Whether whoever calls may ask, or the code of the refusal.
    pub fn check(self, identity: Option<&Identity>) -> Result<(), Denied> {
        match (self, identity) {
            (Self::Anyone, _) | (Self::SignedIn, Some(_)) => Ok(()),
            (Self::SignedIn | Self::Roles(_), None) => Err(Denied::NobodyCalls),
            (Self::Roles(roles), Some(identity)) => {
                let role = identity.caller.role();
                match roles.iter().find(|(allowed, _)| *allowed == role) {
                    None => Err(Denied::Role),
                    Some((_, Some(scope))) if !identity.may(*scope) => Err(Denied::Scope(*scope)),
                    Some(_) => Ok(()),
                }
            }
        }
    }
}

/// Why somebody may not ask for a root field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is no token.
    NobodyCalls,
    /// The role never may.
    Role,
    /// The token or key lacks the scope.
    Scope(Scope),
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NobodyCalls => Code::Unauthenticated.error(),
            Denied::Role => Code::Forbidden.error(),
            Denied::Scope(scope) => {
                Code::Forbidden.saying(Message::new("scope-needed").with("scope", scope.as_str()))
            }
        }
    }
}

/// Refuses the field to whoever may not ask for it.
fn allow(access: Access, ctx: &Context<'_>) -> ServerResult<()> {
    let refusal = |denied| ctx.set_error_path(Error::from(denied).into_server_error(ctx.item.pos));
    access.check(identity_if_any(ctx)).map_err(refusal)
}

/// Refuses whoever may not ask for the root field at hand.
fn allow_root(ctx: &Context<'_>) -> ServerResult<()> {
    let name = ctx.item.node.name.node.as_str();
    // What begins with two underscores is the library's own, such as `__typename`.
    if name.starts_with("__") {
        Ok(())
    } else {
        allow(TABLE.get(name).copied().unwrap_or(Access::Roles(&[])), ctx)
    }
}

/// A root of the schema that looks into the table before it resolves a field.
#[derive(Debug, Default)]
pub struct Guarded<T>(T);

#[async_trait::async_trait]
impl<T: ObjectType> ContainerType for Guarded<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        allow_root(ctx)?;
        self.0.resolve_field(ctx).await
    }

    /// `_entities` is as open as `nodes`; what each caller finds is for [`entity`].
    async fn find_entity(&self, ctx: &Context<'_>, representation: &Value) -> ServerResult<Option<Value>> {
        allow(Access::SignedIn, ctx)?;
        entity::resolve(ctx, representation).await
    }
}

#[async_trait::async_trait]
impl<T: ObjectType> OutputType for Guarded<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

impl<T: ObjectType> ObjectType for Guarded<T> {}

impl<T: SubscriptionType> SubscriptionType for Guarded<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    fn create_field_stream<'a>(&'a self, ctx: &'a Context<'_>) -> Option<BoxStream<'a, Response>> {
        match allow_root(ctx) {
            Ok(()) => self.0.create_field_stream(ctx),
            Err(denied) => Some(stream::once(async { Response::from_errors(vec![denied]) }).boxed()),
        }
    }
}
