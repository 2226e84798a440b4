//! The form of the house, held by reading it: who may depend on whom, under which licences, and what no source
//! file may contain. What a manifest or the compiler already refuses is not repeated here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Each crate of the workspace and the siblings it may import.
const ALLOWED_EDGES: [(&str, &[&str]); 5] = [
    ("amvaj-api", &["amvaj-domain", "amvaj-infra", "amvaj-migrations"]),
    ("amvaj-domain", &[]),
    ("amvaj-infra", &["amvaj-domain"]),
    ("amvaj-migrations", &[]),
    ("amvaj-tests", &["amvaj-api", "amvaj-domain", "amvaj-infra", "amvaj-migrations"]),
];

/// What the pure crate may stand on, and what only its tests may.
const DOMAIN_DEPENDENCIES: [&str; 6] =
    ["icu_calendar", "jiff", "sha2", "thiserror", "unicode-normalization", "uuid"];
const DOMAIN_TEST_DEPENDENCIES: [&str; 3] = ["proptest", "serde", "serde_json"];

/// The same list as in `deny.toml`.
const ALLOWED_LICENCES: [&str; 11] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Crates whose licence is accepted for them alone: `webpki-roots` is data, under a permissive licence for data.
const LICENCE_EXCEPTIONS: [(&str, &str); 1] = [("webpki-roots", "CDLA-Permissive-2.0")];

const BANNED_CRATES: [&str; 6] = ["actix-governor", "native-tls", "openssl", "openssl-sys", "ring", "rsa"];

/// Crates of which a second version would be a second pool, a second provider or a second copy of SQLite.
const SINGLE_VERSION_CRATES: [&str; 4] = ["libsqlite3-sys", "redis", "rustls", "sqlx"];

const LONGEST_FILE: usize = 600;

#[test]
fn workspace_crates_import_only_the_siblings_they_may() {
    let allowed = BTreeMap::from(ALLOWED_EDGES);
    let mut offences = Vec::new();
    for package in workspace_packages() {
        let Some(siblings) = allowed.get(package.name.as_str()) else {
            offences.push(format!("{} is not in ALLOWED_EDGES", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.is_sibling()) {
            if !siblings.contains(&dependency.name.as_str()) {
                offences.push(format!("{} must not depend on {}", package.name, dependency.name));
            }
        }
    }
    assert_none(&offences);
}

#[test]
fn the_domain_stands_on_a_few_pure_crates() {
    let packages = workspace_packages();
    let domain =
        packages.iter().find(|package| package.name == "amvaj-domain").expect("the domain crate exists");
    let is_allowed = |dependency: &Dependency| {
        let name = dependency.name.as_str();
        DOMAIN_DEPENDENCIES.contains(&name)
            || (dependency.for_tests_only && DOMAIN_TEST_DEPENDENCIES.contains(&name))
    };
    let offences: Vec<_> = domain.dependencies.iter().filter(|dependency| !is_allowed(dependency)).collect();
    assert_none(&offences);
}

#[test]
fn every_built_crate_has_an_allowed_licence() {
    let offences: Vec<_> = built_crates()
        .into_iter()
        .filter(|built| !LICENCE_EXCEPTIONS.contains(&(built.name.as_str(), built.licence.as_str())))
        .filter(|built| !licence_is_allowed(&built.licence))
        .collect();
    assert_none(&offences);
}

#[test]
fn banned_crates_are_not_built() {
    let offences: Vec<_> =
        built_crates().into_iter().filter(|built| BANNED_CRATES.contains(&built.name.as_str())).collect();
    assert_none(&offences);
}

#[test]
fn crates_that_must_be_single_have_one_version() {
    let built = built_crates();
    for name in SINGLE_VERSION_CRATES {
        let versions: BTreeSet<_> =
            built.iter().filter(|built| built.name == name).map(|built| &built.version).collect();
        assert_eq!(versions.len(), 1, "{name} must be built in exactly one version, is in {versions:?}");
    }
}

#[test]
fn use_cases_know_neither_graphql_nor_http() {
    assert_absent("api/src/app", &["async_graphql", "actix_web", "actix_http"]);
}

#[test]
fn resolvers_do_not_reach_the_database() {
    assert_absent("api/src/graphql", &["sea_orm", "sqlx"]);
}

#[test]
fn only_infra_and_migrations_know_the_orm() {
    for folder in ["api/src", "domain/src"] {
        assert_absent(folder, &["sea_orm", "sea_query"]);
    }
}

#[test]
fn the_directory_is_changed_only_together_with_the_audit_log() {
    let offences: Vec<_> = sources("infra/src/directory")
        .into_iter()
        // The row that says which installation this is belongs to nobody's act.
        .filter(|source| !source.path.ends_with("network.rs"))
        .filter(|source| [".begin()", ".writer()"].iter().any(|word| source.text.contains(word)))
        .map(|source| source.path)
        .collect();
    assert_none(&offences);
}

#[test]
fn the_domain_never_awaits_and_has_no_floats() {
    assert_absent("domain/src", &["async fn", "async move", "f32", "f64"]);
}

#[test]
fn no_file_is_too_long() {
    let offences: Vec<_> = sources(".")
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .collect();
    assert_none(&offences);
}

#[test]
fn nothing_is_left_for_later() {
    // Written in halves, so that this file does not accuse itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["todo", "!"], ["unimplemented", "!"], ["#[ign", "ore"]];
    let marks = marks.map(|halves| halves.concat());
    assert_absent(".", &marks.each_ref().map(String::as_str));
}

#[test]
fn licence_expressions_are_understood() {
    for allowed in
        ["MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0 WITH LLVM-exception", "GPL-2.0 OR MIT"]
    {
        assert!(licence_is_allowed(allowed), "{allowed}");
    }
    for refused in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND (GPL-3.0 OR MPL-2.0)", "GPL-2.0 WITH Classpath"]
    {
        assert!(!licence_is_allowed(refused), "{refused}");
    }
}

#[test]
fn words_are_found_whole() {
    assert!(contains_word("let rate: f64 = 1.0;", "f64"));
    assert!(contains_word("use sea_orm::Set;", "sea_orm"));
    assert!(contains_word("#[test = \"slow\"]", "#[test"));
    assert!(!contains_word("let f64_like = buff64;", "f64"));
}

struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    for_tests_only: bool,
}

impl Dependency {
    fn is_sibling(&self) -> bool {
        self.name.starts_with("amvaj")
    }
}

#[derive(Debug)]
struct BuiltCrate {
    name: String,
    version: String,
    licence: String,
}

struct Source {
    path: PathBuf,
    text: String,
}

/// The manifests of the workspace, without resolving anything.
fn workspace_packages() -> Vec<Package> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--no-deps", "--format-version=1"]))
        .expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("metadata lists packages");
    packages
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            dependencies: package["dependencies"]
                .as_array()
                .expect("a package lists dependencies")
                .iter()
                .map(|dependency| Dependency {
                    name: text(&dependency["name"]),
                    for_tests_only: dependency["kind"] == "dev",
                })
                .collect(),
        })
        .collect()
}

/// What is compiled for this machine, tests included. `cargo metadata` would also list optional crates that no
/// feature turns on, `ring` among them, and would need the crates of other systems to be downloaded.
fn built_crates() -> Vec<BuiltCrate> {
    let tree =
        cargo(&["tree", "--workspace", "--edges=normal,build,dev", "--prefix=none", "--format={p}\t{l}"]);
    let crates: Vec<_> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (package, licence) = line.split_once('\t').expect("a tab parts package and licence");
            let mut words = package.split(' ');
            BuiltCrate {
                name: words.next().unwrap_or_default().to_owned(),
                version: words.next().unwrap_or_default().to_owned(),
                licence: licence.trim_end_matches(" (*)").to_owned(),
            }
        })
        .collect();
    assert!(crates.len() > 100, "cargo tree lists only {} crates", crates.len());
    crates
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Whether one of the alternatives of an SPDX expression is wholly allowed. The slash of old manifests means OR.
fn licence_is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let allowed = any_alternative(&mut rest);
    allowed && rest.is_empty()
}

fn any_alternative(rest: &mut &[&str]) -> bool {
    let mut allowed = all_parts(rest);
    while let Some((&"OR", after)) = rest.split_first() {
        *rest = after;
        allowed |= all_parts(rest);
    }
    allowed
}

fn all_parts(rest: &mut &[&str]) -> bool {
    let mut allowed = one_licence(rest);
    while let Some((&"AND", after)) = rest.split_first() {
        *rest = after;
        allowed &= one_licence(rest);
    }
    allowed
}

fn one_licence(rest: &mut &[&str]) -> bool {
    let Some((&word, after)) = rest.split_first() else { return false };
    *rest = after;
    if word == "(" {
        let allowed = any_alternative(rest);
        *rest = rest.get(1..).unwrap_or_default();
        return allowed;
    }
    let mut licence = word.to_owned();
    if let [with @ "WITH", exception, after @ ..] = *rest {
        licence = [word, with, exception].join(" ");
        *rest = after;
    }
    ALLOWED_LICENCES.contains(&licence.as_str())
}

fn assert_absent(folder: &str, words: &[&str]) {
    let mut offences = Vec::new();
    for source in sources(folder) {
        for (number, line) in (1..).zip(source.text.lines()) {
            for word in words.iter().filter(|word| contains_word(line, word)) {
                offences.push(format!("{}:{number} contains {word}", source.path.display()));
            }
        }
    }
    assert_none(&offences);
}

/// Whether the word stands in the line and is not a part of a longer name.
fn contains_word(line: &str, word: &str) -> bool {
    let continues_name = |neighbour: Option<char>| neighbour.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !continues_name(before) && !continues_name(after)
    })
}

/// All Rust files below a folder; none when the folder does not exist.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect_sources(&root().join(folder), &mut found);
    found
}

fn collect_sources(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            collect_sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is UTF-8");
            found.push(Source { path, text });
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the workspace")
}

#[track_caller]
fn assert_none<T: std::fmt::Debug>(offences: &[T]) {
    assert!(offences.is_empty(), "{offences:#?}");
}
