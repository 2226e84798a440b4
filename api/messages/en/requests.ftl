### Refusals of a request as a whole: the codes of `extensions.code`, who may do what, HTTP, arguments of queries.
###
### All message files: one message per key, in every language the same keys with the same arguments. A user error's key
### is its code (`INSUFFICIENT_POINTS` is insufficient-points); an attribute with a mutation's name (.earn-points) is said
### by that mutation instead. Say what is wrong and what to do, in whole sentences. Put code between backticks.
### The tests compare the files with each other, with the schema and with the sources.

## Codes of `extensions.code`. `.detail` goes around a reason of the GraphQL library, which is always in English.

code-graphql-parse-failed = The document is not valid GraphQL.
    .detail = { $detail }
code-graphql-validation-failed = The document does not fit the schema.
    .detail = { $detail }
code-bad-user-input = The request cannot be read.
    .detail = { $detail }
code-unauthenticated = Send an access token: `Authorization: Bearer TOKEN`.
code-forbidden = This is not allowed for your role.
code-not-found = There is no such thing, or it is not yours.
code-throttled = Too many requests; wait and try again.
look-ups-too-often = Members were looked for by mobile, card or code too often, or too many were not there. Nothing was done: send the same again after `retryAfter` seconds, or name the member by its id.
code-overloaded = The server is busy and has done nothing; try again shortly.
code-outcome-unknown = The outcome is not known; send the same request with the same idempotency key again.
# Clients compare this text, whatever their language.
code-persisted-query-not-found = PersistedQueryNotFound
code-internal = Something went wrong on our side; tell us the request id.

## Who may do what

only-the-operator = Only the operator may do this; your token is for another role.
only-a-merchant = Only a merchant may do this; your token is for another role.
only-a-member = Only a member may do this; your token is for another role.
scope-needed = This needs the scope `{ $scope }`, which you were not given.
lots-are-private = The lots of a member are shown to the member only.
relations-are-private = The relations of a member are shown to the member only.
wallet-detail-is-private = A member's lots and holds are shown to the member only.

## Access tokens

token-malformed = The access token is malformed; send `Authorization: Bearer TOKEN`.
token-algorithm = The access token is signed with an algorithm that is not accepted; get one from us.
token-unknown-key = The access token is signed with an unknown key; get a new one.
token-signature = The access token's signature is wrong; get a new one.
token-issuer = The access token is from another issuer; get one from us.
token-audience = The access token is for another audience; get one for this server.
token-not-yet-valid = The access token is not valid yet; check the clocks.
token-expired = The access token has expired; get a new one.
token-revoked = The access token has been revoked; log in again.
token-subject = The access token's role and subject do not fit together; get a new one.
token-critical = The access token demands an extension (`crit`) that is not known here; get one without it.
token-too-long = The access token is good for longer than is accepted from its issuer; get one with less time between `iat` and `exp`.
token-used = The access token was good for one request and has been used; get a new one.
token-stranger = The access token is for somebody who is not here or is blocked.
token-unavailable = The access token cannot be checked now; try again shortly.

## Credentials of the network's other installation

credential-of-live = This is a key or token of the live network, and this is its sandbox; use one that was made here.
credential-of-live-at = This is a key or token of the live network at `{ $place }`, and this is its sandbox; use it there, or one that was made here.
credential-of-sandbox = This is a key or token of the sandbox, and this is the live network; use one that was made here.
credential-of-sandbox-at = This is a key or token of the sandbox at `{ $place }`, and this is the live network; use it there, or one that was made here.

## HTTP

http-post-or-get = Use POST, or GET for a query.
http-mutation-needs-post = A mutation needs POST.
http-no-subscription = A subscription needs a WebSocket (`graphql-transport-ws`) or a POST that accepts `text/event-stream`.
http-content-type = Send `Content-Type: application/json`.
http-body-too-long = The body is longer than { $limit } bytes; send less at a time.
http-body-too-slow = The body did not arrive in time; send it without pauses.
http-get-needs-header = A GET needs the header `apollo-require-preflight: true`, so that no other web site can send it; or use POST.
http-body-unreadable = The body cannot be read.
http-no-batches = Batches are not supported; send one request at a time.
http-body-no-object = The body is not a JSON object with a `query`.
http-body-no-json = The body is not valid JSON: { $detail }
http-query-string-unreadable = The query string cannot be read.
http-parameter-no-json = `{ $name }` is not valid JSON.
http-parameter-no-string = `{ $name }` is not a string.
http-parameter-no-object = `{ $name }` is not an object.
http-query-missing = `query` is missing.
http-persisted-query-unreadable = `extensions.persistedQuery` is not readable; send `version` 1 and in `sha256Hash` 64 hexadecimal digits in lower case.
http-document-id-unreadable = `documentId` is not readable; write `sha256:` and 64 hexadecimal digits in lower case.
http-document-id-alone = `documentId` names a document; send no `query` and no `extensions.persistedQuery` beside it.
document-unknown = There is no document of this `documentId`; send its text as `query`, once with its hash in `extensions.persistedQuery`.
document-hash-mismatch = The hash in `extensions.persistedQuery` is not the SHA-256 of `query`; send the one of the text as it is in the request.
document-not-trusted = This server takes only trusted documents from you, and this is none of them; have it added to the operator's manifest.
http-extensions-unreadable = `extensions` holds a value that cannot be read.
http-nothing-here = There is nothing here; the API is at `/graphql`.
variable-required = The variable `${ $name }` is required.
no-such-operation = The document has no operation named `{ $name }`.
several-operations = The document has several operations; name one in `operationName`.
introspection-is-off = This server does not show its schema to you; ask its operator for the file.
document-cycle = A fragment spreads itself; take the spread out.
document-too-dear = This costs { $cost }, and you can ask for { $limit } at once; ask for shorter pages or for less of them.
document-excess = There are more than { $limit } { $what ->
        [tokens] names and signs in the document
        [nesting] brackets within brackets in the document
        [name-length] letters in a name
        [operations] operations in the document
        [fragments] fragments in the document
        [variables] variables in an operation
        [selections] selected fields in an operation, fragments included
        [root-fields] root fields in an operation
        [aliases] aliases in an operation
        [directives] directives in an operation
        [depth] levels of selections in an operation
        [list-items] items in a list
        [values] values in the variables
        [schema-lists] list of fields or types within each other in a look at the schema
       *[cost] points of cost in the operation
    }; send less at a time.

## Arguments of queries

page-without-size = Give `first` or `last`: how many items, 1 to 100.
page-with-two-sizes = Give either `first` or `last`, not both.
page-size-out-of-range = A page has 1 to 100 items; ask for the next one with `after: endCursor`.
cursor-of-another-list = `{ $argument }` is not a cursor of this list; take one from `pageInfo`.
too-many-ids = Ask for at most { $limit } ids at a time.
representation-without-typename = A representation is an object with `__typename` and a key of that type.
representation-of-no-entity = `{ $type }` is no entity of this graph; `_service` tells which ones there are.
representation-without-key = A representation of `{ $type }` needs one of its keys, whole and without null: { $keys }.
argument-no-branch-id = `branchId` is not the id of a branch.
argument-no-merchant-id = `merchantId` is not the id of a merchant.
merchant-id-needed = Name the merchant with `merchantId`.
wallet-id-needed = Name the wallet with `id`, or ask a member for its wallet.
audit-id-unknown = `filter.{ $field }` is no id that the audit log knows; take one from its entries.
