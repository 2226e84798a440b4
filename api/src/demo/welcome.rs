//! What the demo says when it is ready: where it is, who one can be, and what to ask first.

use std::{fmt, net::SocketAddr};

use super::cast::{CASHIER, OWNER};

/// The member's first query: its wallet, and why there is in it what is in it.
pub const FIRST_QUERY: &str = "\
{
  wallet {
    available pending
    expiring { points expiresAt }
    operations(first: 5) {
      nodes { kind points occurredAt merchant { nameEn nameFa } explanation { text } }
    }
  }
}";

/// Addresses and tokens to begin with.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// Where the server listens.
    pub address: SocketAddr,
    /// How many merchants, members and events there are.
    pub size: (usize, usize, usize),
    /// The operator's token.
    pub operator: String,
    /// A merchant's name and token.
    pub merchant: (String, String),
    /// The merchant's global id, which its people log in with.
    pub merchant_id: String,
    /// A member's name and token.
    pub member: (String, String),
    /// The member's mobile.
    pub mobile: String,
}

impl fmt::Display for Welcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            size: (merchants, members, events),
            operator,
            merchant,
            merchant_id,
            member,
            mobile,
        } = self;
        let one_line = FIRST_QUERY.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(
            f,
            "
Amvaj demo: {merchants} merchants, {members} members, a year of {events} events.

  In a browser, with examples to click:

  GraphiQL    http://{address}/graphiql
  Home        http://{address}/

  For programs:

  API         http://{address}/graphql
  Health      http://{address}/health/ready
  Metrics     http://{address}/metrics

Tokens, good for 30 days; send one as `authorization: Bearer TOKEN`:

  operator
    {operator}
  merchant    {}
    {}
  member      {}
    {}

Or log in with a code (`requestLoginCode`, `verifyLoginCode`). No message is sent: the code is in the log below.

  member      {mobile}
  owner       {OWNER}, staffOf {merchant_id}
  cashier     {CASHIER}, of its first branch, staffOf the same

A first query, as the member. With curl:

  curl -s http://{address}/graphql -H 'content-type: application/json' \\
    -H 'authorization: Bearer {}' \\
    -d '{{\"query\":\"{one_line}\"}}'

In another client, with the header {{\"authorization\": \"Bearer TOKEN\"}}:

{}

Stop with Ctrl-C; start again with the same command, and everything is still there.
",
            merchant.0,
            merchant.1,
            member.0,
            member.1,
            member.1,
            indented(FIRST_QUERY),
            OWNER = OWNER.1,
            CASHIER = CASHIER.1,
        )
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
