//! The tables, one file each. They stay inside this crate: whoever reads gets domain values.

pub(crate) mod audit_entry;
pub(crate) mod audit_head;
pub(crate) mod branch;
pub(crate) mod cap_used;
pub(crate) mod claim;
pub(crate) mod customer_ref;
pub(crate) mod earn_rule;
pub(crate) mod entry;
pub(crate) mod hold;
pub(crate) mod login_challenge;
pub(crate) mod lot;
pub(crate) mod lot_use;
pub(crate) mod member;
pub(crate) mod merchant;
pub(crate) mod merchant_balance;
pub(crate) mod network;
pub(crate) mod op;
pub(crate) mod outbox;
pub(crate) mod purchase;
pub(crate) mod purchase_line;
pub(crate) mod receipt;
pub(crate) mod receipt_redemption;
pub(crate) mod refund_waiting;
pub(crate) mod revocation;
pub(crate) mod session;
pub(crate) mod wallet;
