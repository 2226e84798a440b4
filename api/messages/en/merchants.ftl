### Merchants, their branches and their earn rules.

merchant-not-found = There is no merchant with this id; take one from `merchants`.
    .create-api-key = There is no such merchant, or it is not yours; the operator names one with `merchantId`.
    .enrol-member = There is no such merchant, or it is not yours.
    .link-customer = Your merchant is not registered here; ask the operator.
    .add-staff = There is no such merchant, or it is not yours; as the operator, name one with `merchantId`.
merchant-blocked = Your merchant is blocked: it can end holds and refund, but start nothing. Ask the operator.
    .create-api-key = The merchant is blocked; its API keys can be rotated and revoked, but none be made.
    .enrol-member = Your merchant is blocked; ask the operator.
branch-not-found = Your merchant has no such branch: use one of its ids, or none.
    .close-branch = There is no branch with this id; take one from the merchant's `branches`.
    .reopen-branch = There is no branch with this id; take one from the merchant's `branches`.
    .add-staff = A post is at a branch that the merchant does not have; take ids from its `branches`.
    .set-staff-posts = A post is at a branch that the merchant does not have; take ids from its `branches`.
branch-closed = The branch is closed: use an open one, or none.
invalid-branch-id = Send the id of one of your branches, or none.
branch-needed = You work at several branches: name the one where this happens in `branchId`.
branch-not-yours = You may not do this at this branch: name in `branchId` one where you work, or ask an owner.
invalid-name = Write a name of 1 to 120 characters, on one line.
invalid-price = Write a price of one point between 0 and 1,000,000 minor units.

## Earn rules

invalid-rate = Give 1 to 1,000,000 points for every 1 to 1,000,000,000,000 minor units.
invalid-minimum-basket = Write a minimum basket between 0 and 1,000,000,000,000,000 minor units.
invalid-cap = Write a cap between 1 and 1,000,000,000,000,000 points, or leave it out.
invalid-categories = Exclude at most 200 categories of 1 to 64 characters.
invalid-pending-days = Write 0 to 3,650 pending days.
invalid-expiry = Write an expiry with a count of 0 to 65,535, or a day that is not over when the rule takes effect.
    .create-api-key = Write an end that is ahead, at most ten years; what a key makes may not outlast that key.
    .rotate-api-key = Write an end that is ahead, at most ten years; what a key makes may not outlast that key.
invalid-effective-from = Let the version take effect now or later, and after the version before it.

## A merchant's people

staff-not-found = There is no such person; take an id from the merchant's `staff`.
invalid-posts = Give 1 to 20 posts, at most one for each branch and one for all; an owner is one of the whole merchant.
last-owner = This is the merchant's only owner: make somebody else an owner first.
