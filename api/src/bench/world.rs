//! The bench's network: merchants and members with ids of their own, in a database that holds nothing else.

use std::{
    borrow::Cow,
    collections::HashSet,
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use amvaj_domain::{
    access::{Caller, Identity},
    audit::{Act, ActKind, Author, Target},
    board::{Board, Cycle, Metric, Reach},
    calendar::ExpiryPolicy,
    earn::{Basket, EarnRule, Rate},
    id::{BoardId, MemberId, MerchantId, WalletId},
    ledger::Prices,
    member::{Member, MemberLookup, MemberStatus, SeenMember},
    merchant::{Merchant, MerchantStatus, Names},
    money::{Currency, Money},
    text::{IdempotencyKey, Mobile, Name, ReceiptNumber},
    time::Instant,
};
use amvaj_infra::{
    board::BoardKeeper,
    db::StoreError,
    directory::{Directory, MemberFilter, MerchantFilter, RuleRefused},
    ledger::{LoadError, new_wallets},
    outbox::Backlog,
    page::PageRequest,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::past;
use crate::{
    app::{
        App, Stopped,
        boards::USUAL_GRACE,
        earn_points::{EarnPoints, earn_points},
        points::{PointsRefusal, PointsRequest},
        relay_outbox::relay_outbox,
    },
    auth::{Tokens, token::MintError},
    demo::random::Random,
    graphql::global_id::GlobalId,
};

/// How large the network is.
#[derive(Debug, Clone, Copy)]
pub struct WorldSize {
    /// Merchants.
    pub merchants: u32,
    /// Members, each with a wallet.
    pub wallets: u32,
    /// Whether there is a leaderboard, which then counts every purchase.
    pub board: bool,
    /// Operations that the wallets together have behind them; on PostgreSQL only.
    pub operations: u64,
}

/// A network that is ready to be measured.
pub struct World {
    address: SocketAddr,
    currency: Currency,
    run: u64,
    /// Series of requests so far.
    series: AtomicU32,
    merchants: Vec<Party>,
    members: Vec<Party>,
    /// The global id of the leaderboard, where there is one.
    board: String,
}

/// Somebody who calls or is called.
pub(super) struct Party {
    /// Its global id.
    pub(super) id: String,
    /// Its access token.
    pub(super) token: String,
}

/// Why there is no network to measure.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The database is somebody's.
    #[error(
        "the database holds {0:?}, which no bench made; give `amvaj bench` an empty database, or none: then it makes a \
         file of its own"
    )]
    ForeignData(String),
    /// The past was refused.
    #[error("the wallets' past cannot be loaded: {0}")]
    Past(#[from] LoadError),
    /// The seed of points was refused.
    #[error("the bench's wallets could not be filled: {0:?}")]
    Refused(Stopped<PointsRefusal>),
    /// A name, number or amount of the bench is none.
    #[error("the bench's own {0} is malformed")]
    Malformed(&'static str),
    /// A rule was refused.
    #[error(transparent)]
    Rule(#[from] RuleRefused),
    /// A token could not be made.
    #[error(transparent)]
    Token(#[from] MintError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How the bench's merchants and members are called; a number follows.
const NAME: &str = "Bench ";
/// 1 January 2020: the time in the ids, the same in every run so that a later run finds them.
const BORN: u64 = 1_577_836_800_000;
/// Members of one statement, and wallets that are filled at the same time.
pub(super) const CHUNK: usize = 1_000;
const SIDE_BY_SIDE: usize = 256;
/// Each wallet is filled with a purchase of so many minor units, a thousand for a point: nothing runs dry.
pub(super) const FILL: i64 = 1_000_000_000_000;

impl World {
    /// Makes what is missing of the network and a token for each in it. `address` is where its server listens.
    pub async fn prepare(
        app: &App,
        tokens: &Tokens,
        size: WorldSize,
        address: SocketAddr,
    ) -> Result<Self, WorldError> {
        refuse_foreign(&app.directory).await?;
        let merchants = merchants(app, size.merchants).await?;
        let members = members(app, size.wallets).await?;
        let board = if size.board { Some(board(app).await?) } else { None };
        if size.operations > 0 {
            past::load_pasts(app, &merchants, &members, size.operations).await?;
        }
        if let Some(first) = merchants.first() {
            fill(app, *first, &members).await?;
        }
        if board.is_some() {
            everybody_on_the_board(app).await?;
        }
        let now = app.now();
        let party = |id: GlobalId, caller: Caller| {
            let token = tokens.mint(&Identity::console(caller), Duration::from_hours(24), now)?;
            Ok::<_, WorldError>(Party { id: id.write().to_string(), token })
        };
        Ok(Self {
            address,
            currency: app.network.currency,
            run: u64::try_from(now.micros()).unwrap_or_default(),
            series: AtomicU32::new(0),
            merchants: merchants
                .into_iter()
                .map(|id| party(GlobalId::Merchant(id), Caller::Merchant(id)))
                .collect::<Result<_, _>>()?,
            members: members
                .iter()
                .map(|member| party(GlobalId::Member(member.id), Caller::Member(member.id)))
                .collect::<Result<_, _>>()?,
            board: board.map(|id| GlobalId::Leaderboard(id).write().to_string()).unwrap_or_default(),
        })
    }

    /// Where the server listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of the next series of requests: what one series asks is new to the server.
    pub(super) fn next_series(&self) -> u32 {
        self.series.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of this run, which no other run has.
    pub fn run(&self) -> u64 {
        self.run
    }

    pub(super) fn currency(&self) -> &str {
        self.currency.code()
    }

    pub(super) fn merchant(&self, random: &mut Random) -> &Party {
        drawn(&self.merchants, random)
    }

    /// Every merchant.
    pub(super) fn merchant_ids(&self) -> impl Iterator<Item = MerchantId> {
        self.merchants.iter().filter_map(|party| GlobalId::merchant(&party.id.as_str().into()))
    }

    /// The leaderboard on which every member is.
    pub(super) fn board(&self) -> &str {
        &self.board
    }

    /// The merchant that a crowd is at.
    pub(super) fn first_merchant(&self) -> &Party {
        self.merchants.first().unwrap_or(&NOBODY)
    }

    /// A member, the first ones more often: each doubling of the rank has as many draws as the one before, so that how often
    /// one is drawn is in inverse proportion to its rank (Zipf's law with exponent 1).
    pub(super) fn member_by_rank(&self, random: &mut Random) -> &Party {
        let count = i64::try_from(self.members.len()).unwrap_or(i64::MAX).max(1);
        let doublings = i64::from(count.ilog2());
        let low = 1_i64 << random.between(0, doublings);
        let rank = random.between(low, low.saturating_mul(2).saturating_sub(1).min(count));
        let index = usize::try_from(rank.saturating_sub(1)).unwrap_or_default();
        self.members.get(index).unwrap_or(&NOBODY)
    }

    pub(super) fn member(&self, random: &mut Random) -> &Party {
        drawn(&self.members, random)
    }
}

/// Who is drawn where there is nobody; the command line does not allow that.
static NOBODY: Party = Party { id: String::new(), token: String::new() };

fn drawn<'a>(parties: &'a [Party], random: &mut Random) -> &'a Party {
    random.pick(parties).unwrap_or(&NOBODY)
}

/// A network with other names is somebody's, and the bench would fill it with its own.
async fn refuse_foreign(directory: &Directory) -> Result<(), WorldError> {
    let merchants = directory.merchants(&MerchantFilter::default(), &PageRequest::first(10_000)).await?;
    let members = directory.members(Caller::Operator);
    let members = members.page(&MemberFilter::default(), &PageRequest::first(1)).await?;
    let names = merchants.items.iter().map(|merchant| Cow::from(merchant.names.en.as_str()));
    let mut names = names.chain(members.items.iter().map(SeenMember::name));
    match names.find(|name| !name.starts_with(NAME)) {
        Some(foreign) => Err(WorldError::ForeignData(foreign.into_owned())),
        None => Ok(()),
    }
}

async fn merchants(app: &App, count: u32) -> Result<Vec<MerchantId>, WorldError> {
    let ids: Vec<MerchantId> = (0..count).map(|number| MerchantId::new(id(1, number))).collect();
    let known = app.directory.merchants_by_id(&ids).await?;
    let now = app.now();
    for (number, &id) in (0..).zip(&ids) {
        if known.iter().any(|merchant| merchant.id == id) {
            continue;
        }
        let name = Name::parse(&format!("{NAME}{number}")).map_err(|_| WorldError::Malformed("name"))?;
        let merchant = Merchant {
            id,
            names: Names { fa: name.clone(), en: name },
            status: MerchantStatus::Open,
            currency: app.network.currency,
            prices: Prices { issue: 1, redeem: 1 },
            created_at: now,
        };
        let act = |kind| Act::new(&Author::console(), kind, Target::Merchant(id), now);
        app.directory.register_merchant(&merchant, &act(ActKind::MerchantRegistered)).await?;
        app.directory.add_rule_version(id, &rule(now), now, &act(ActKind::EarnRuleSet)).await??;
    }
    Ok(ids)
}

/// A leaderboard of all points, made before the members are filled, so that they are on it.
async fn board(app: &App) -> Result<BoardId, WorldError> {
    let id = BoardId::new(id(4, 0));
    if app.boards.find(id).await?.is_some() {
        return Ok(id);
    }
    let (now, cycle) = (app.now(), Cycle::AllTime);
    let name = Name::parse(&format!("{NAME}board")).map_err(|_| WorldError::Malformed("name"))?;
    let board = Board {
        id,
        names: Names { fa: name.clone(), en: name },
        metric: Metric::PointsEarned,
        reach: Reach::Network,
        cycle,
        zone: app.zone.clone(),
        grace: USUAL_GRACE,
        first: cycle.period_of(app.zone.day_of(now)).first,
        created_at: now,
        closed_at: None,
    };
    let act = Act::new(&Author::console(), ActKind::BoardMade, Target::Board(id), now);
    app.boards.make(&board, &act).await?.map_err(|_| WorldError::Malformed("leaderboard"))?;
    Ok(id)
}

/// Waits until what the members were filled with is relayed and counted, by a worker or here.
async fn everybody_on_the_board(app: &App) -> Result<(), StoreError> {
    let keeper = BoardKeeper::new(app.db.clone());
    keeper.register().await?;
    loop {
        relay_outbox(app, app.now()).await?;
        let backlog = keeper.backlog().await?;
        let waits = |of: &Backlog| of.unnumbered > 0 || of.unread > 0;
        if !backlog.iter().any(waits) && keeper.waiting().await?.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A point for a thousand minor units, without caps.
pub(super) fn rule(now: Instant) -> EarnRule {
    EarnRule {
        version: 1,
        effective_from: now,
        rate: Rate { points: 1, per: 1_000 },
        minimum_basket: 0,
        cap_per_purchase: None,
        cap_per_day: None,
        excluded_categories: std::collections::BTreeSet::new(),
        pending_days: 0,
        expiry: ExpiryPolicy::Never,
        spend_only_at_issuer: false,
    }
}

async fn members(app: &App, count: u32) -> Result<Vec<Member>, WorldError> {
    let members: Vec<Member> =
        (0..count).map(|number| member(number, app.now())).collect::<Result<_, _>>()?;
    for chunk in members.chunks(CHUNK) {
        let ids: Vec<MemberId> = chunk.iter().map(|member| member.id).collect();
        let known = app.directory.members(Caller::Operator).by_id(&ids).await?;
        let known: HashSet<_> = known.iter().map(|member| member.id).collect();
        let missing: Vec<Member> =
            chunk.iter().filter(|member| !known.contains(&member.id)).cloned().collect();
        let act = Act::new(&Author::console(), ActKind::MembersEnrolled, Target::Nothing, app.now())
            .detail("members", missing.len());
        app.directory.enrol_new_members(&missing, &act).await?;
    }
    Ok(members)
}

fn member(number: u32, now: Instant) -> Result<Member, WorldError> {
    let mobile = format!("0999{number:07}");
    Ok(Member {
        id: MemberId::new(id(2, number)),
        wallet: WalletId::new(id(3, number)),
        mobile: Mobile::parse(&mobile).map_err(|_| WorldError::Malformed("mobile number"))?,
        card_number: None,
        name: Name::parse(&format!("{NAME}{number}")).map_err(|_| WorldError::Malformed("name"))?,
        status: MemberStatus::Open,
        language: None,
        enrolled_at: now,
    })
}

/// Gives every member a billion points whose wallet has no operation, and so nothing from an earlier run either.
async fn fill(app: &App, merchant: MerchantId, members: &[Member]) -> Result<(), WorldError> {
    let mut empty: HashSet<WalletId> = HashSet::new();
    for chunk in members.chunks(CHUNK) {
        let wallets: Vec<WalletId> = chunk.iter().map(|member| member.wallet).collect();
        empty.extend(new_wallets(&app.db, &wallets).await?);
    }
    stream::iter(members.iter().filter(|member| empty.contains(&member.wallet)))
        .map(async |member| {
            let input = purchase(app, member)?;
            earn_points(app, merchant, &input).await.map(|_| ()).map_err(WorldError::Refused)
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .try_collect()
        .await
}

fn purchase(app: &App, member: &Member) -> Result<EarnPoints, WorldError> {
    let text = format!("bench-fill-{}", member.id);
    let total = Money::new(FILL, app.network.currency).map_err(|_| WorldError::Malformed("amount"))?;
    Ok(EarnPoints {
        request: PointsRequest::at(
            IdempotencyKey::parse(&text).map_err(|_| WorldError::Malformed("key"))?,
            None,
            None,
        ),
        member: MemberLookup::Id(member.id),
        receipt: ReceiptNumber::parse(&text).map_err(|_| WorldError::Malformed("receipt"))?,
        basket: Basket::new(total, Vec::new()).map_err(|_| WorldError::Malformed("basket"))?,
    })
}

/// An id that every run makes again.
fn id(kind: u64, number: u32) -> Uuid {
    Random::fork(kind, number.into()).uuid(BORN)
}
