### Exports and their links.

empty-period = Let `from` be before `until`, and in the past.
too-many-exports = Three files are being made for you; wait until one is done.
export-link-forged = This is no link of ours; ask for the export's `url`.
export-link-over = The link is over; ask for the export's `url` again.
export-link-revoked = The link was made for somebody who was blocked, logged out or given other rights since; ask for the export's `url` again.
export-no-place = Too many files are being sent at the moment; try again shortly.
export-gone = The file is not there any more, or not yet; ask for `export`, or for a new one.
http-get-or-head = Use GET or HEAD.
