//! The demo network: twelve merchants, their members and a year of business, made from a seed.
//!
//! [`network`], [`people`] and [`year`] are pure: the same seed makes the same merchants, members and events. [`play`]
//! takes them through the use cases on a clock of its own, so the ledger holds what a year of real use would have
//! left. Every request has a key of its own, so a demo that was interrupted is played again and nothing happens twice.

pub mod cast;
pub mod days;
pub mod marker;
pub mod network;
pub mod people;
pub mod play;
pub mod random;
pub mod year;

use amvaj_domain::{calendar::Zone, id::MemberId, time::Instant};

use cast::CastError;
use marker::Marker;
use play::Script;

/// Writes the script of a demo: everything follows from its seed, its size and its end.
pub fn script(marker: &Marker, zone: &Zone) -> Result<Script, CastError> {
    let end = Instant::from_micros(marker.end_micros);
    let days = days::last_days(zone, end);
    let year::Year { joined, events } = year::year(marker.seed, marker.members, &days, end);
    let people = people::people(marker.seed, marker.members);
    let members = (0..)
        .zip(&people)
        .zip(joined)
        .map(|((number, person), joined)| cast::member(marker.seed, number, person, joined))
        .collect::<Result<_, _>>()?;
    let shops = cast::shops(marker.seed, days::first_instant(zone, end));
    Ok(Script { shops, members, days, end, events })
}

impl Script {
    /// When the network opens.
    pub fn start(&self) -> Instant {
        self.days.first().map_or(self.end, |day| day.start)
    }

    /// The member with whom most happens: the one to look at first.
    pub fn liveliest(&self) -> Option<MemberId> {
        let mut counts = vec![0_u32; self.members.len()];
        for event in &self.events {
            if let Some(count) = usize::try_from(event.member).ok().and_then(|member| counts.get_mut(member)) {
                *count += 1;
            }
        }
        self.members.iter().zip(counts).max_by_key(|(_, count)| *count).map(|(member, _)| member.id)
    }
}
