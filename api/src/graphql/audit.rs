//! The audit log: who did what with a privilege.

use amvaj_domain::access::{Actor, Caller};
use amvaj_domain::audit::{self, ActKind, Target};
use amvaj_infra::audit as log;
use async_graphql::{Context, Enum, Error, ID, InputObject, Object, Result, SimpleObject};

use super::connection::{PageArguments, connection};
use super::context::app;
use super::error::{Code, fault};
use super::global_id::GlobalId;
use super::loader::loader;
use super::merchant::Merchant;
use super::node::{self, Node};
use super::scalar::DateTime;
use super::viewer::Role;
use crate::language::Message;
use amvaj_domain::sealed::hex;

/// What was done with a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "ActKind")]
pub enum AuditAct {
    /// A merchant was registered.
    MerchantRegistered,
    /// A merchant was blocked.
    MerchantBlocked,
    /// A blocked merchant was opened again.
    MerchantUnblocked,
    /// A branch was registered.
    BranchRegistered,
    /// A branch was closed.
    BranchClosed,
    /// A closed branch was opened again.
    BranchReopened,
    /// A version was added to a merchant's earn rule.
    EarnRuleSet,
    /// A member was enrolled by the operator.
    MemberEnrolled,
    /// Members were enrolled in bulk on the command line.
    MembersEnrolled,
    /// A member was blocked.
    MemberBlocked,
    /// A blocked member was opened again.
    MemberUnblocked,
    /// An operator or an agent looked for a member by mobile, card or a merchant's reference. The same look-up is told
    /// once in ten minutes, then with `times`.
    MemberLookedUp,
    /// An operator or an agent listed members. The same search is told once in ten minutes, then with `times`.
    MembersListed,
    /// Purchases were imported on the command line.
    PurchasesImported,
    /// An access token was made on the command line.
    TokenMade,
    /// A key that signs access tokens was made on the command line.
    SigningKeyMade,
    /// A key that signed access tokens was retired on the command line.
    SigningKeyRetired,
    /// A user was added on the command line.
    UserAdded,
    /// A user was invited.
    UserInvited,
    /// A user accepted an invitation and set a password.
    InvitationAccepted,
    /// A user was disabled.
    UserDisabled,
    /// A disabled user was enabled again.
    UserEnabled,
    /// A user's password was changed by its owner, or set on the command line.
    PasswordChanged,
    /// The secret of a user's one-time codes was replaced. With the detail `begun`, its owner has begun to replace it: the
    /// old one stays good until the first code of the new one.
    TotpReset,
    /// A user's recovery codes were replaced.
    RecoveryCodesReplaced,
    /// A user logged in.
    UserLoggedIn,
    /// Somebody failed to log in as a user. Repetitions within ten minutes are told once, with `times`.
    UserLogInFailed,
    /// A backup of the database was put back.
    BackupRestored,
    /// Somebody was added to a merchant's staff.
    StaffAdded,
    /// What one of a merchant's staff may do was changed.
    StaffChanged,
    /// Somebody was removed from a merchant's staff.
    StaffRemoved,
    /// An API key was made.
    ApiKeyMade,
    /// An API key was replaced by a new one.
    ApiKeyRotated,
    /// An API key was revoked.
    ApiKeyRevoked,
    /// A session was ended by somebody else than its owner.
    SessionEnded,
    /// What a merchant may see of a member was changed.
    ConsentChanged,
    /// A leaderboard was made.
    #[graphql(name = "LEADERBOARD_CREATED")]
    BoardMade,
    /// A leaderboard was closed.
    #[graphql(name = "LEADERBOARD_CLOSED")]
    BoardClosed,
    /// Leaderboards were counted anew on the command line.
    #[graphql(name = "LEADERBOARD_REBUILT")]
    BoardRebuilt,
    /// An operator or an agent looked at who stands on a leaderboard. Looks at the same one are told once in ten minutes,
    /// then with `times`.
    #[graphql(name = "LEADERBOARD_LOOKED_AT")]
    BoardLookedAt,
    /// An endpoint for webhooks was registered.
    #[graphql(name = "WEBHOOK_ENDPOINT_CREATED")]
    WebhookMade,
    /// An endpoint for webhooks was changed, disabled or enabled.
    #[graphql(name = "WEBHOOK_ENDPOINT_UPDATED")]
    WebhookChanged,
    /// An endpoint for webhooks was removed.
    #[graphql(name = "WEBHOOK_ENDPOINT_REMOVED")]
    WebhookRemoved,
    /// The secret of an endpoint for webhooks was replaced.
    WebhookSecretRotated,
    /// Operations were asked for as a file.
    OperationsExported,
    /// All that is held about a member was asked for as a file.
    MemberExported,
    /// An operator was given a link to a file of all that is held about a member. Links to the same file are told once in ten
    /// minutes, then with `times`.
    MemberFileLinked,
    /// A reward was offered.
    #[graphql(name = "REWARD_CREATED")]
    RewardMade,
    /// A reward was changed.
    #[graphql(name = "REWARD_UPDATED")]
    RewardChanged,
    /// The stock of a reward was changed.
    RewardStockChanged,
    /// A reward was closed.
    RewardClosed,
    /// A closed reward was opened again.
    RewardReopened,
    /// The time of a sandbox was let pass.
    ClockAdvanced,
    /// A member was erased.
    MemberErased,
}

/// What somebody who acted in person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "audit::ActorKind")]
pub enum AuditActorKind {
    /// Somebody who is not known, such as one who failed to log in.
    Unknown,
    /// Whoever may use the command line of the server.
    Console,
    /// An operator or an agent.
    User,
    /// One of a merchant's people.
    Staff,
    /// A merchant's program.
    ApiKey,
    /// A member.
    Member,
    /// The bearer of a token from an outside issuer.
    Outside,
}

/// Which entries of the audit log to list: those that meet all that is given.
#[derive(Debug, Default, InputObject)]
pub struct AuditFilter {
    /// Only what such actors did in person. Example: `CONSOLE`.
    pub actor_kind: Option<AuditActorKind>,
    /// Only what this actor did in person: global id of a user, a staff member, a key or a member.
    pub actor: Option<ID>,
    /// Only this act. Example: `MEMBER_BLOCKED`.
    pub act: Option<AuditAct>,
    /// Only what was done to this: global id of a merchant, branch, member, user, staff member, key,
    /// leaderboard, endpoint for webhooks or reward.
    pub target: Option<ID>,
    /// Only what was done at this time or later. Example: `"2026-11-24T08:00:00Z"`.
    pub from: Option<DateTime>,
    /// Only what was done before this time. Example: `"2026-11-25T08:00:00Z"`.
    pub until: Option<DateTime>,
}

connection! {
    /// Entries of the audit log, a page at a time, oldest first; `last` gives the newest.
    AuditConnection, AuditEdge, AuditEntry
}

/// Who acted in person.
#[derive(Debug, Clone, SimpleObject)]
pub struct AuditActor {
    /// What it is.
    pub kind: AuditActorKind,
    /// Its global id; null for the command line, outside issuers, and those whom nobody knows.
    pub id: Option<ID>,
}

/// One more thing that an entry tells.
#[derive(Debug, Clone, SimpleObject)]
pub struct AuditDetail {
    /// What it is. Example: `"issuePrice"`.
    pub name: String,
    /// The value as text. Numbers of people are masked. Example: `"100"`.
    pub value: String,
}

/// One thing that somebody did with a privilege. Entries are never changed: each has a hash over itself and the entry
/// before it, which `amvaj verify` checks.
pub struct AuditEntry(log::Entry);

/// Queries about the audit log.
#[derive(Default)]
pub struct AuditQueries;

#[Object]
impl AuditQueries {
    /// What was done with privileges, and by whom (operator, scope `audit:read`).
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which entries; all when left out.")] filter: Option<AuditFilter>,
    ) -> Result<AuditConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let filter = filter.unwrap_or_default().read()?;
        let page = app(ctx)?.audit.page(&filter, &request).await.map_err(fault)?;
        Ok(AuditConnection::new(page, |entry| entry.seq, AuditEntry))
    }
}

impl AuditFilter {
    fn read(self) -> Result<log::AuditFilter> {
        let actor = self.actor.as_ref().map(|id| actor(id).ok_or_else(|| foreign("actor"))).transpose()?;
        let target =
            self.target.as_ref().map(|id| target(id).ok_or_else(|| foreign("target"))).transpose()?;
        Ok(log::AuditFilter {
            actor_kind: self.actor_kind.map(audit::ActorKind::from),
            actor,
            kind: self.act.map(ActKind::from),
            target,
            from: self.from.map(|from| from.0),
            until: self.until.map(|until| until.0),
        })
    }
}

impl AuditActor {
    /// Whoever acted, as clients see it.
    pub fn of(actor: Option<Actor>) -> Self {
        let (kind, _) = audit::stored_actor(actor);
        let id = match actor {
            Some(Actor::User(id)) => Some(GlobalId::User(id)),
            Some(Actor::Staff(id)) => Some(GlobalId::Staff(id)),
            Some(Actor::ApiKey(id)) => Some(GlobalId::ApiKey(id)),
            Some(Actor::Member(id)) => Some(GlobalId::Member(id)),
            Some(Actor::Console | Actor::Outside) | None => None,
        };
        Self { kind: kind.into(), id: id.map(GlobalId::write) }
    }
}

fn foreign(field: &str) -> Error {
    Code::BadUserInput.saying(Message::new("audit-id-unknown").with("field", field))
}

fn actor(id: &ID) -> Option<Actor> {
    match GlobalId::read(id)? {
        GlobalId::User(id) => Some(Actor::User(id)),
        GlobalId::Staff(id) => Some(Actor::Staff(id)),
        GlobalId::ApiKey(id) => Some(Actor::ApiKey(id)),
        GlobalId::Member(id) => Some(Actor::Member(id)),
        _ => None,
    }
}

fn target(id: &ID) -> Option<Target> {
    match GlobalId::read(id)? {
        GlobalId::Merchant(id) => Some(Target::Merchant(id)),
        GlobalId::Branch(id) => Some(Target::Branch(id)),
        GlobalId::Member(id) => Some(Target::Member(id)),
        GlobalId::User(id) => Some(Target::User(id)),
        GlobalId::Staff(id) => Some(Target::Staff(id)),
        GlobalId::ApiKey(id) => Some(Target::ApiKey(id)),
        GlobalId::Leaderboard(id) => Some(Target::Board(id)),
        GlobalId::WebhookEndpoint(id) => Some(Target::Webhook(id)),
        GlobalId::Reward(id) => Some(Target::Reward(id)),
        _ => None,
    }
}

fn target_id(target: Target) -> Option<ID> {
    let id = match target {
        // A session is over soon and cannot be looked at afterwards.
        Target::Nothing | Target::Session(_) => return None,
        Target::Merchant(id) => GlobalId::Merchant(id),
        Target::Branch(id) => GlobalId::Branch(id),
        Target::Member(id) => GlobalId::Member(id),
        Target::User(id) => GlobalId::User(id),
        Target::Staff(id) => GlobalId::Staff(id),
        Target::ApiKey(id) => GlobalId::ApiKey(id),
        Target::Board(id) => GlobalId::Leaderboard(id),
        Target::Webhook(id) => GlobalId::WebhookEndpoint(id),
        Target::Reward(id) => GlobalId::Reward(id),
    };
    Some(id.write())
}

/// One thing that somebody did with a privilege. Entries are never changed: each has a hash over itself and the entry
/// before it, which `amvaj verify` checks.
#[Object]
impl AuditEntry {
    /// The entry's number, from 1 without gaps. Example: `42`.
    async fn number(&self) -> i32 {
        i32::try_from(self.0.seq).unwrap_or(i32::MAX)
    }

    /// When it was done.
    async fn recorded_at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// What was done.
    async fn act(&self) -> AuditAct {
        self.0.kind.into()
    }

    /// Who did it in person.
    async fn actor(&self) -> AuditActor {
        AuditActor::of(self.0.actor)
    }

    /// In which role; null when nobody knows who it was.
    async fn role(&self) -> Option<Role> {
        self.0.caller.map(|caller| caller.role().into())
    }

    /// In whose name, when that is a merchant.
    async fn merchant(&self, ctx: &Context<'_>) -> Result<Option<Merchant>> {
        let Some(Caller::Merchant(id)) = self.0.caller else { return Ok(None) };
        Ok(loader(ctx)?.load_one(id).await.map_err(fault)?.map(Merchant))
    }

    /// Global id of what it was done to; null when nothing has one.
    async fn target_id(&self) -> Option<ID> {
        target_id(self.0.target)
    }

    /// What it was done to, as it is now; null when it is gone, or is not shown by `node`.
    async fn target(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        match target_id(self.0.target) {
            Some(id) => node::find(ctx, &id).await,
            None => Ok(None),
        }
    }

    /// What else is told, by name. Example: `[{ name: "version", value: "3" }]`.
    async fn details(&self) -> Vec<AuditDetail> {
        let detail =
            |(name, value): &(String, String)| AuditDetail { name: name.clone(), value: value.clone() };
        self.0.details.iter().map(detail).collect()
    }

    /// The request in which it was done, as the server's log names it; null on the command line.
    async fn request_id(&self) -> Option<&str> {
        Some(self.0.request_id.as_str()).filter(|id| !id.is_empty())
    }

    /// SHA-256 of the entry before it, in 64 hexadecimal digits; null in the first entry.
    async fn previous_hash(&self) -> Option<String> {
        (!self.0.previous_hash.is_empty()).then(|| hex(&self.0.previous_hash))
    }

    /// SHA-256 of this entry, in 64 hexadecimal digits. Whoever keeps the latest one elsewhere can later tell that
    /// nothing before it was changed.
    async fn hash(&self) -> String {
        hex(&self.0.hash)
    }
}
