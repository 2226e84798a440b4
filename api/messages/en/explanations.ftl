### Why an operation came out as it did.

## Parts of sentences

at-place = { $scope ->
    [merchant] {" "}at { $merchant }
    [branch] {" "}at { $merchant }, { $branch }
   *[nowhere] {""}
}
some-points = { $points ->
    [one] { $points } point
   *[other] { $points } points
}
list-separator = ,{" "}
money-in-rials = { $amount } rials
money-in-tomans = { $amount } tomans
money-of-currency = { $amount } minor units of { $currency }

## Earns. Every step of the arithmetic rounds down.

explained-earn = Earned { some-points }{ at-place } by rule version { $version }: { $earning } of the basket of { $basket } earn; { $rate } per { $per } makes { $uncapped }, rounded down.
explained-earn-capped = { explained-earn } The cap left { $points }.
explained-earn-below-minimum = Earned { some-points }{ at-place } by rule version { $version }: the basket of { $basket } is below the minimum of { $minimum }.
explained-earn-plain = Earned { some-points }{ at-place }.

## Other operations

explained-hold = Reserved { some-points }{ at-place }.
explained-capture = Paid { $points } of the reserved points{ at-place }; the rest is free again.
explained-release = Reserved points are free again{ at-place }: { $points }.
explained-redeem = Paid { some-points }{ at-place }.
explained-refund = { $money } of the purchase came back{ at-place }: what is kept earns { some-points } less, by the rule of the sale.
explained-block = The operator blocked the wallet.
explained-unblock = The operator reopened the wallet.
explained-activation = Pending points can be spent now: { $points }.
explained-hold-end = The time of a hold{ at-place } was over and its points are free again: { $points }.
explained-expiry = { some-points } passed the last day and lapsed.
explained-refusal = Refused, nothing moved: { $reason }
explained-with-lots = { $what } Lots: { $lots }.

## How a lot was used

lot-spent = { $points } spent from lot { $lot }
lot-reserved = { $points } reserved in lot { $lot }
lot-freed = { $points } freed in lot { $lot }
lot-restored = { $points } returned to lot { $lot }
lot-expired = { $points } lapsed in lot { $lot }
lot-repaid = { $points } repaid debt from lot { $lot }
lot-clawed-back = { $points } taken back from lot { $lot }
lot-cancelled = { $points } cancelled in lot { $lot }
lot-transferred = { $points } moved out of lot { $lot }
