//! The files of the signing keys: the first one, and beside it a folder with those that rotations made.
//!
//! ```text
//! signing-key.pem          made on the first start
//! signing-key.d/2.pem      made by `amvaj keys rotate`; says from when on it signs
//! signing-key.d/3.pem
//! ```
//!
//! What a key is for follows from the files and the clock alone: the one that signs is the latest whose time has come,
//! those before it only verify, and one whose time has not come is published already. So nodes that share the folder
//! change over at the same moment and need not be told.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use amvaj_domain::time::{Instant, Span};

use super::key::{KeyError, KeySet, SigningKey, publish};

/// What stands before the PEM text of a key: from when on it signs.
const SIGNS_FROM: &str = "Signs-From: ";
/// No token is good for longer, so a key that has not signed for so long has nothing left to verify.
pub const LONGEST_TOKEN: Span = Span::days(366);
/// Most keys that are read; more of them are a mistake.
const MOST: usize = 64;

/// Where the signing keys are.
#[derive(Debug, Clone)]
pub struct KeyFiles {
    first: PathBuf,
    folder: PathBuf,
}

/// What a key is for at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is published and does not sign yet.
    Next,
    /// It signs.
    Signing,
    /// It signed, and still verifies.
    Older,
}

/// A key and its file.
#[derive(Debug, Clone)]
pub struct KeyFile {
    /// The key's name in a token's `kid`.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// From when on it signs; the first key from the beginning.
    pub signs_from: Instant,
    /// What it is for.
    pub state: KeyState,
    /// When its successor took over or will; nothing while it has none.
    pub signs_until: Option<Instant>,
}

/// Why no key was made or retired.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The files cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The last rotation is not over.
    #[error("the key {0} is published and does not sign yet; rotate again when it does")]
    Underway(String),
    /// Another process made the same file.
    #[error("another process is rotating at the same time; `amvaj keys list` shows what it made")]
    Raced,
    /// There is no such key.
    #[error("there is no signing key {0}; `amvaj keys list` shows those there are")]
    Unknown(String),
    /// The key signs, or will.
    #[error("the key {0} signs or will sign; rotate first, and retire it when the next one signs")]
    InUse(String),
    /// Tokens of the key can still be good.
    #[error(
        "tokens of the key {0} can be good until {1}; wait, or end them all with --force when the key is not safe"
    )]
    Needed(String, jiff::Timestamp),
}

impl KeyFiles {
    /// The files beside the first key's.
    pub fn new(first: &Path) -> Self {
        Self { first: first.to_path_buf(), folder: first.with_extension("d") }
    }

    /// Reads all keys; makes the first one when there is none. Processes that start together agree on one.
    pub fn load_or_create(&self) -> Result<KeySet, KeyError> {
        if let Some(keys) = self.load()? {
            return Ok(keys);
        }
        Ok(KeySet::new(SigningKey::load_or_create(&self.first)?))
    }

    /// Reads all keys; nothing when there is none.
    pub fn load(&self) -> Result<Option<KeySet>, KeyError> {
        let mut keys = self.read()?.into_iter();
        let Some((_, key, signs_from)) = keys.next() else { return Ok(None) };
        Ok(Some(keys.fold(KeySet::new(key).signing_from(signs_from), |set, (_, key, signs_from)| {
            set.with(key, signs_from)
        })))
    }

    /// The keys with what they are for at `now`, oldest first.
    pub fn list(&self, now: Instant) -> Result<Vec<KeyFile>, KeyError> {
        let keys = self.read()?;
        let ends = keys.iter().skip(1).map(|(_, _, from)| Some(*from)).chain(std::iter::once(None));
        let files = keys.iter().zip(ends).map(|((path, key, signs_from), signs_until)| {
            let state = match signs_until {
                Some(until) if until <= now => KeyState::Older,
                // The first key signs even where it was made for later: somebody has to.
                _ if *signs_from > now && keys.first().is_some_and(|(first, ..)| first != path) => {
                    KeyState::Next
                }
                _ => KeyState::Signing,
            };
            KeyFile {
                id: key.id().to_owned(),
                path: path.clone(),
                signs_from: *signs_from,
                state,
                signs_until,
            }
        });
        Ok(files.collect())
    }

    /// Makes the next key, which is published at once and signs after `lead`.
    pub fn rotate(&self, lead: Span, now: Instant) -> Result<KeyFile, RotationError> {
        self.load_or_create()?;
        // The number before the look: whoever finds no next key then makes the file that another one made or will make.
        let number = self.numbers()?.last().map_or(2, |(number, _)| number.saturating_add(1));
        if let Some(next) = self.list(now)?.into_iter().find(|key| key.state == KeyState::Next) {
            return Err(RotationError::Underway(next.id));
        }
        let path = self.folder.join(format!("{number}.pem"));
        let (key, pem) = SigningKey::draw()?;
        let text = format!("{SIGNS_FROM}{}\n{pem}", moment(now.plus(lead)));
        publish(&path, &text).map_err(|source| KeyError::File {
            path: path.clone(),
            action: "made",
            source,
        })?;
        let made = self.list(now)?.into_iter().find(|made| made.id == key.id());
        made.ok_or(RotationError::Raced)
    }

    /// Removes a key that has nothing left to verify; with `force` also one that has, whose tokens end with it.
    pub fn retire(&self, id: &str, force: bool, now: Instant) -> Result<KeyFile, RotationError> {
        let key = self.list(now)?.into_iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| RotationError::Unknown(id.to_owned()))?;
        let Some(signed_until) = key.signs_until.filter(|_| key.state == KeyState::Older) else {
            return Err(RotationError::InUse(key.id));
        };
        let needed_until = signed_until.plus(LONGEST_TOKEN);
        if needed_until > now && !force {
            return Err(RotationError::Needed(key.id, moment(needed_until)));
        }
        fs::remove_file(&key.path).map_err(|source| KeyError::File {
            path: key.path.clone(),
            action: "removed",
            source,
        })?;
        Ok(key)
    }

    /// All keys by the time from which they sign.
    fn read(&self) -> Result<Vec<(PathBuf, SigningKey, Instant)>, KeyError> {
        let mut keys = Vec::new();
        if let Some(key) = SigningKey::load(&self.first)? {
            keys.push((self.first.clone(), key, Instant::from_micros(0)));
        }
        for (_, path) in self.numbers()?.into_iter().take(MOST) {
            // One that another process has retired meanwhile is not missed.
            let Some(text) = read_text(&path)? else { continue };
            let not_a_key = || KeyError::NotAKey { path: path.clone() };
            let (line, _) = text.split_once('\n').ok_or_else(not_a_key)?;
            let signs_from = line.strip_prefix(SIGNS_FROM).and_then(|moment| moment.trim().parse().ok());
            let signs_from: jiff::Timestamp = signs_from.ok_or_else(not_a_key)?;
            let key = SigningKey::from_pem(&text).ok_or_else(not_a_key)?;
            keys.push((path, key, Instant::from_micros(signs_from.as_microsecond())));
        }
        keys.sort_by_key(|(_, _, signs_from)| *signs_from);
        Ok(keys)
    }

    /// The numbered files, by their numbers. Everything else in the folder is left alone.
    fn numbers(&self) -> Result<Vec<(u32, PathBuf)>, KeyError> {
        let unreadable = |source| KeyError::File { path: self.folder.clone(), action: "read", source };
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(unreadable(source)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let name =
                path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".pem"));
            if let Some(number) = name.and_then(|name| name.parse().ok()) {
                files.push((number, path));
            }
        }
        files.sort_unstable();
        Ok(files)
    }
}

fn read_text(path: &Path) -> Result<Option<String>, KeyError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(KeyError::NotAKey { path: path.to_path_buf() })
        }
        Err(source) => Err(KeyError::File { path: path.to_path_buf(), action: "read", source }),
    }
}

/// An instant as people read it. Only one beyond the year 9999 has no text.
pub fn moment(instant: Instant) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(instant.micros()).unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_micros(1_800_000_000_000_000);
    const LEAD: Span = Span::minutes(15);

    fn files(name: &str) -> KeyFiles {
        let folder = std::env::temp_dir().join(format!("amvaj-keys-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        KeyFiles::new(&folder.join("signing-key.pem"))
    }

    fn states(files: &KeyFiles, now: Instant) -> Vec<KeyState> {
        files.list(now).unwrap().into_iter().map(|key| key.state).collect()
    }

    #[test]
    fn a_key_is_published_before_it_signs_and_verifies_after_it_signed() {
        use KeyState::{Next, Older, Signing};
        let files = files("life");
        let first = files.load_or_create().unwrap().signing(NOW).id().to_owned();
        let next = files.rotate(LEAD, NOW).unwrap();
        assert_eq!(states(&files, NOW), [Signing, Next]);
        let set = files.load().unwrap().unwrap();
        assert_eq!(set.signing(NOW).id(), first);
        assert!(set.find(&next.id).is_some(), "it verifies at once");
        let turn = NOW.plus(LEAD);
        assert_eq!(states(&files, turn), [Older, Signing]);
        assert_eq!(set.signing(turn).id(), next.id);
        assert!(set.find(&first).is_some());
        assert!(matches!(files.rotate(LEAD, NOW), Err(RotationError::Underway(id)) if id == next.id));
        files.rotate(LEAD, turn).unwrap();
        assert_eq!(states(&files, turn), [Older, Signing, Next]);
    }

    #[test]
    fn a_key_is_retired_when_no_token_of_it_can_be_good_or_by_force() {
        let files = files("retire");
        let first = files.load_or_create().unwrap().signing(NOW).id().to_owned();
        let next = files.rotate(LEAD, NOW).unwrap().id;
        for id in [&first, &next] {
            assert!(matches!(files.retire(id, true, NOW), Err(RotationError::InUse(_))), "{id}");
        }
        let turn = NOW.plus(LEAD);
        assert!(matches!(files.retire(&first, false, turn), Err(RotationError::Needed(..))));
        assert!(matches!(files.retire("x", true, turn), Err(RotationError::Unknown(_))));
        files.retire(&first, false, turn.plus(LONGEST_TOKEN)).unwrap();
        let left = files.load_or_create().unwrap();
        assert!(left.find(&first).is_none(), "and no other first key is made");
        let third = files.rotate(Span::seconds(0), turn).unwrap();
        assert_eq!(third.path.file_name().unwrap(), "3.pem");
        files.retire(&next, true, turn).unwrap();
        assert_eq!(states(&files, turn), [KeyState::Signing]);
    }

    #[test]
    fn of_processes_that_rotate_at_the_same_time_one_makes_a_key() {
        let files = files("race");
        files.load_or_create().unwrap();
        let rotating: Vec<_> = (0..8)
            .map(|_| {
                let files = files.clone();
                std::thread::spawn(move || files.rotate(LEAD, NOW).is_ok())
            })
            .collect();
        let made = rotating.into_iter().filter(|_| true).map(|one| one.join().unwrap()).filter(|made| *made);
        assert_eq!(made.count(), 1);
        assert_eq!(files.list(NOW).unwrap().len(), 2);
    }

    #[test]
    fn a_file_that_is_no_key_is_named_and_others_are_left_alone() {
        let files = files("other");
        files.rotate(LEAD, NOW).unwrap();
        fs::write(files.folder.join("notes.txt"), "x").unwrap();
        fs::write(files.folder.join("7.pem.bak"), "x").unwrap();
        assert_eq!(files.list(NOW).unwrap().len(), 2);
        fs::write(files.folder.join("9.pem"), "Signs-From: tomorrow\n").unwrap();
        let error = files.load().err().unwrap().to_string();
        assert!(error.contains("9.pem is not an Ed25519 private key"), "{error}");
    }
}
