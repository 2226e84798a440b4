### Log-ins and sessions.

## Refreshing and ending a session

invalid-retry-key = Send a retry key of 1 to 64 visible ASCII characters, a new one per refresh, or leave it out.
invalid-refresh-token = This is no refresh token of this server; log in again.
session-ended = The session is over; log in again.
refresh-token-reused = This refresh token was used before, so the session has been ended for safety; log in again.
session-not-found = You have no such session; take an id from `sessions`.
no-session = Your token belongs to no session, so there is none to end.

## Logging in with a code. The message has to fit into one part of an SMS.

login-code-text = Your code for { $network }: { $code }
    Give it to nobody.
code-sent-recently = A code was sent to this number; wait until `resendAt` before you ask for another.
invalid-code = Write the six digits of the code.
wrong-code = The code is wrong; look at the message again.
    .confirm-totp = The code is wrong: wait for the next one, and check that the clock of your device is right.
code-expired = The code is over; ask for another one.
