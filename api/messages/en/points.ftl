### The mutations on points. Refusals of the ledger are given $asked (points asked for) and $limit (what stood in the way).

invalid-idempotency-key = Send a key of 1 to 64 visible ASCII characters, a new one per operation.
idempotency-mismatch = This key was used with another input: a retry repeats its input, another operation needs a new key.
invalid-receipt-number = Send your receipt number in 1 to 64 characters.
invalid-amount = Send an amount between 1 and 1,000,000,000,000,000 minor units.
invalid-basket = Send lines that add up to the amount.
basket-line-unreadable = Line { $line } cannot be read: every line needs a number, or none of them, and texts without control characters.
basket-repeats-line = Line { $line } appears twice: correct the lines.
basket-line-amount = The amount of line { $line } is out of range: correct the lines.
basket-line-quantity = The quantity of line { $line } must be between 1 and 1,000,000,000: correct the lines.
basket-sum = The lines add up to { $lines }, the amount says { $total }: correct the lines.
basket-too-long = A basket has at most { $limit } lines: correct the lines.
no-purchases = Send at least one purchase.
invalid-points = Send a whole number of points between 1 and 1,000,000,000,000,000.
invalid-hold-id = Send the id of a hold, as `holdPoints` gave it.
invalid-seconds = A hold lasts between 1 second and 30 days (2,592,000 seconds).
invalid-refund = Say what comes back: the whole purchase, at least one unit of at least one line, or an amount above zero.

## Refusals of the ledger

currency-mismatch = Use the currency of your merchant, which its `currency` tells, under a new idempotency key.
no-earn-rule = No earn rule of your merchant held at the time of this purchase, so it cannot earn. Ask the operator to set one for those that come.
occurred-in-future = The time lies in the future: check the clock of the till.
occurred-too-long-ago = The time lies too far back to be accepted now.
receipt-already-used = This receipt has earned already: `operation` is what it earned. If the number was mistyped, send the right one under a new idempotency key.
receipt-of-another-member = The receipt belongs to another member: earn and pay for one receipt with one member.
insufficient-points = { $asked ->
    [one] { $asked } point was asked for and { $limit } can be spent here: ask for at most that.
   *[other] { $asked } points were asked for and { $limit } can be spent here: ask for at most that.
}
# To whom the wallet is not shown.
fewer-points = { $asked ->
    [one] { $asked } point was asked for, and fewer can be spent here.
   *[other] { $asked } points were asked for, and fewer can be spent here.
}
hold-not-found = Your merchant has no such hold: use the id that `holdPoints` gave.
not-a-sandbox = This is the live network, whose time is everybody's: send this to its sandbox, which `network` names.
clock-step-unclear = Send one of `seconds` and `until`.
clock-not-forward = Time goes forward only: send a number of seconds above zero, or an `until` ahead of `clock`.
clock-too-far = A sandbox is at most five years ahead of the present: make a smaller step, or begin a new sandbox.
hold-expired = The hold's time is over and its points are free: make a new hold.
hold-released = The hold was released and its points are free: make a new hold.
hold-captured = The hold was captured already; `purchase` and `operations` tell how.
capture-exceeds-hold = { $limit ->
    [one] The hold has { $limit } point: capture at most that.
   *[other] The hold has { $limit } points: capture at most that.
}
purchase-not-found = No purchase has this receipt.
line-not-found = The purchase has no line { $limit }: use the lines of the earn.
refund-exceeds-purchase = More is refunded than was kept: { $limit } is left (units of the line, or minor units of money).
amount-too-large = The amount would leave the range of points and money.
