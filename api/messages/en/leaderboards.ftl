### Leaderboards.

leaderboard-not-found = There is no leaderboard with this id; take one from `leaderboards`.
metric-not-offered = Merchants visited are counted in the whole network only: leave `merchantId` out, or choose another metric.
invalid-grace = Write a grace of 0 to 720 hours.
too-many-leaderboards = There are 100 open leaderboards; close one that nobody looks at.
distance-out-of-range = Ask for 0 to { $limit } neighbours on each side.
leaderboard-member-needed = Say around which member: `member`.
