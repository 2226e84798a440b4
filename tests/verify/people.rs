//! Merchants' people, operators and agents, keys and log-ins of the small network.

use amvaj_domain::access::{Actor, ApiKey, EndReason, Post, Posts, Scope, Scopes, StaffRole, Subject};
use amvaj_domain::audit::{Act, ActKind, Author, Target};
use amvaj_domain::id::{ApiKeyId, BranchId, MemberId, MerchantId, SessionId, StaffId, UserId};
use amvaj_domain::staff::Staff;
use amvaj_domain::text::{Mobile, Name};
use amvaj_domain::time::{Instant, Span};
use amvaj_domain::user::{User, UserName, UserRole, UserStatus};
use amvaj_infra::access::{ApiKeys, Revocations, Sessions};
use amvaj_infra::db::Database;
use amvaj_infra::directory::{Directory, StaffReach};
use amvaj_infra::users::{Completion, NewInvitation, NewSession, Reset, Users};

use super::scene::new_id;

/// Everybody who does what the network's people do.
struct Office {
    directory: Directory,
    users: Users,
    sessions: Sessions,
    keys: ApiKeys,
    now: Instant,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn hash(number: u8) -> [u8; 32] {
    [number; 32]
}

/// Plays what people do at two merchants, each of which has a branch.
pub(super) async fn play(
    database: &Database,
    merchants: [(MerchantId, BranchId); 2],
    member: MemberId,
    now: Instant,
) {
    let revocations = Revocations::start(database.clone()).await.unwrap();
    let sessions = Sessions::new(database.clone(), revocations.clone(), Span::minutes(15));
    let office = Office {
        directory: Directory::new(database.clone()),
        users: Users::new(database.clone(), sessions.clone()),
        keys: ApiKeys::start(database.clone(), revocations),
        sessions,
        now,
    };
    office.staff(merchants).await;
    office.users().await;
    office.keys(merchants.map(|(merchant, _)| merchant)).await;
    office.enter(Subject::Member(member)).await;
}

impl Office {
    fn act(&self, kind: ActKind, target: Target) -> Act {
        Act::new(&Author::console(), kind, target, self.now)
    }

    async fn enter(&self, subject: Subject) {
        let id = SessionId::new(new_id(self.now));
        self.sessions.start(id, subject, "till", self.now).await.unwrap();
    }

    /// Adds somebody, who logs in.
    async fn hire(&self, merchant: MerchantId, number: u8, posts: Vec<Post>) -> StaffId {
        let id = StaffId::new(new_id(self.now));
        let act = self.act(ActKind::StaffAdded, Target::Staff(id));
        let act = match posts[0].role {
            StaffRole::Owner => act.detail("post1", "owner"),
            role => act.detail("post1", role.as_str()),
        };
        let staff = Staff {
            id,
            merchant,
            name: name("clerk"),
            mobile: Mobile::parse(&format!("0935000{number:04}")).unwrap(),
            posts: Some(Posts::new(posts).unwrap()),
            added_at: self.now,
            removed_at: None,
        };
        self.directory.add_staff(&staff, &act).await.unwrap().unwrap();
        self.enter(Subject::Staff(id)).await;
        id
    }

    /// The first merchant has an owner, had another one, and has somebody with two posts; the second one has a cashier.
    async fn staff(&self, [(first, at_first), (second, at_second)]: [(MerchantId, BranchId); 2]) {
        let post = |role, branch| Post { branch, role };
        self.hire(first, 1, vec![post(StaffRole::Owner, None)]).await;
        let gone = self.hire(first, 2, vec![post(StaffRole::Owner, None)]).await;
        let posts = vec![post(StaffRole::Cashier, None), post(StaffRole::Manager, Some(at_first))];
        self.hire(first, 3, posts).await;
        self.hire(second, 4, vec![post(StaffRole::Cashier, Some(at_second))]).await;
        let act = self.act(ActKind::StaffRemoved, Target::Staff(gone));
        self.directory
            .remove_staff(gone, StaffReach { of: Some(first), owners: true }, &act)
            .await
            .unwrap()
            .unwrap();
        self.sessions.end_all(Subject::Staff(gone), EndReason::Blocked, self.now).await.unwrap();
    }

    async fn invite(&self, text: &str, number: u8) -> UserId {
        let id = UserId::new(new_id(self.now));
        let user = User {
            id,
            name: UserName::parse(text).unwrap(),
            display_name: name(text),
            role: UserRole::Agent,
            limit: None,
            status: UserStatus::Invited,
            created_at: self.now,
            logged_in_at: None,
        };
        let act = self.act(ActKind::UserInvited, Target::User(id));
        self.users.invite(&user, self.invitation(&hash(number)), &act).await.unwrap().unwrap();
        id
    }

    fn invitation<'a>(&self, token_hash: &'a [u8; 32]) -> NewInvitation<'a> {
        NewInvitation { token_hash, expires_at: self.now.plus(Span::days(2)) }
    }

    async fn join(&self, text: &str, number: u8) -> UserId {
        let id = self.invite(text, number).await;
        let token_hash = hash(number);
        assert!(self.users.prepare(&token_hash, Some("hashed"), b"sealed", self.now).await.unwrap());
        let completion = Completion {
            token_hash: &token_hash,
            password_hash: Some("hashed"),
            totp: Some((b"sealed", 1)),
            recovery_codes: &[hash(1), hash(2)],
            session: Some(NewSession { id: SessionId::new(new_id(self.now)), user_agent: "browser" }),
        };
        let act = self.act(ActKind::InvitationAccepted, Target::User(id));
        self.users.complete(&completion, &act).await.unwrap().unwrap();
        id
    }

    /// One is invited; of those who have joined, one lost the codes, one the password, and one is disabled.
    async fn users(&self) {
        self.invite("invited", 10).await;
        self.join("joined", 11).await;
        let lost = [("lost-codes", 12, Reset::Totp), ("lost-password", 13, Reset::Password)];
        for (text, number, reset) in lost {
            let id = self.join(text, number).await;
            let kind = if reset == Reset::Totp { ActKind::TotpReset } else { ActKind::PasswordChanged };
            let act = self.act(kind, Target::User(id)).detail("invitation", true);
            self.users.reset(id, reset, self.invitation(&hash(number + 10)), &act).await.unwrap();
        }
        let disabled = self.join("disabled", 14).await;
        let act = self.act(ActKind::UserDisabled, Target::User(disabled));
        self.users.disable(disabled, false, &act).await.unwrap().unwrap().unwrap();
    }

    fn key(&self, merchant: MerchantId, number: u8, made_by: Actor) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(new_id(self.now)),
            merchant,
            name: name("till"),
            prefix: format!("key-{number}"),
            scopes: Scopes::of(&[Scope::PointsEarn, Scope::KeysManage]),
            made_by,
            replaces: None,
            replaced_by: None,
            created_at: self.now,
            expires_at: Some(self.now.plus(Span::days(90))),
            revoked_at: None,
            last_used_at: None,
        }
    }

    async fn make(&self, key: &ApiKey) {
        let act = self.act(ActKind::ApiKeyMade, Target::ApiKey(key.id));
        self.keys.create(key, hash(1), &act).await.unwrap().unwrap();
    }

    async fn rotate(&self, key: &ApiKey, number: u8, overlap: Span) -> ApiKeyId {
        let next = ApiKey {
            id: ApiKeyId::new(new_id(self.now)),
            prefix: format!("key-{number}"),
            made_by: Actor::ApiKey(key.id),
            replaces: Some(key.id),
            ..key.clone()
        };
        let act = self.act(ActKind::ApiKeyRotated, Target::ApiKey(next.id));
        self.keys.rotate(&next, hash(1), (key.id, overlap), &act).await.unwrap().unwrap();
        next.id
    }

    /// A key that makes another one; one that is revoked with what it made, but for its replacement; and one that is
    /// replaced at once, so that what it made goes on.
    async fn keys(&self, [first, second]: [MerchantId; 2]) {
        self.make(&self.key(second, 1, Actor::Console)).await;
        let maker = self.key(first, 2, Actor::Console);
        self.make(&maker).await;
        let less = Scopes::of(&[Scope::PointsEarn]);
        self.make(&ApiKey { scopes: less, ..self.key(first, 3, Actor::ApiKey(maker.id)) }).await;
        let stolen = self.key(first, 4, Actor::Console);
        self.make(&stolen).await;
        let child = self.key(first, 5, Actor::ApiKey(stolen.id));
        self.make(&child).await;
        self.rotate(&child, 10, Span::seconds(0)).await;
        self.rotate(&stolen, 6, Span::days(1)).await;
        let act = self.act(ActKind::ApiKeyRevoked, Target::ApiKey(stolen.id));
        self.keys.revoke(first, stolen.id, self.now.plus(Span::minutes(1)), &act).await.unwrap().unwrap();
        let replaced = self.key(first, 7, Actor::Console);
        self.make(&replaced).await;
        self.make(&self.key(first, 8, Actor::ApiKey(replaced.id))).await;
        self.rotate(&replaced, 9, Span::seconds(0)).await;
    }
}
