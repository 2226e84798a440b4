### Members and the ways to name one.

member-not-found = No member is named so: check the reference, or enrol the member.
    .erase-member = There is no such member for you; an operator takes an id from `members`.
    .export-member = There is no such member for you; an operator takes an id from `members`.
    .link-customer = There is no such member; enrol it with `enrolMember`.
    .set-language = You are not enrolled here as a member; log in again.
    .set-consent = You are not enrolled here as a member; log in again.
    .withdraw-consent = You are not enrolled here as a member; log in again.
    .set-leaderboard-visibility = You are not enrolled here as a member; log in again.
    .block-member = There is no member with this id; take one from `members`.
    .unblock-member = There is no member with this id; take one from `members`.
    .end-sessions-of = There is no member with this id; take one from `members`.
member-blocked = The member is blocked: points can be neither earned nor spent until the operator reopens the wallet.
invalid-member = Name the member by exactly one of: its id, an Iranian mobile number, a card number, your own reference.
invalid-member-ref = Name the member by id, an Iranian mobile number, a card number of 6 to 19 digits, or your own reference.
invalid-mobile = Write an Iranian mobile number, such as 0912 345 6789.
invalid-card-number = Write a card number of 6 to 19 digits.
invalid-customer-ref = Write a customer reference of 1 to 64 characters, on one line.
    .enrol-member = Write a customer reference of 1 to 64 characters; as the operator, with `merchantId`.
customer-ref-without-merchant = Say whose customer it is: `merchantId`.
mobile-taken = A member has this mobile number; find it with `member(ref: {"{"} mobile: … {"}"})`.
    .add-staff = Another of your people has this mobile number.
card-taken = Another member has this card; give a new one.
customer-ref-taken = This reference belongs to another member; use another one.
holds-open = A merchant has points of the member reserved; have them captured or released, or wait for their end.
log-in-again = Log in again, and erase yourself within ten minutes.
