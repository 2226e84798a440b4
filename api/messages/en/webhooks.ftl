### Webhooks.

endpoint-not-found = You have no such endpoint; take an id from the merchant's `webhookEndpoints`.
endpoint-disabled = The endpoint is disabled; enable it first with `updateWebhookEndpoint`.
invalid-url = Write an address that begins with `https://`, of at most 500 characters, without a user, a password or a fragment.
address-not-public = The address is not on the public internet; name one that can be reached from everywhere.
no-event-types = Name at least one type of event that operations are told as, or leave `eventTypes` out for all.
too-many-endpoints = The merchant has 10 endpoints; remove one that nobody uses.
rotation-under-way = The secret before this one still goes on; wait for its end, or rotate with `overlapHours: 0`.
invalid-start = Give one of `after` and `since`.
invalid-cursor = This is no cursor of an event; take the `cursor` from the body of one.
cursor-expired = The place lies further back than events are kept for sending again; begin later, and read `operations` for what was before.
delivery-not-found = You have no such delivery; take an id from the endpoint's `deliveries`.
delivery-waiting = The event is waiting to be sent already.
