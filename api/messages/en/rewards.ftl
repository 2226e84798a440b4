### Rewards.

reward-not-found = There is no such reward for you; take an id from `rewards`.
    .update-reward = You have no such reward; take an id from `rewards`.
    .change-reward-stock = You have no such reward; take an id from `rewards`.
    .close-reward = You have no such reward; take an id from `rewards`.
    .reopen-reward = You have no such reward; take an id from `rewards`.
reward-closed = The merchant no longer offers this reward; choose another one.
reward-not-yet-available = The reward cannot be redeemed yet; see its `validFrom`.
reward-no-longer-available = The reward can no longer be redeemed; choose another one.
reward-out-of-stock = Nothing is left of this reward; choose another one, or try again later with the same key.
reward-limit-reached = The member has had this reward as often as one member may.
reward-limit-of = One member gets this reward { $limit } times at most, and has had it so often.
reward-changed = The reward has another price by now; read it again and ask for it at that price.
reward-price-is = The reward costs { $points ->
    [one] { $points } point
   *[other] { $points } points
} by now: nothing was redeemed. Ask for it at that price, or not at all.
redemption-not-found = There is no such redemption for you; check the voucher code or the id.
redemption-expired = Nobody collected the redemption in time; its points are free again.
redemption-released = The redemption was called off; its points are free again.
redemption-captured = The redemption was captured: the points are taken, and the reward was given.
invalid-voucher-code = Write the voucher code with its twelve digits.
version-conflict = The reward was changed meanwhile; read it again and send the version that it has.
version-is = The reward was changed meanwhile and has version { $version }; read it again and send that version.
stock-unlimited = This reward never runs out, so there is no stock to change.
invalid-title = Write a title of 1 to 120 characters without control characters.
invalid-description = Write a description of 1 to 2000 characters without control characters, or leave it out.
invalid-stock = Write a stock from 0 to 1,000,000,000.
    .change-reward-stock = Write how many pieces come or go, not zero; the stock stays between 0 and 1,000,000,000.
invalid-limit = Write a limit from 1 to 1,000,000,000, or leave it out for none.
invalid-window = The window has to end after it begins: write a `validUntil` that is later than `validFrom`.
invalid-reserve = Write a duration of 1 to 2,592,000 seconds (30 days).
redeemer-not-named = Say in `member` who redeems the reward.
redeemer-is-caller = A member redeems for itself: leave `member` out.
argument-no-reward-id = The argument is not the id of a reward.
