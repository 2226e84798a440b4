### API keys.

## Keys that are sent

api-key-mistyped = The API key is mistyped or cut off; copy all of it, from `amvaj_` to its end.
api-key-unknown = The API key was not made by this installation; make one here.
api-key-expired = The API key has expired; make a new one.
api-key-revoked = The API key has been revoked; make a new one.
api-key-unavailable = The API key cannot be checked now; try again shortly.
api-key-of-other-mode = The API key is for the network's other installation; use one that was made here.

## Making, rotating and revoking keys

invalid-scopes = Name at least one scope, and only such that merchants have, like `points:earn`.
    .invite-user = Give at least one scope, each by its name, such as `members:read`; or leave `scopes` out for all of the role.
scope-not-yours = A key can be given only what you have yourself; leave the other scopes out.
    .exchange-api-key = The key does not have all of these scopes; leave the others out.
    .rotate-api-key = The key may do what you may not; ask somebody who may to rotate it.
too-many-keys = The merchant has 100 API keys that are good; revoke those that nobody uses.
key-not-found = You have no such API key; take an id from the merchant's `apiKeys`.
key-not-active = The API key is revoked or has expired; make a new one.
key-already-rotated = The API key was rotated already; rotate the one that replaces it, or make a new one.
invalid-overlap = Write an overlap of 0 to 168 hours.
