//! Values of the command line, read with a sentence that says what to write.

use std::num::NonZeroU32;
use std::time::Duration;

use amvaj_domain::access::Scope;
use amvaj_domain::text::Name;
use amvaj_domain::user::{UserName, UserRole};

use crate::graphql::subgraph::Subgraph;

/// Reads the name with which a user logs in.
pub(super) fn parse_user_name(text: &str) -> Result<UserName, String> {
    UserName::parse(text).map_err(|error| error.to_string())
}

/// Reads a name.
pub(super) fn parse_name(text: &str) -> Result<Name, String> {
    Name::parse(text).map_err(|error| error.to_string())
}

/// Reads the role of a user.
pub(super) fn parse_user_role(text: &str) -> Result<UserRole, String> {
    let named = UserRole::ALL.into_iter().find(|role| role.role().as_str() == text);
    named.ok_or_else(|| "write operator or agent".to_owned())
}

/// Reads a scope.
pub(super) fn parse_scope(text: &str) -> Result<Scope, String> {
    let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    Scope::parse(text).ok_or_else(|| format!("write one of {}", names.join(", ")))
}

/// Reads the name of a domain.
pub(super) fn parse_subgraph(text: &str) -> Result<&'static Subgraph, String> {
    Subgraph::parse(text).ok_or_else(|| format!("write one of {}", Subgraph::names()))
}

/// Reads a number of connections or threads.
pub(super) fn parse_count(text: &str) -> Result<NonZeroU32, String> {
    up_to(10_000, text)
}

/// Reads how often something happens in a second, from 1 to 100000.
pub(super) fn parse_rate(text: &str) -> Result<NonZeroU32, String> {
    up_to(100_000, text)
}

fn up_to(most: u32, text: &str) -> Result<NonZeroU32, String> {
    let count: Option<NonZeroU32> = text.parse().ok();
    count.filter(|count| count.get() <= most).ok_or_else(|| format!("write a number from 1 to {most}"))
}

/// Reads when a key begins to sign, at most 30 days ahead.
pub(super) fn parse_lead(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(30 * 24);
    let lead = if text == "0s" { Duration::ZERO } else { parse_duration(text)? };
    if lead > LONGEST { Err("write 30d at most".to_owned()) } else { Ok(lead) }
}

/// Reads a number with a unit: `90s`, `15m`, `8h`, `30d`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    const HOW: &str = "write a number and a unit, such as 90s, 15m, 8h or 30d";
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(HOW)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(HOW.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| HOW)?;
    if number == 0 {
        return Err("a token that is good for no time is of no use".to_owned());
    }
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("8h"), Ok(Duration::from_hours(8)));
        for wrong in ["", "8", "h", "-1h", "0s", "8 h", "۸ساعت"] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
