//! The script of the play: who takes part and what happens. Everything follows from the demo's note.

use amvaj_domain::{calendar::Zone, id::BoardId, member::Member, staff::Staff, time::Instant};

use super::{
    cast::{self, CastError, Shop},
    days::{self, Day},
    marker::Marker,
    people::people,
    year::{Event, Year, year},
};

/// Everything that is to be played.
#[derive(Debug)]
pub struct Script {
    /// The merchants, in the order of [`super::network::MERCHANTS`].
    pub shops: Vec<Shop>,
    /// The leaderboards, in the order of [`super::boards`].
    pub boards: Vec<BoardId>,
    /// The people of the first merchant.
    pub staff: Vec<Staff>,
    /// The members by number; `enrolled_at` is when they join.
    pub members: Vec<Member>,
    /// The days.
    pub days: Vec<Day>,
    /// When it ends.
    pub end: Instant,
    /// What happens, in the order of time.
    pub events: Vec<Event>,
}

impl Script {
    /// Writes the script of a demo.
    ///
    /// # Errors
    /// When the demo's own lists hold a name or number that is none.
    pub fn write(marker: &Marker, zone: &Zone) -> Result<Self, CastError> {
        let end = Instant::from_micros(marker.end_micros);
        let days = days::last_days(zone, end);
        let Year { joined, events } = year(marker.seed, marker.members, &days, end);
        let people = people(marker.seed, marker.members);
        let members = (0..)
            .zip(&people)
            .zip(joined)
            .map(|((number, person), joined)| cast::member(marker.seed, number, person, joined))
            .collect::<Result<_, _>>()?;
        let opening = days::first_instant(zone, end);
        let shops = cast::shops(marker.seed, opening);
        let staff = match shops.first() {
            Some(shop) => cast::people_of(marker.seed, shop, opening)?.into(),
            None => Vec::new(),
        };
        let boards = cast::boards(marker.seed, opening);
        Ok(Self { shops, boards, staff, members, days, end, events })
    }

    /// When the network opens.
    pub fn start(&self) -> Instant {
        self.days.first().map_or(self.end, |day| day.start)
    }

    /// The member with whom most happens: the one to look at first.
    pub fn liveliest(&self) -> Option<&Member> {
        let mut counts = vec![0_u32; self.members.len()];
        for event in &self.events {
            if let Some(count) = usize::try_from(event.member).ok().and_then(|number| counts.get_mut(number))
            {
                *count += 1;
            }
        }
        self.members.iter().zip(counts).max_by_key(|(_, count)| *count).map(|(member, _)| member)
    }
}
