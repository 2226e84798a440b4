//! The demo's members: plausible Persian names, valid mobile numbers that nobody shares, cards for some.
//!
//! The names are common first names and family names put together by chance. The numbers are well formed; whether
//! one of them is in use somewhere cannot be known, and the demo sends nothing to anybody.

use std::collections::HashSet;

use super::random::Random;

/// A member to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// First name and family name.
    pub name: String,
    /// The mobile number, as `09…`.
    pub mobile: String,
    /// The number of the card, for those who have one: 16 digits.
    pub card: Option<String>,
}

/// Four in ten members carry a card.
const CARD_PER_MILLE: i64 = 400;
/// The prefix of the demo's cards; the member's number in the demo follows, so no two are alike.
const CARD_PREFIX: &str = "6399";
/// Keeps the stream of the people apart from the streams of the single members' years.
const SUBJECT: u64 = u64::MAX;

/// Prefixes of mobile numbers, the commonest more than once.
const PREFIXES: [&str; 14] = [
    "0912", "0912", "0913", "0914", "0915", "0916", "0917", "0919", "0935", "0936", "0938", "0921", "0990",
    "0999",
];

const WOMEN: [&str; 40] = [
    "زهرا",
    "فاطمه",
    "مریم",
    "سارا",
    "نرگس",
    "مینا",
    "الهام",
    "نگار",
    "شیرین",
    "لیلا",
    "مهسا",
    "نازنین",
    "پریسا",
    "ریحانه",
    "سمیرا",
    "آرزو",
    "هانیه",
    "ندا",
    "بهاره",
    "ترانه",
    "یاسمن",
    "مهناز",
    "شیوا",
    "سپیده",
    "فرشته",
    "رویا",
    "آیدا",
    "کیمیا",
    "هدیه",
    "نسترن",
    "ستاره",
    "پروانه",
    "گلناز",
    "ماندانا",
    "طاهره",
    "معصومه",
    "اعظم",
    "فرزانه",
    "آتنا",
    "دریا",
];

const MEN: [&str; 40] = [
    "محمد",
    "علی",
    "حسین",
    "رضا",
    "مهدی",
    "امیر",
    "حامد",
    "سعید",
    "مجید",
    "حمید",
    "کاوه",
    "آرش",
    "بابک",
    "سیاوش",
    "پویا",
    "نیما",
    "سامان",
    "پیمان",
    "کیان",
    "فرهاد",
    "بهرام",
    "داریوش",
    "جواد",
    "مرتضی",
    "مصطفی",
    "محسن",
    "امید",
    "شهاب",
    "وحید",
    "یونس",
    "ایمان",
    "آرمان",
    "کامران",
    "مازیار",
    "احسان",
    "میلاد",
    "سینا",
    "پارسا",
    "بهزاد",
    "روزبه",
];

const FAMILIES: [&str; 60] = [
    "محمدی",
    "حسینی",
    "احمدی",
    "رضایی",
    "کریمی",
    "موسوی",
    "جعفری",
    "صادقی",
    "رحیمی",
    "ابراهیمی",
    "هاشمی",
    "قاسمی",
    "اکبری",
    "نوری",
    "صالحی",
    "مرادی",
    "کاظمی",
    "یوسفی",
    "عباسی",
    "نجفی",
    "شریفی",
    "امینی",
    "طاهری",
    "حیدری",
    "میرزایی",
    "رستمی",
    "باقری",
    "فرهادی",
    "سلیمانی",
    "ملکی",
    "زارعی",
    "نظری",
    "خسروی",
    "اسدی",
    "بهرامی",
    "پارسا",
    "تهرانی",
    "شیرازی",
    "اصفهانی",
    "یزدانی",
    "کرمانی",
    "گیلانی",
    "خراسانی",
    "مازندرانی",
    "تبریزی",
    "همدانی",
    "قزوینی",
    "کاشانی",
    "بختیاری",
    "افشار",
    "دهقان",
    "کشاورز",
    "زرگر",
    "عطار",
    "نجار",
    "معمار",
    "بهنام",
    "راد",
    "فلاح",
    "جوان",
];

/// Makes so many members. The first of a longer list are those of a shorter one.
pub fn people(seed: u64, count: u32) -> Vec<Person> {
    let mut random = Random::fork(seed, SUBJECT);
    let mut taken = HashSet::new();
    (0..count)
        .map(|number| {
            let mobile = mobile(&mut random, &mut taken);
            let has_card = random.chance(CARD_PER_MILLE);
            let card = has_card.then(|| format!("{CARD_PREFIX}{:012}", u64::from(number) + 1));
            Person { name: name(&mut random), mobile, card }
        })
        .collect()
}

fn name(random: &mut Random) -> String {
    let firsts: &[&str] = if random.chance(500) { &WOMEN } else { &MEN };
    let first = random.pick(firsts).copied().unwrap_or_default();
    let family = random.pick(&FAMILIES).copied().unwrap_or_default();
    format!("{first} {family}")
}

/// Draws until the number is new.
fn mobile(random: &mut Random, taken: &mut HashSet<String>) -> String {
    loop {
        let prefix = random.pick(&PREFIXES).copied().unwrap_or_default();
        let mobile = format!("{prefix}{:07}", random.between(0, 9_999_999));
        if taken.insert(mobile.clone()) {
            return mobile;
        }
    }
}

#[cfg(test)]
mod tests {
    use amvaj_domain::text::{CardNumber, Mobile, Name};

    use super::*;

    #[test]
    fn every_member_has_a_valid_mobile_of_its_own_and_a_valid_name() {
        let people = people(1, 5_000);
        let mobiles: HashSet<Mobile> =
            people.iter().map(|person| Mobile::parse(&person.mobile).unwrap()).collect();
        assert_eq!(mobiles.len(), people.len());
        assert!(people.iter().all(|person| Name::parse(&person.name).is_ok()));
    }

    #[test]
    fn some_members_have_cards_and_no_two_the_same() {
        let people = people(1, 2_000);
        let cards: HashSet<CardNumber> = people
            .iter()
            .filter_map(|person| Some(CardNumber::parse(person.card.as_ref()?).unwrap()))
            .collect();
        assert_eq!(cards.len(), people.iter().filter(|person| person.card.is_some()).count());
        assert!((600..1_000).contains(&cards.len()), "{}", cards.len());
    }

    #[test]
    fn a_seed_makes_the_same_members_and_a_longer_list_begins_like_a_shorter_one() {
        let long = people(7, 300);
        assert_eq!(people(7, 200), long[..200]);
        assert_ne!(people(8, 200), long[..200]);
    }
}
