//! Links to files that were exported: which file, for whom, since when and until when, signed by the server's secret. So a
//! browser or a program can fetch a file without a token for a while, and nobody can make a link or change one.
//!
//! A link is as good as a token that was made at the same moment for the same person: what revokes that one ends the link.

use amvaj_domain::access::{Caller, Identity, Role};
use amvaj_domain::audit::{read_actor, stored_actor};
use amvaj_domain::id::{ExportId, MemberId, MerchantId, SessionId};
use amvaj_domain::time::{Instant, Span};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::secret::{Purpose, ServerSecret};

/// How long a link is good for; whoever still may fetch the file asks for another one.
pub const LINK_LIFE: Span = Span::minutes(15);

/// A link to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file.
    pub export: ExportId,
    /// For whom it was made: in whose name, who in person, in which session.
    pub holder: Identity,
    /// When it was made.
    pub since: Instant,
    /// When it ends.
    pub until: Instant,
}

/// A link's parts as they stand in an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedLink {
    /// For whom.
    pub holder: String,
    /// Since when, in microseconds since the epoch.
    pub since: i64,
    /// Until when.
    pub until: i64,
    /// What shows that it is ours.
    pub signature: String,
}

impl Link {
    /// The link as it stands in an address.
    pub fn sign(&self, secret: &ServerSecret) -> SignedLink {
        let holder = holder_bytes(&self.holder);
        let (since, until) = (self.since.micros(), self.until.micros());
        let signature = URL_SAFE_NO_PAD.encode(hash(secret, self.export, &holder, since, until));
        SignedLink { holder: URL_SAFE_NO_PAD.encode(holder), since, until, signature }
    }

    /// The link to a file that stands in an address, if this secret signed it.
    pub fn read(secret: &ServerSecret, export: ExportId, signed: &SignedLink) -> Option<Self> {
        let holder = URL_SAFE_NO_PAD.decode(&signed.holder).ok()?;
        let given = URL_SAFE_NO_PAD.decode(&signed.signature).ok()?;
        let ours = hash(secret, export, &holder, signed.since, signed.until);
        verify_slices_are_equal(&ours, &given).ok()?;
        let (since, until) = (Instant::from_micros(signed.since), Instant::from_micros(signed.until));
        Some(Self { export, holder: read_holder(&holder)?, since, until })
    }
}

fn hash(secret: &ServerSecret, export: ExportId, holder: &[u8], since: i64, until: i64) -> [u8; 32] {
    let (export, since, until) = (export.uuid().into_bytes(), since.to_be_bytes(), until.to_be_bytes());
    secret.keyed_hash(Purpose::ExportLink, &[&export, holder, &since, &until])
}

/// The holder: the role and its id, the kind of actor and its id, the session. Ids that are absent are nil.
fn holder_bytes(holder: &Identity) -> Vec<u8> {
    let (role, of) = match holder.caller {
        Caller::Operator => (0, None),
        Caller::Agent => (1, None),
        Caller::Merchant(id) => (2, Some(id.uuid())),
        Caller::Member(id) => (3, Some(id.uuid())),
    };
    let (kind, actor) = stored_actor(Some(holder.actor));
    let id = |id: Option<Uuid>| id.unwrap_or_default().into_bytes();
    let mut bytes = vec![role];
    bytes.extend(id(of));
    bytes.extend(kind.stored().to_be_bytes());
    bytes.extend(id(actor));
    bytes.extend(id(holder.session.map(SessionId::uuid)));
    bytes
}

fn read_holder(bytes: &[u8]) -> Option<Identity> {
    let (role, bytes) = bytes.split_first_chunk::<1>()?;
    let (of, bytes) = bytes.split_first_chunk::<16>()?;
    let (kind, bytes) = bytes.split_first_chunk::<2>()?;
    let (actor, bytes) = bytes.split_first_chunk::<16>()?;
    let session: [u8; 16] = bytes.try_into().ok()?;
    let role = *Role::ALL.get(usize::from(role[0]))?;
    let of = Uuid::from_bytes(*of);
    let caller = match role {
        Role::Operator => Caller::Operator,
        Role::Agent => Caller::Agent,
        Role::Merchant => Caller::Merchant(MerchantId::new(of)),
        Role::Member => Caller::Member(MemberId::new(of)),
    };
    let id = |bytes: [u8; 16]| Some(Uuid::from_bytes(bytes)).filter(|id| !id.is_nil());
    let actor = read_actor(i16::from_be_bytes(*kind), id(*actor))??;
    let holder = Identity::new(caller, actor);
    Some(match id(session) {
        Some(session) => holder.within(SessionId::new(session)),
        None => holder,
    })
}

#[cfg(test)]
mod tests {
    use amvaj_domain::access::Actor;
    use amvaj_domain::id::{StaffId, UserId};

    use super::*;

    fn link(holder: Identity) -> Link {
        let export = ExportId::new(Uuid::from_u128(1));
        Link { export, holder, since: Instant::from_micros(5), until: Instant::from_micros(9) }
    }

    #[test]
    fn a_link_is_of_one_file_for_one_holder_until_one_moment() {
        let secret = ServerSecret::generate().unwrap();
        let link = link(Identity::console(Caller::Operator));
        let signed = link.sign(&secret);
        let reads = |export, signed: &SignedLink| Link::read(&secret, export, signed);
        assert_eq!(reads(link.export, &signed), Some(link.clone()));
        assert_eq!(reads(ExportId::new(Uuid::from_u128(2)), &signed), None);
        assert_eq!(Link::read(&ServerSecret::generate().unwrap(), link.export, &signed), None);
        let other = Link { holder: Identity::console(Caller::Agent), ..link.clone() }.sign(&secret);
        for forged in [
            SignedLink { until: 10, ..signed.clone() },
            SignedLink { since: 6, ..signed.clone() },
            SignedLink { holder: other.holder, ..signed.clone() },
            SignedLink { holder: String::new(), ..signed.clone() },
            SignedLink { signature: String::new(), ..signed.clone() },
            SignedLink { signature: "AAAA".to_owned(), ..signed.clone() },
            SignedLink { signature: "?".to_owned(), ..signed.clone() },
        ] {
            assert_eq!(reads(link.export, &forged), None, "{forged:?}");
        }
    }

    #[test]
    fn whoever_holds_a_link_reads_back_from_it() {
        let secret = ServerSecret::generate().unwrap();
        let id = Uuid::from_u128;
        let shop = Caller::Merchant(MerchantId::new(id(7)));
        let member = MemberId::new(id(8));
        for holder in [
            Identity::console(Caller::Operator),
            Identity::new(Caller::Operator, Actor::User(UserId::new(id(3)))).within(SessionId::new(id(4))),
            Identity::new(shop, Actor::Staff(StaffId::new(id(5)))),
            Identity::new(shop, Actor::ApiKey(amvaj_domain::id::ApiKeyId::new(id(6)))),
            Identity::new(Caller::Member(member), Actor::Member(member)),
            Identity::new(Caller::Member(member), Actor::Outside),
        ] {
            let link = link(holder);
            assert_eq!(Link::read(&secret, link.export, &link.sign(&secret)), Some(link));
        }
    }
}
