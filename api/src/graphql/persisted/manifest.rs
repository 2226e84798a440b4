//! The manifest: a file of trusted documents, in the format of Apollo's persisted query manifests.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use amvaj_infra::persisted::TextHash;
use serde::{Deserialize, Serialize};
use thiserror::Error;

const FORMAT: &str = "apollo-persisted-query-manifest";
const VERSION: u32 = 1;

/// The trusted documents.
#[derive(Debug, Default)]
pub struct Trusted(HashMap<TextHash, Arc<str>>);

/// One operation of a manifest, with all fragments that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The SHA-256 of the body.
    pub id: String,
    /// The operation's name.
    pub name: String,
    /// `query`, `mutation` or `subscription`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    pub body: String,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: String,
    version: u32,
    operations: Vec<Entry>,
}

/// Why a file is no manifest.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// It cannot be read.
    #[error(
        "{path} cannot be read: {source}; set AMVAJ_GRAPHQL_MANIFEST to a file that `amvaj documents` wrote"
    )]
    Unread {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("{path} is no manifest of documents: {reason}; write it with `amvaj documents`")]
    NoManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Trusted {
    /// Reads a manifest.
    pub fn load(path: &Path) -> Result<Self, ManifestError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ManifestError::Unread { path: path.to_owned(), source })?;
        Self::read(&text).map_err(|reason| ManifestError::NoManifest { path: path.to_owned(), reason })
    }

    fn read(text: &str) -> Result<Self, String> {
        let manifest: Manifest = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if manifest.format != FORMAT || manifest.version != VERSION {
            return Err(format!("its format is not {FORMAT} with version {VERSION}"));
        }
        let mut texts = HashMap::new();
        for Entry { id, name, body, .. } in manifest.operations {
            let hash = TextHash::of(&body);
            if id != hash.to_string() {
                return Err(format!("the id of the operation {name} is not the SHA-256 of its body"));
            }
            texts.insert(hash, body.into());
        }
        Ok(Self(texts))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn has(&self, hash: TextHash) -> bool {
        self.0.contains_key(&hash)
    }

    pub(super) fn text(&self, hash: TextHash) -> Option<Arc<str>> {
        let text = self.0.get(&hash).cloned()?;
        metrics::counter!("amvaj_persisted_documents_reads_total", "outcome" => "trusted").increment(1);
        Some(text)
    }
}

/// The text of a manifest: the same for the same operations.
pub fn write(operations: Vec<Entry>) -> serde_json::Result<String> {
    let manifest = Manifest { format: FORMAT.to_owned(), version: VERSION, operations };
    serde_json::to_string_pretty(&manifest).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: &str) -> Entry {
        let id = TextHash::of(body).to_string();
        Entry { id, name: "Q".to_owned(), kind: "query".to_owned(), body: body.to_owned() }
    }

    #[test]
    fn what_was_written_is_read() {
        let entries = vec![entry("query Q { version }"), entry("query R { version }")];
        let trusted = Trusted::read(&write(entries).unwrap()).unwrap();
        assert_eq!(trusted.count(), 2);
        assert!(trusted.has(TextHash::of("query R { version }")));
        assert!(!trusted.has(TextHash::of("query S { version }")));
    }

    #[test]
    fn a_file_that_says_something_else_is_refused_with_a_reason() {
        let forged = Entry { body: "query Q { viewer { role } }".to_owned(), ..entry("query Q { version }") };
        for (text, reason) in [
            ("", "EOF"),
            ("[]", "invalid"),
            ("{}", "format"),
            (r#"{"format":"relay","version":1,"operations":[]}"#, "format"),
            (r#"{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}"#, "version"),
            (&write(vec![forged]).unwrap(), "SHA-256"),
        ] {
            let error = Trusted::read(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
