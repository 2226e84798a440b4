//! The file beside the data that says which demo is in it: with what it was made, and whether it is whole.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Its name in the data folder.
const FILE: &str = "demo.json";

/// Which demo is in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The database that it belongs to, by its network's epoch.
    pub network: String,
    /// The seed.
    pub seed: u64,
    /// How many members it has.
    pub members: u32,
    /// When its year ends: microseconds since the epoch.
    pub end_micros: i64,
    /// Whether the year was played to its end.
    pub complete: bool,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MarkerError {
    /// The file cannot be read or written.
    #[error("{} cannot be read or written: {source}; check the folder's permissions", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} is not a demo's note; move it away", path.display())]
    NotAMarker {
        /// The file.
        path: PathBuf,
    },
}

impl Marker {
    /// Where the note of a data folder is.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// The note of a data folder; nothing when there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, MarkerError> {
        let path = Self::path(folder);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|_| MarkerError::NotAMarker { path }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MarkerError::File { path, source }),
        }
    }

    /// Writes the note: all of it or nothing, whatever happens in between.
    pub fn write(&self, folder: &Path) -> Result<(), MarkerError> {
        let path = Self::path(folder);
        let written = || {
            let text = serde_json::to_vec_pretty(self)?;
            let draft = path.with_extension("json.new");
            fs::create_dir_all(folder)?;
            let mut file = File::create(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        written().map_err(|source| MarkerError::File { path: path.clone(), source })
    }

    /// Whether the note speaks of the network with this epoch.
    pub fn speaks_of(&self, epoch: Uuid) -> bool {
        self.network == epoch.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_something_else_is_refused() {
        let folder = std::env::temp_dir().join(format!("amvaj-marker-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        assert_eq!(Marker::read(&folder).unwrap(), None);
        let epoch = Uuid::from_u128(7);
        let marker = Marker {
            network: epoch.to_string(),
            seed: u64::MAX,
            members: 20,
            end_micros: 1_795_000_000_000_000,
            complete: false,
        };
        marker.write(&folder).unwrap();
        assert_eq!(Marker::read(&folder).unwrap(), Some(marker.clone()));
        assert!(marker.speaks_of(epoch) && !marker.speaks_of(Uuid::nil()));
        fs::write(Marker::path(&folder), "{}").unwrap();
        assert!(matches!(Marker::read(&folder), Err(MarkerError::NotAMarker { .. })));
    }
}
