//! What can be done with a privilege.

macro_rules! acts {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal;)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ActKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ActKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number that storage keeps; numbers are never reused.
            pub const fn stored(self) -> i16 {
                match self { $(Self::$name => $number,)+ }
            }

            /// What storage keeps under a number.
            pub const fn from_stored(number: i16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }
        }
    };
}

acts! {
    /// A merchant was registered.
    MerchantRegistered = 1;
    /// A merchant was blocked.
    MerchantBlocked = 2;
    /// A blocked merchant was opened again.
    MerchantUnblocked = 3;
    /// A branch was registered.
    BranchRegistered = 4;
    /// A branch was closed.
    BranchClosed = 5;
    /// A closed branch was opened again.
    BranchReopened = 6;
    /// A version was added to a merchant's earn rule.
    EarnRuleSet = 7;
    /// A member was enrolled by the operator.
    MemberEnrolled = 10;
    /// Members were enrolled in bulk on the command line.
    MembersEnrolled = 11;
    /// A member was blocked.
    MemberBlocked = 12;
    /// A blocked member was opened again.
    MemberUnblocked = 13;
    /// An operator or an agent looked for a member by mobile, card or a merchant's reference.
    MemberLookedUp = 14;
    /// An operator or an agent listed members.
    MembersListed = 15;
    /// Purchases were imported on the command line.
    PurchasesImported = 16;
    /// An access token was made on the command line.
    TokenMade = 20;
    /// A backup was put back, which was told on the command line.
    BackupRestored = 23;
    /// A key that signs access tokens was made on the command line.
    SigningKeyMade = 21;
    /// A key that signed access tokens was retired on the command line.
    SigningKeyRetired = 22;
    /// A user was added on the command line.
    UserAdded = 30;
    /// A user was invited.
    UserInvited = 31;
    /// A user accepted an invitation and set a password.
    InvitationAccepted = 32;
    /// A user was disabled.
    UserDisabled = 33;
    /// A disabled user was enabled again.
    UserEnabled = 34;
    /// A user's password was changed by its owner, or set on the command line.
    PasswordChanged = 35;
    /// The secret of a user's one-time codes was replaced.
    TotpReset = 36;
    /// A user's recovery codes were replaced.
    RecoveryCodesReplaced = 37;
    /// A user logged in.
    UserLoggedIn = 38;
    /// Somebody failed to log in as a user, once or several times.
    UserLogInFailed = 39;
    /// Somebody was added to a merchant's staff.
    StaffAdded = 50;
    /// What one of a merchant's staff may do was changed.
    StaffChanged = 51;
    /// Somebody was removed from a merchant's staff.
    StaffRemoved = 52;
    /// An API key was made.
    ApiKeyMade = 60;
    /// An API key was replaced by a new one.
    ApiKeyRotated = 61;
    /// An API key was revoked.
    ApiKeyRevoked = 62;
    /// A session was ended by somebody else than its owner.
    SessionEnded = 70;
    /// What a merchant may see of a member was changed.
    ConsentChanged = 80;
    /// A board was made.
    BoardMade = 90;
    /// A board was closed.
    BoardClosed = 91;
    /// A board was counted anew on the command line.
    BoardRebuilt = 92;
    /// An operator or an agent looked at who stands on a board.
    BoardLookedAt = 93;
    /// An endpoint for webhooks was registered.
    WebhookMade = 100;
    /// An endpoint for webhooks was changed.
    WebhookChanged = 101;
    /// An endpoint for webhooks was removed.
    WebhookRemoved = 102;
    /// The secret of an endpoint for webhooks was replaced.
    WebhookSecretRotated = 103;
    /// Operations were asked for as a file.
    OperationsExported = 140;
    /// All that is held about a member was asked for as a file.
    MemberExported = 141;
    /// A reward was offered.
    RewardMade = 110;
    /// A reward was changed.
    RewardChanged = 111;
    /// The stock of a reward was changed.
    RewardStockChanged = 112;
    /// A reward was closed.
    RewardClosed = 113;
    /// A closed reward was opened again.
    RewardReopened = 114;
    /// The time of a sandbox was let pass.
    ClockAdvanced = 120;
    /// A member was erased.
    MemberErased = 142;
    /// An operator was given a link to the file of all that is held about a member.
    MemberFileLinked = 146;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_number() {
        for kind in ActKind::ALL {
            assert_eq!(ActKind::from_stored(kind.stored()), Some(*kind));
        }
        assert_eq!(ActKind::from_stored(0), None);
    }
}
