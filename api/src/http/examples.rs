//! The operations that GraphiQL opens with, per role. They lie as files in `assets/graphiql/operations`, each beside the
//! variables it is sent with; a test sends every one of them to a demo, so that none can rot.

use serde::Serialize;

/// An operation to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Who sends it: `shopper`, `till`, `operator` or `nobody`.
    pub role: &'static str,
    /// The operation's name.
    pub title: &'static str,
    /// The document, with comments.
    pub query: &'static str,
    /// The variables as JSON, with places such as `{member.mobile}`; empty when it takes none.
    pub variables: &'static str,
    /// What later examples need of its answer: a place of theirs, and where it is below `data`.
    #[serde(serialize_with = "as_map")]
    pub remember: &'static [(&'static str, &'static str)],
}

macro_rules! example {
    (@ $role:literal, $file:literal, $title:literal, $variables:expr, $remember:expr) => {
        Example {
            role: $role,
            title: $title,
            query: include_str!(concat!("../../assets/graphiql/operations/", $role, "/", $file, ".graphql")),
            variables: $variables,
            remember: $remember,
        }
    };
    ($role:literal, $file:literal, $title:literal) => {
        example!(@ $role, $file, $title, "", &[])
    };
    ($role:literal, $file:literal, $title:literal, "", $remember:expr) => {
        example!(@ $role, $file, $title, "", $remember)
    };
    ($role:literal, $file:literal, $title:literal, variables) => {
        example!($role, $file, $title, variables, &[])
    };
    ($role:literal, $file:literal, $title:literal, variables, $remember:expr) => {
        example!(
            @ $role, $file, $title,
            include_str!(concat!("../../assets/graphiql/operations/", $role, "/", $file, ".json")),
            $remember
        )
    };
}

/// All of them, in the order of a role's day; a colleague logs in after the operator has invited it.
pub static EXAMPLES: [Example; 41] = [
    example!("nobody", "network", "TheNetwork"),
    example!("nobody", "viewer", "WhoAmI"),
    example!(
        "nobody",
        "request_code",
        "RequestLoginCode",
        variables,
        &[("challenge", "requestLoginCode.challengeId")]
    ),
    example!("nobody", "verify_code", "VerifyLoginCode", variables),
    example!("shopper", "me", "MyWallet", "", &[("wallet", "viewer.member.wallet.id")]),
    example!("shopper", "watch", "WatchMyWallet", variables),
    example!("shopper", "expiring", "ExpiringPoints"),
    example!("shopper", "history", "MyHistory", variables),
    example!("shopper", "explanation", "WhyThesePoints"),
    example!("shopper", "merchants", "WhereToCollect"),
    example!("shopper", "my_rank", "MyRank", variables),
    example!("shopper", "redeem_reward", "RedeemReward", variables),
    example!("shopper", "who_sees_me", "WhoSeesMe"),
    example!("shopper", "set_consent", "SetConsent", variables),
    example!("till", "till", "ThisTill"),
    example!("till", "find_member", "FindMember", variables),
    example!("till", "quote", "QuoteEarn", variables),
    example!("till", "watch", "WatchMyTills"),
    example!("till", "earn", "EarnPoints", variables),
    example!("till", "hold", "HoldPoints", variables, &[("hold", "holdPoints.hold.id")]),
    example!("till", "capture", "CaptureHold", variables),
    example!("till", "redeem", "RedeemPoints", variables),
    example!("till", "refund", "RefundPurchase", variables),
    example!("till", "create_reward", "CreateReward", variables),
    example!("till", "receipt", "ReceiptAndDay", variables),
    example!("till", "earn_bulk", "EarnManyPoints", variables),
    example!("till", "create_webhook", "CreateWebhook", variables),
    example!("till", "webhooks", "MyWebhooks"),
    example!("till", "leaderboards", "Leaderboards"),
    example!("operator", "network", "TheClub"),
    example!("operator", "merchants", "Merchants", variables),
    example!(
        "operator",
        "register_merchant",
        "RegisterMerchant",
        variables,
        &[("newMerchant", "registerMerchant.merchant.id")]
    ),
    example!("operator", "register_branch", "RegisterBranch", variables),
    example!("operator", "set_earn_rule", "SetEarnRule", variables),
    example!("operator", "members", "FindMembers", variables),
    example!("operator", "operations", "RefusedOperations", variables),
    example!("operator", "create_leaderboard", "CreateLeaderboard", variables),
    example!("operator", "invite_user", "InviteUser", variables, &[("invitation", "inviteUser.invitation")]),
    example!("nobody", "accept_invitation", "AcceptInvitation", variables),
    example!("nobody", "confirm_totp", "ConfirmTotp", variables),
    example!("nobody", "log_in", "LogIn", variables),
];

/// All of them for the page.
pub(super) fn as_json() -> Vec<u8> {
    serde_json::to_vec(EXAMPLES.as_slice()).unwrap_or_default()
}

fn as_map<S: serde::Serializer>(pairs: &&[(&str, &str)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_tab_has_the_name_of_its_operation() {
        for example in &EXAMPLES {
            let opens = |line: &&str| {
                ["query ", "mutation ", "subscription "].iter().any(|kind| line.starts_with(kind))
            };
            let opening = example.query.lines().find(opens);
            let name: String = opening.unwrap().split([' ', '(']).nth(1).unwrap().to_owned();
            assert_eq!(name, example.title);
        }
    }

    #[test]
    fn every_example_explains_itself_in_lines_that_fit_its_pane() {
        for Example { title, query, .. } in &EXAMPLES {
            assert!(query.starts_with("# "), "{title}");
            assert!(query.lines().all(|line| line.chars().count() <= 68), "{title}");
        }
    }

    #[test]
    fn no_file_is_forgotten() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/graphiql/operations");
        let mut documents = BTreeSet::new();
        for role in std::fs::read_dir(folder).unwrap() {
            for file in std::fs::read_dir(role.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap();
                if path.extension().is_some_and(|extension| extension == "graphql") {
                    documents.insert(text);
                } else {
                    assert!(EXAMPLES.iter().any(|example| example.variables == text), "{}", path.display());
                }
            }
        }
        assert_eq!(documents, EXAMPLES.iter().map(|example| example.query.to_owned()).collect());
    }
}
