//! Copies in Redis: for each period a sorted set and a hash in one slot.
//!
//! The sorted set does not pack the moment into the score but into the name of the entry: equal scores of a sorted set are
//! in the order of their entries' bytes. So the order is exact for scores below 2^53 and for periods of any length.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use amvaj_domain::{
    board::Place,
    id::{OUTBOX_BUCKETS, WalletId},
    time::Instant,
};
use redis::{Script, ScriptInvocation};
use uuid::Uuid;

use super::{BoardKey, Positions, Scored, Slice, Window};
use crate::link::{Limits, Link, LinkError};

/// When the breaker opens, and how it closes.
const CONNECT: Duration = Duration::from_secs(1);
const FAILURES_TO_OPEN: u32 = 5;
const COOL_DOWN: Duration = Duration::from_millis(500);
/// The longest that bringing a copy forward may keep a caller in the background waiting.
const FEED: Duration = Duration::from_secs(2);
/// Scores of one call, so that Redis serves others in between.
const SCORES_AT_ONCE: usize = 500;
/// The greatest score that a sorted set tells from its neighbours.
const GREATEST_SCORE: i64 = 1 << 53;
/// Length of a place: the moment and the wallet.
const PLACE: usize = 24;

/// What `part.lua` answers.
type Part = Option<(u64, u64, u64, Vec<Vec<u8>>)>;
/// What `positions.lua` answers.
type Fields = Option<Vec<Option<Vec<u8>>>>;

/// Copies in Redis.
#[derive(Debug)]
pub struct RedisBoards {
    looks: Link,
    feed: Link,
    epoch: String,
    part: Script,
    apply: Script,
    publish: Script,
    positions: Script,
}

/// The keys of a copy in the making.
pub(in crate::board) struct Staged {
    ranking: String,
    known: String,
}

impl RedisBoards {
    pub(super) async fn connect(url: &str, epoch: &str, call: Duration) -> Result<Self, LinkError> {
        let limits =
            |call| Limits { call, connect: CONNECT, failures: FAILURES_TO_OPEN, cool_down: COOL_DOWN };
        Ok(Self {
            looks: Link::open(url, limits(call), "boards").await?,
            feed: Link::open(url, limits(FEED), "board feed").await?,
            epoch: epoch.to_owned(),
            part: script(include_str!("part.lua")),
            apply: script(include_str!("apply.lua")),
            publish: script(include_str!("publish.lua")),
            positions: script(include_str!("positions.lua")),
        })
    }

    pub(super) async fn part(&self, key: BoardKey, window: Window) -> Option<Slice> {
        let mut call = self.call(&self.part, key);
        match window {
            Window::First { skip, count, before } => {
                call.arg("first").arg(skip).arg(count).arg(optional(before));
            }
            Window::Last { skip, count, before } => {
                call.arg("last").arg(skip).arg(count).arg(optional(before));
            }
            Window::Around { wallet, distance } => {
                call.arg("around").arg(wallet.uuid().as_bytes()).arg(distance);
            }
        }
        let answer = self.looks.call(async |connection| call.invoke_async::<Part>(connection).await).await;
        let (size, before, above, part) = answer.ok()??;
        // What cannot be read is foreign, so the copy is not whole.
        let places = part.chunks(2).map(place).collect::<Option<Vec<Place>>>()?;
        Some(Slice { size, before, above, places })
    }

    pub(super) async fn positions(&self, key: BoardKey) -> Result<Option<Positions>, LinkError> {
        let mut call = self.call(&self.positions, key);
        for bucket in 0..OUTBOX_BUCKETS {
            call.arg(field(bucket));
        }
        let answer = self.feed.call(async |connection| call.invoke_async::<Fields>(connection).await).await?;
        // What cannot be read is foreign here as well.
        let number = |field: Option<Vec<u8>>| str::from_utf8(&field?).ok()?.parse().ok();
        let positions = answer.and_then(|found| found.into_iter().map(number).collect::<Option<Vec<i64>>>());
        Ok(positions.and_then(|found| found.try_into().ok()))
    }

    pub(super) async fn apply(
        &self,
        key: BoardKey,
        scores: &[Scored],
        moved: Option<(&Positions, &Positions)>,
    ) -> Result<(), LinkError> {
        for some in scores.chunks(SCORES_AT_ONCE) {
            let mut call = self.call(&self.apply, key);
            put(&mut call, false, some);
            self.send(&call).await?;
        }
        if let Some((from, to)) = moved {
            let mut call = self.call(&self.apply, key);
            put(&mut call, false, &[]);
            for ((bucket, from), to) in (0..OUTBOX_BUCKETS).zip(from).zip(to) {
                call.arg(field(bucket)).arg(*from).arg(*to);
            }
            self.send(&call).await?;
        }
        Ok(())
    }

    pub(super) fn begin(&self, key: BoardKey) -> Staged {
        let [ranking, known] = self.names(key);
        // A node that lost its lease may still draw: two that share a draft would publish half of it as a whole. One that
        // is given up ends by itself.
        let own = RandomState::new().build_hasher().finish();
        Staged { ranking: format!("{ranking}:next:{own:016x}"), known: format!("{known}:next:{own:016x}") }
    }

    pub(super) async fn draw(&self, staged: &Staged, scores: &[Scored]) -> Result<(), LinkError> {
        for some in scores.chunks(SCORES_AT_ONCE) {
            let mut call = self.apply.prepare_invoke();
            call.key(&staged.ranking).key(&staged.known);
            put(&mut call, true, some);
            self.send(&call).await?;
        }
        Ok(())
    }

    pub(super) async fn publish(
        &self,
        key: BoardKey,
        staged: &Staged,
        positions: &Positions,
    ) -> Result<(), LinkError> {
        let mut call = self.call(&self.publish, key);
        call.key(&staged.ranking).key(&staged.known);
        put_positions(&mut call, positions);
        self.send(&call).await
    }

    /// All that a copy knows of wallets that stand on it; nothing when it is not whole.
    pub(super) async fn known(&self, key: BoardKey) -> Result<Option<Vec<Scored>>, LinkError> {
        const WINDOW: u64 = 1_000;
        let mut scores = Vec::new();
        loop {
            let skip = u64::try_from(scores.len()).unwrap_or(u64::MAX);
            let window = Window::First { skip, count: WINDOW, before: None };
            let Some(slice) = self.part(key, window).await else { return Ok(None) };
            if slice.places.is_empty() {
                return Ok(Some(scores));
            }
            scores.extend(slice.places.iter().map(|place| Scored {
                wallet: place.wallet,
                seq: 0,
                total: place.total,
                reached_at: place.reached_at,
            }));
        }
    }

    async fn send(&self, call: &ScriptInvocation<'_>) -> Result<(), LinkError> {
        self.feed.call(async |connection| call.invoke_async::<i64>(connection).await).await?;
        Ok(())
    }

    fn call<'a>(&self, script: &'a Script, key: BoardKey) -> ScriptInvocation<'a> {
        let [ranking, known] = self.names(key);
        let mut call = script.prepare_invoke();
        call.key(ranking).key(known);
        call
    }

    /// Both keys of a copy; what is in braces puts them in one slot.
    fn names(&self, key: BoardKey) -> [String; 2] {
        let slot = format!("{}:{}:{}", key.board.uuid().simple(), key.period.days(), key.generation);
        ["ranking", "known"].map(|part| format!("amvaj:{}:board:{{{slot}}}:{part}", self.epoch))
    }
}

/// A script with what all of them know in front.
fn script(body: &str) -> Script {
    Script::new(&format!("{}{body}", include_str!("shape.lua")))
}

fn put(call: &mut ScriptInvocation<'_>, in_the_making: bool, scores: &[Scored]) {
    call.arg(u8::from(in_the_making)).arg(scores.len());
    for score in scores {
        call.arg(score.wallet.uuid().as_bytes()).arg(format!("{:019}", score.seq.max(0)));
        match score.place() {
            Some(place) => call.arg(&bytes(&place)[..]).arg(place.total.min(GREATEST_SCORE).saturating_neg()),
            None => call.arg("").arg(0),
        };
    }
}

fn put_positions(call: &mut ScriptInvocation<'_>, positions: &Positions) {
    for (bucket, position) in (0..OUTBOX_BUCKETS).zip(positions) {
        call.arg(field(bucket)).arg(*position);
    }
}

/// The field of a bucket; fields of wallets have 16 bytes.
fn field(bucket: i16) -> String {
    format!("at:{bucket}")
}

fn optional(number: Option<u64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The moment so that its bytes have its order, and the wallet.
fn bytes(place: &Place) -> [u8; PLACE] {
    let mut bytes = [0; PLACE];
    let (moment, wallet) = bytes.split_at_mut(8);
    moment.copy_from_slice(&(place.reached_at.micros() ^ i64::MIN).to_be_bytes());
    wallet.copy_from_slice(place.wallet.uuid().as_bytes());
    bytes
}

/// A place with its score.
fn place(pair: &[Vec<u8>]) -> Option<Place> {
    let [bytes, score] = pair else { return None };
    let (moment, wallet) = bytes.split_first_chunk::<8>()?;
    let score: i64 = std::str::from_utf8(score).ok()?.parse().ok()?;
    Some(Place {
        total: score.checked_neg()?,
        reached_at: Instant::from_micros(i64::from_be_bytes(*moment) ^ i64::MIN),
        wallet: WalletId::new(Uuid::from_slice(wallet).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_order_of_their_bytes_and_read_back() {
        let place = |total, moment, wallet| Place {
            total,
            reached_at: Instant::from_micros(moment),
            wallet: WalletId::new(Uuid::from_u128(wallet)),
        };
        let places = [place(5, -3, 9), place(5, 0, 2), place(5, 0, 3), place(5, 1_800_000_000_000_000, 1)];
        assert!(places.is_sorted());
        let written = places.map(|place| bytes(&place));
        assert!(written.is_sorted());
        for (one, bytes) in places.iter().zip(written) {
            assert_eq!(super::place(&[bytes.to_vec(), b"-5".to_vec()]), Some(*one));
        }
    }
}
