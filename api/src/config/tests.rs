use super::*;

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
    Config::from_sources(None, variables(pairs)).unwrap_err().problems
}

/// The variables of `.env.example`, in its order.
fn documented() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
    std::fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        })
        .collect()
}

#[test]
fn the_defaults_are_valid_and_the_key_lies_beside_the_database() {
    let config = Config::from_sources(None, []).unwrap();
    assert_eq!(config.database.url.expose(), "sqlite://amvaj-data/amvaj.sqlite");
    assert_eq!(config.auth.key_file, Path::new("amvaj-data/signing-key.pem"));
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
}

#[test]
fn the_example_file_documents_every_setting_with_its_default() {
    let mut expected: Vec<_> =
        Config::settings().into_iter().map(|s| (format!("AMVAJ_{}", s.name), s.default)).collect();
    let mut found = documented();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn the_example_file_is_itself_a_valid_configuration() {
    Config::from_sources(None, documented()).unwrap();
}

#[test]
fn the_environment_goes_over_the_file_and_the_file_over_the_defaults() {
    let file = "listen = \"127.0.0.1:9000\"\nledger_batch = 64";
    let config =
        Config::from_sources(Some(("amvaj.toml", file)), variables(&[("AMVAJ_LEDGER_BATCH", "32")])).unwrap();
    assert_eq!(config.http.listen.port(), 9000);
    assert_eq!(config.ledger.batch, 32);
    assert_eq!(config.ledger.queue, 4096);
}

#[test]
fn all_problems_are_reported_at_once() {
    let found = problems(&[
        ("AMVAJ_LISTEN", "eighty"),
        ("AMVAJ_CACHE_TTL_SECONDS", "3600"),
        ("AMVAJ_NETWORK_ZONE", "Asia/Atlantis"),
        ("AMVAJ_NETWORK_CURRENCY", "rial"),
    ]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(
        found.iter().any(|problem| problem.contains("AMVAJ_LISTEN") && problem.contains("127.0.0.1:8080"))
    );
    assert!(found.iter().any(|problem| problem.contains("from 1 to 60")));
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_name() {
    let found = problems(&[("AMVAJ_DATABSE_URL", "sqlite://x.sqlite")]);
    assert_eq!(found, ["AMVAJ_DATABSE_URL (environment) is not a setting; did you mean AMVAJ_DATABASE_URL?"]);
}

#[test]
fn variables_of_the_test_scripts_are_not_settings() {
    let pairs = [("AMVAJ_TEST_POSTGRES_URL", "x"), ("AMVAJ_PURCHASES_FILE", "y"), ("AMVAJ_CONFIG", "z")];
    Config::from_sources(None, variables(&pairs)).unwrap();
}

#[test]
fn a_refused_url_is_not_repeated_because_it_may_hold_a_password() {
    let found = problems(&[("AMVAJ_DATABASE_URL", "mysql://root:hunter2@db/amvaj")]);
    assert_eq!(found.len(), 1);
    assert!(!found[0].contains("hunter2"), "{found:?}");
    assert!(!format!("{:?}", Config::default()).contains("amvaj.sqlite"));
}

#[test]
fn a_file_that_is_not_toml_or_nests_is_explained() {
    let broken = Config::from_sources(Some(("amvaj.toml", "listen =")), []).unwrap_err();
    assert!(broken.problems[0].starts_with("amvaj.toml is not valid TOML"), "{broken}");
    let nested = Config::from_sources(Some(("amvaj.toml", "[http]\nlisten = \"x\"")), []).unwrap_err();
    assert!(nested.problems[0].contains("top level"), "{nested}");
}
