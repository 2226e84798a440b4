//! A balance as one line of text, the form in which Redis keeps it.
//!
//! `b1 version valid_until as_of posted held pending debt blocked`: whole numbers in decimal, instants in
//! microseconds, `blocked` as 0 or 1. The first three have 19 digits, so that the scripts in Redis, whose numbers are
//! floating, compare them exactly as text. `b1` names this form; another form is foreign data to this code.

use super::balance::Balance;
use amvaj_domain::{id::WalletId, points::Points, time::Instant};

const FORM: &str = "b1";
/// Digits of the greatest `i64`.
const DIGITS: usize = 19;

/// A version or an instant with all its digits, or nothing for a negative one, which the form cannot hold.
pub(super) fn padded(number: i64) -> Option<String> {
    (number >= 0).then(|| format!("{number:0DIGITS$}"))
}

/// The line, or nothing when a version or an instant is negative.
pub(super) fn write(balance: &Balance) -> Option<String> {
    let version = padded(balance.version)?;
    let valid_until = padded(balance.valid_until.micros())?;
    let as_of = padded(balance.as_of.micros())?;
    let Balance { posted, held, pending, debt, blocked, .. } = balance;
    let blocked = u8::from(*blocked);
    Some(format!("{FORM} {version} {valid_until} {as_of} {posted} {held} {pending} {debt} {blocked}"))
}

/// The balance that a line tells, or nothing when it is not such a line.
pub(super) fn read(wallet: WalletId, line: &[u8]) -> Option<Balance> {
    let mut fields = std::str::from_utf8(line).ok()?.split(' ');
    if fields.next()? != FORM {
        return None;
    }
    let mut wide = || fields.next().filter(|field| field.len() == DIGITS).and_then(number);
    let (version, valid_until, as_of) = (wide()?, wide()?, wide()?);
    let mut points = || fields.next().and_then(number).and_then(|points| Points::new(points).ok());
    let (posted, held, pending, debt) = (points()?, points()?, points()?, points()?);
    let blocked = match fields.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    if fields.next().is_some() {
        return None;
    }
    let (valid_until, as_of) = (Instant::from_micros(valid_until), Instant::from_micros(as_of));
    Some(Balance { wallet, version, posted, held, pending, debt, blocked, valid_until, as_of })
}

/// Digits only: the parser of the standard library would also take a sign.
fn number(field: &str) -> Option<i64> {
    field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::tests::{at, balance, wallet};

    #[test]
    fn a_balance_survives_the_text() {
        let points = |n| Points::new(n).unwrap();
        let whole = Balance {
            posted: points(Points::MAX),
            held: points(3),
            pending: points(4),
            debt: points(5),
            blocked: true,
            ..balance(7, i64::MAX, at(9))
        };
        for balance in [whole, Balance { blocked: false, valid_until: at(1), ..whole }] {
            assert_eq!(read(wallet(7), write(&balance).unwrap().as_bytes()), Some(balance));
        }
        assert_eq!(write(&Balance { version: -1, ..whole }), None);
    }

    #[test]
    fn every_damaged_line_is_foreign() {
        let line = write(&balance(7, 42, at(9))).unwrap();
        for end in 0..line.len() {
            assert_eq!(read(wallet(7), &line.as_bytes()[..end]), None, "cut at {end}");
        }
        for foreign in [
            line.replace("b1", "b2"),
            line.replace("b1 0", "b1 "),
            line.replace("b1 0", "b1 -"),
            line.replace("b1 0", "b1 +"),
            format!("{line} "),
            format!("{line}0"),
            line.replace(' ', "  "),
            line.replace(" 100 ", " 1000000000000001 "),
            line.replace(" 100 ", " 99999999999999999999 "),
        ] {
            assert_eq!(read(wallet(7), foreign.as_bytes()), None, "{foreign}");
        }
        assert_eq!(read(wallet(7), b"\xff\xfe"), None);
    }
}
