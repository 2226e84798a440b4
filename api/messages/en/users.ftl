### Operators and agents: invitations, log-in, passwords and codes.

## Log-in

invalid-credentials = Name, password or code are wrong, or the code was used before. Wait for the next code and try again; after many wrong codes wait a quarter of an hour, or use a recovery code.
    .replace-recovery-codes = Password or code are wrong, or the code was used before; wait for the next code and try again.
    .reset-totp = Password or code are wrong, or the code was used before; wait for the next code and try again.
code-or-recovery-code = Give either `code`, which the authenticator app shows, or `recoveryCode`.

## Passwords

invalid-password = Choose a password of 12 to 128 characters, without your name and nothing well known.
password-too-short = Choose a password of at least 12 characters; a few words are easy to remember.
password-too-long = Choose a password of at most 128 characters.
password-unreadable = Choose a password without control characters, such as line breaks.
password-guessable = This password would be guessed soon: leave out your name, sequences and well-known words.
wrong-password = This is not your password.

## Invitations

invitation-over = The invitation is over: it was used, replaced by a newer one, or is older than two days. Ask for a new one.
nothing-to-confirm = Accept the invitation with `acceptInvitation` first.
invalid-user-name = Write a user name of 3 to 100 English letters, digits and `. _ - + @`, such as an e-mail address.
user-name-taken = Another user has this name; find it in `users`.
scopes-too-wide = You cannot give more than you have: choose fewer `scopes`.
    .add-staff = You cannot give a post that may do more than you: choose another role.
    .remove-staff = You cannot remove somebody who may do more than you: ask an owner.
    .set-staff-posts = You cannot give or take a post that may do more than you: ask an owner, or choose another role.
    .renew-invitation = The user is allowed more than you are; ask an operator who is allowed as much.

## Users

user-not-found = There is no user with this id; take one from `users`.
user-joined = The user has joined and needs no invitation; what was lost is reset on the command line with `amvaj user`.
last-user-manager = Nobody would be left who may manage users; invite another operator first.
