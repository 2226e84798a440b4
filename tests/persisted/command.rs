//! `amvaj documents`: a folder of files becomes a manifest, or all that is wrong is told.

use std::fs;
use std::path::{Path, PathBuf};

use amvaj_api::graphql::persisted::manifest::Trusted;
use amvaj_infra::persisted::TextHash;
use serde_json::Value;

use crate::program::{amvaj, empty_folder};

/// Writes files, makes their manifest, and answers it with what the program said; no manifest when it refused.
fn made(folder: &Path, files: &[(&str, &str)]) -> (Option<String>, String) {
    let documents = folder.join("app");
    for (name, text) in files {
        let path = documents.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let out = folder.join("documents.json");
    let output = amvaj(folder).arg("documents").arg(&documents).arg("--out").arg(&out).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert_eq!(output.status.success(), out.exists());
    (fs::read_to_string(out).ok(), String::from_utf8(told).unwrap())
}

fn folder() -> PathBuf {
    empty_folder("documents")
}

const WALLET: &str = "query MyWallet { wallet { ...Balance } }\nquery Club { network { ...Names } }\n";
const EARN: &str =
    "mutation Earn($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }";
const SHARED: &str = "fragment Balance on Wallet { id posted ...Version }\nfragment Version on Wallet { version }\n\
    fragment Names on Network { nameEn }\n";
const LISTEN: &str = "subscription Listen { operationRecorded { cursor } }";

#[test]
fn every_operation_gets_its_entry_and_the_same_files_make_the_same_manifest() {
    let files = [
        ("wallet.graphql", WALLET),
        ("till/earn.graphql", EARN),
        ("b/shared.graphql", SHARED),
        ("l.graphql", LISTEN),
    ];
    let (manifest, told) = made(&folder(), &files);
    let manifest = manifest.unwrap_or_else(|| panic!("{told}"));
    assert!(told.contains("4 operations of 4 files"), "{told}");
    let json: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!((&json["format"], &json["version"]), (&"apollo-persisted-query-manifest".into(), &1.into()));
    let entries = json["operations"].as_array().unwrap();
    let named: Vec<_> =
        entries.iter().map(|one| [one["name"].as_str().unwrap(), one["type"].as_str().unwrap()]).collect();
    let expected =
        [["Club", "query"], ["Earn", "mutation"], ["Listen", "subscription"], ["MyWallet", "query"]];
    assert_eq!(named, expected);
    for entry in entries {
        assert_eq!(entry["id"], TextHash::of(entry["body"].as_str().unwrap()).to_string());
    }
    let wallet = entries[3]["body"].as_str().unwrap();
    assert!(wallet.contains("fragment Version") && !wallet.contains("fragment Names"), "{wallet}");

    // Neither the order of the files nor the ends of their lines make a difference.
    let crlf = WALLET.replace('\n', "\r\n");
    let again =
        [("0/earn.graphql", EARN), ("1.graphql", LISTEN), ("2.graphql", &crlf), ("3.graphql", SHARED)];
    let folder = folder();
    assert_eq!(made(&folder, &again).0.as_deref(), Some(manifest.as_str()));
    assert_eq!(Trusted::load(&folder.join("documents.json")).unwrap().count(), 4);
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_nothing_is_written() {
    let aliases: String = (0..101).map(|number| format!(" a{number}: version")).collect();
    let many = format!("query Many {{{aliases} }}");
    let (_, told) = made(
        &folder(),
        &[
            ("field.graphql", "query Field { nothing }"),
            ("variable.graphql", "\nquery Variable($x: NoType) { version }"),
            ("many.graphql", &many),
            ("cycle.graphql", "query Cycle { ...A } fragment A on Query { ...A }"),
            ("type.graphql", "query Type { operations(first: \"one\") { nodes { id } } }"),
            ("syntax.graphql", "query Syntax { version(: 1) }"),
            ("good.graphql", "query Good { version }"),
            ("ignored.txt", "nothing at all"),
        ],
    );
    for expected in [
        "field.graphql:1: Field: Unknown field",
        "variable.graphql:2: Variable: ",
        "many.graphql:1: Many: There are more than 20 root fields",
        "cycle.graphql:1: Cycle: A fragment spreads itself",
        "type.graphql:1: Type: Invalid value",
        "syntax.graphql:1: Syntax: it is not GraphQL, line 1, column 24: expected name",
    ] {
        assert!(told.contains(expected), "{expected} is not in\n{told}");
    }
    assert!(!told.contains("Good"), "{told}");
}

#[test]
fn what_cannot_be_put_together_is_told() {
    for (files, expected) in [
        (vec![("a.graphql", "{ version }")], "a.graphql:1: the operation has no name"),
        (vec![("a.graphql", "query Q { ...F }")], "which is in no file"),
        (
            vec![("a.graphql", "query Q { version }"), ("b.graphql", "\nquery Q { version }")],
            "b.graphql:2: the operation Q is in a.graphql:1 too",
        ),
        (vec![("a.txt", "query Q { version }")], "has no operation"),
        (vec![("a.graphql", "type Query { a: Int }")], "neither an operation nor a fragment"),
    ] {
        let (manifest, told) = made(&folder(), &files);
        assert!(manifest.is_none() && told.contains(expected), "{expected} is not in\n{told}");
    }
    let folder = folder();
    let output = amvaj(&folder).args(["documents", "nowhere", "--out", "x.json"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("nowhere cannot be read"), "{told}");
}
