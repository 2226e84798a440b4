//! The file that names the outside issuers; `docs/issuers.md` explains it.

use std::path::Path;

use amvaj_domain::access::{Role, Scope, Scopes};
use amvaj_domain::id::MerchantId;
use amvaj_domain::time::Span;
use amvaj_infra::fields::Fields;
use amvaj_infra::jwks::KeySource;
use jsonwebtoken::Algorithm;

use crate::auth::token::parse_uuid;
use crate::graphql::global_id::GlobalId;

/// Most issuers of one file.
const MOST: usize = 50;

/// One issuer whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// Its name in `iss`.
    pub issuer: String,
    /// What has to be in `aud`, one of them.
    pub audiences: Vec<String>,
    /// Where its keys are.
    pub source: KeySource,
    /// How its tokens may be signed.
    pub algorithms: Vec<Algorithm>,
    /// The longest that a token of its may be good.
    pub longest_life: Span,
    /// Whether a token is good for one request only.
    pub single_use: bool,
    /// How long to wait before its keys are asked for again because of an unknown one.
    pub refresh: Span,
    /// How long its keys stay good while it does not answer.
    pub keep: Span,
    /// In which role its tokens call.
    pub role: RoleRule,
    /// For whom they call.
    pub subject: SubjectRule,
    /// The most that they may do.
    pub scopes: Scopes,
    /// The claim that says what a token may do; all of the above without one.
    pub scope_claim: Option<String>,
}

/// In which role a token calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleRule {
    /// Always the same.
    Fixed(Role),
    /// By the value of a claim, or one of its values; the first that is found in this order.
    Claim {
        /// The claim.
        claim: String,
        /// Values and the roles that they stand for.
        roles: Vec<(String, Role)>,
    },
}

/// For whom a token calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectRule {
    /// For the operator; roles that stand for nobody in particular.
    Nobody,
    /// For one merchant.
    Merchant(MerchantId),
    /// For the merchant or member whose id is in this claim.
    Claim(String),
}

/// Everything that is wrong with the file, at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the file of outside issuers has to be corrected:\n  - {}", problems.join("\n  - "))]
pub struct InvalidIssuers {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

/// Reads the file. `own` is the name of our own issuer, which no outside one may have.
pub fn load(path: &Path, own: &str) -> Result<Vec<IssuerSettings>, InvalidIssuers> {
    let text = std::fs::read_to_string(path).map_err(|error| InvalidIssuers {
        problems: vec![format!("{} cannot be read: {error}", path.display())],
    })?;
    parse(&text, own)
}

/// Reads the file's text.
pub fn parse(text: &str, own: &str) -> Result<Vec<IssuerSettings>, InvalidIssuers> {
    let mut problems = Vec::new();
    let mut issuers = Vec::new();
    match text.parse::<toml::Table>() {
        Ok(table) => {
            let mut file = Fields::of_file(table, &mut problems);
            let list = file.list("issuer");
            if list.is_empty() || list.len() > MOST {
                file.problem(
                    "issuer",
                    format_args!("names no issuer, or more than {MOST}; write [[issuer]] for each"),
                );
            }
            file.finish();
            for (number, item) in (1..).zip(list) {
                let toml::Value::Table(table) = item else {
                    problems.push(format!("issuer {number} is not a table; write [[issuer]]"));
                    continue;
                };
                issuers.extend(read(Fields::of_item("issuer", number, table, &mut problems), own));
            }
        }
        Err(error) => problems.push(format!("it is not TOML: {}", error.message())),
    }
    let mut names: Vec<&str> = issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        if let [one, other] = pair
            && one == other
        {
            problems.push(format!("the issuer {one} is there twice"));
        }
    }
    if problems.is_empty() { Ok(issuers) } else { Err(InvalidIssuers { problems }) }
}

fn read(mut fields: Fields<'_>, own: &str) -> Option<IssuerSettings> {
    let issuer = fields.needed_text("issuer");
    if issuer.as_deref() == Some(own) {
        fields.problem("issuer", "is the name of this server's own tokens (AMVAJ_AUTH_ISSUER)");
    }
    let audiences = fields.texts("audience");
    if audiences.is_empty() {
        fields.problem("audience", "is missing; write a list of what may stand in aud, like [\"amvaj\"]");
    }
    let address = fields.needed_text("jwks");
    let source = address.and_then(|address| match KeySource::new(&address) {
        Ok(source) => Some(source),
        Err(problem) => {
            fields.problem("jwks", problem);
            None
        }
    });
    let algorithms = read_algorithms(&mut fields);
    let longest_life = Span::minutes(fields.number("longest_life_minutes", 60, 1..=1_440));
    let single_use = read_flag(&mut fields, "single_use");
    let refresh = Span::seconds(fields.number("refresh_seconds", 30, 1..=3_600));
    let keep = Span::minutes(fields.number("keep_keys_hours", 24_i64, 1..=720).saturating_mul(60));
    let role = read_role(&mut fields);
    let subject = read_subject(&mut fields, role.as_ref());
    let scopes = read_scopes(&mut fields, role.as_ref());
    let scope_claim = fields.text("scope_claim");
    fields.finish();
    Some(IssuerSettings {
        issuer: issuer?,
        audiences,
        source: source?,
        algorithms,
        longest_life,
        single_use,
        refresh,
        keep,
        role: role?,
        subject: subject?,
        scopes,
        scope_claim,
    })
}

fn read_algorithms(fields: &mut Fields<'_>) -> Vec<Algorithm> {
    let mut algorithms = Vec::new();
    for name in fields.texts("algorithms") {
        match name.as_str() {
            "EdDSA" => algorithms.push(Algorithm::EdDSA),
            "ES256" => algorithms.push(Algorithm::ES256),
            "RS256" => algorithms.push(Algorithm::RS256),
            _ => fields.problem("algorithms", "has one that is none of EdDSA, ES256 and RS256"),
        }
    }
    if algorithms.is_empty() {
        fields.problem("algorithms", "names none; write those that the issuer signs with, like [\"ES256\"]");
    }
    algorithms
}

fn read_flag(fields: &mut Fields<'_>, key: &'static str) -> bool {
    match fields.take(key) {
        None => false,
        Some(toml::Value::Boolean(flag)) => flag,
        Some(_) => {
            fields.problem(key, "is neither true nor false");
            false
        }
    }
}

fn role_of(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role.as_str() == name)
}

fn read_role(fields: &mut Fields<'_>) -> Option<RoleRule> {
    const ROLES: &str = "operator, agent, merchant or member";
    let (fixed, claim, map) = (fields.text("role"), fields.text("role_claim"), fields.table("roles"));
    match (fixed, claim) {
        (Some(name), None) => {
            if !map.is_empty() {
                fields.problem("roles", "needs role_claim: the claim whose values it explains");
            }
            let role = role_of(&name);
            if role.is_none() {
                fields.problem("role", format_args!("is none of {ROLES}"));
            }
            role.map(RoleRule::Fixed)
        }
        (None, Some(claim)) => {
            let mut roles = Vec::new();
            for (value, role) in map {
                match role.as_str().and_then(role_of) {
                    Some(role) => roles.push((value, role)),
                    None => fields.problem("roles", format_args!("has {value:?} for none of {ROLES}")),
                }
            }
            // Of several values the one that may do least counts, whatever the order of the file.
            roles.sort_by_key(|(_, role)| power(*role));
            if roles.is_empty() {
                fields.problem("roles", "is missing; say which value of the claim stands for which role");
            }
            Some(RoleRule::Claim { claim, roles })
        }
        (Some(_), Some(_)) => {
            fields.problem("role", "and role_claim are both there; write one of them");
            None
        }
        (None, None) => {
            fields.problem("role", format_args!("is missing; write {ROLES}, or role_claim and roles"));
            None
        }
    }
}

/// The order of roles when a token has values for several: the one that may do least first.
const fn power(role: Role) -> u8 {
    match role {
        Role::Member => 0,
        Role::Merchant => 1,
        Role::Agent => 2,
        Role::Operator => 3,
    }
}

impl RoleRule {
    fn roles(&self) -> Vec<Role> {
        match self {
            Self::Fixed(role) => vec![*role],
            Self::Claim { roles, .. } => roles.iter().map(|(_, role)| *role).collect(),
        }
    }
}

fn read_subject(fields: &mut Fields<'_>, role: Option<&RoleRule>) -> Option<SubjectRule> {
    let (merchant, claim) = (fields.text("merchant"), fields.text("id_claim"));
    let roles = role?.roles();
    let needed = roles.iter().any(|role| matches!(role, Role::Merchant | Role::Member));
    match (merchant, claim) {
        (None, None) if needed => {
            fields.problem("id_claim", "is missing: the claim that holds the id of the merchant or member");
            None
        }
        (None, None) => Some(SubjectRule::Nobody),
        (None, Some(claim)) => Some(SubjectRule::Claim(claim)),
        (Some(_), Some(_)) => {
            fields.problem("merchant", "and id_claim are both there; write one of them");
            None
        }
        (Some(_), None) if roles.contains(&Role::Member) => {
            fields.problem("merchant", "names a merchant, and the role is a member's; write id_claim");
            None
        }
        (Some(id), None) => {
            let read = merchant_id(&id);
            if read.is_none() {
                fields.problem("merchant", "is not the id of a merchant");
            }
            read.map(SubjectRule::Merchant)
        }
    }
}

/// A merchant's id as a UUID or as clients see it.
pub(super) fn merchant_id(text: &str) -> Option<MerchantId> {
    let uuid = parse_uuid(text).map(MerchantId::new);
    uuid.or_else(|| GlobalId::merchant(&async_graphql::ID(text.to_owned())))
}

fn read_scopes(fields: &mut Fields<'_>, role: Option<&RoleRule>) -> Scopes {
    let names = fields.texts("scopes");
    let may = role.map(RoleRule::roles).unwrap_or_default();
    let all = may.iter().map(|role| Scopes::of_role(*role)).fold(Scopes::NONE, Scopes::union);
    if names.is_empty() {
        if !all.is_empty() {
            fields
                .problem("scopes", "is missing; write the most that a token may do, like [\"points:earn\"]");
        }
        return Scopes::NONE;
    }
    let mut scopes = Vec::new();
    for name in names {
        match Scope::parse(&name).filter(|scope| all.contain(*scope)) {
            Some(scope) => scopes.push(scope),
            None => fields.problem("scopes", format_args!("has {name:?}, which the role never has")),
        }
    }
    Scopes::of(&scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[issuer]]
        issuer = "https://id.partner.example"
        audience = ["amvaj"]
        jwks = "https://id.partner.example/jwks.json"
        algorithms = ["ES256", "RS256"]
        role = "merchant"
        id_claim = "amvaj_merchant"
        scopes = ["points:earn"]
    "#;

    fn problems(text: &str) -> Vec<String> {
        parse(text, "amvaj").unwrap_err().problems
    }

    #[test]
    fn a_file_is_read_with_its_defaults() {
        let issuers = parse(GOOD, "amvaj").unwrap();
        let [issuer] = issuers.as_slice() else { panic!("one issuer") };
        assert_eq!(issuer.algorithms, [Algorithm::ES256, Algorithm::RS256]);
        assert_eq!((issuer.longest_life, issuer.refresh), (Span::minutes(60), Span::seconds(30)));
        assert_eq!(issuer.keep, Span::days(1));
        assert_eq!(issuer.subject, SubjectRule::Claim("amvaj_merchant".to_owned()));
        assert!(!issuer.single_use);
    }

    #[test]
    fn roles_follow_from_a_claim() {
        let text = GOOD
            .replace(
                "role = \"merchant\"",
                "role_claim = \"groups\"\nroles = { ops = \"operator\", care = \"agent\" }",
            )
            .replace("id_claim = \"amvaj_merchant\"", "")
            .replace("points:earn", "members:read");
        let issuer = parse(&text, "amvaj").unwrap().remove(0);
        let roles = vec![("care".to_owned(), Role::Agent), ("ops".to_owned(), Role::Operator)];
        assert_eq!(issuer.role, RoleRule::Claim { claim: "groups".to_owned(), roles });
        assert_eq!(issuer.subject, SubjectRule::Nobody);
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let found = problems(
            r#"
            [[issuer]]
            issuer = "amvaj"
            jwks = "http://id.partner.example/jwks.json"
            algorithms = ["HS256"]
            role = "king"
            single_use = 1
            longest_life_minutes = 100000
            colour = "red"
            "#,
        );
        for wanted in [
            "issuer 1: issuer is the name of this server's own tokens",
            "issuer 1: audience is missing",
            "issuer 1: jwks does not begin with https://",
            "issuer 1: algorithms has one that is none of EdDSA, ES256 and RS256",
            "issuer 1: algorithms names none",
            "issuer 1: role is none of operator, agent, merchant or member",
            "issuer 1: single_use is neither true nor false",
            "issuer 1: longest_life_minutes is a number; write a whole number from 1 to 1440",
            "issuer 1: colour is not a setting here",
        ] {
            assert!(found.iter().any(|problem| problem.starts_with(wanted)), "{wanted}: {found:#?}");
        }
        assert!(problems("")[0].contains("names no issuer"));
        assert!(problems("issuer = 1 =")[0].contains("not TOML"));
        assert!(problems(&format!("{GOOD}{GOOD}"))[0].contains("is there twice"));
        assert!(problems(&GOOD.replace("points:earn", "audit:read"))[0].contains("the role never has"));
        assert!(
            problems(&GOOD.replace("id_claim = \"amvaj_merchant\"", ""))[0].contains("id_claim is missing")
        );
    }
}
