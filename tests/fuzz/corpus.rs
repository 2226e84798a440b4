//! Texts that have hurt readers before, and ways to spoil a good one.

use proptest::{collection::vec, prelude::*, sample::select};

/// Pieces of text with a history.
pub(super) const NASTY: [&str; 48] = [
    "",
    " ",
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{A0}",
    "\u{AD}",
    "\u{200B}",
    "\u{200C}",
    "\u{200D}",
    "\u{200E}",
    "\u{200F}",
    "\u{061C}",
    "\u{202E}",
    "\u{2028}",
    "\u{2066}",
    "\u{2069}",
    "\u{FEFF}",
    "\u{FFFD}",
    "\u{FFFF}",
    "\u{10FFFF}",
    "\r\n",
    "\r",
    "\n",
    "\t",
    "\"",
    "\"\"",
    "'",
    ",",
    ";",
    "\\",
    "\\ud800",
    "۰۱۲۳۴۵۶۷۸۹",
    "٠١٢٣٤٥٦٧٨٩",
    "०१२",
    "１２３",
    "½",
    "٫",
    "٬",
    "\u{2212}",
    "-",
    "+",
    "1e999999999",
    "9223372036854775807",
    "9223372036854775808",
    "-170141183460469231731687303715884105729",
    "ئـيّكىآآ",
];

/// A change to a text: its place in thousandths of the text, and what happens there.
#[derive(Debug, Clone)]
enum Spoil {
    Insert(usize, String),
    Remove(usize, usize),
    Repeat(usize, usize),
    Swap(usize, usize),
}

/// A text of some kind, spoilt in up to three places or left alone.
pub(super) fn spoilt(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let place = || 0..=1_000_usize;
    let spoil = prop_oneof![
        4 => (place(), piece()).prop_map(|(at, piece)| Spoil::Insert(at, piece)),
        2 => (place(), 1..4_usize).prop_map(|(at, many)| Spoil::Remove(at, many)),
        1 => (place(), prop_oneof![9 => 2..5_usize, 1 => Just(20_000)])
            .prop_map(|(at, times)| Spoil::Repeat(at, times)),
        1 => (place(), place()).prop_map(|(one, other)| Spoil::Swap(one, other)),
    ];
    (text, vec(spoil, 0..4)).prop_map(|(text, spoils)| {
        let spoilt = spoils.into_iter().fold(text.chars().collect(), apply);
        spoilt.into_iter().take(100_000).collect()
    })
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&NASTY[..]).prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

fn apply(mut text: Vec<char>, spoil: Spoil) -> Vec<char> {
    let place = |thousandths: usize, text: &[char]| (text.len() * thousandths / 1_000).min(text.len());
    match spoil {
        Spoil::Insert(at, piece) => {
            let at = place(at, &text);
            text.splice(at..at, piece.chars());
        }
        Spoil::Remove(at, many) => {
            let at = place(at, &text);
            text.drain(at..(at + many).min(text.len()));
        }
        Spoil::Repeat(at, times) => {
            let at = place(at, &text);
            if let Some(repeated) = text.get(at).copied() {
                text.splice(at..at, std::iter::repeat_n(repeated, times));
            }
        }
        Spoil::Swap(one, other) => {
            let (one, other) = (place(one, &text), place(other, &text));
            if one < text.len() && other < text.len() {
                text.swap(one, other);
            }
        }
    }
    text
}

/// Any text at all, and texts put together from the nasty ones.
pub(super) fn wild() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => "(?s).{0,80}",
        2 => vec(piece(), 0..12).prop_map(|pieces| pieces.concat()),
    ]
}
