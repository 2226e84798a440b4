-- What all scripts know of a copy. The ranking is a sorted set of places with the negated score, so that the highest comes
-- first: a place is the moment at which the score was reached and the wallet, each as bytes, so that equal scores are in
-- the order of these. What is known of a wallet is the number of its last operation with all its digits, then its place.
-- Numbers of Lua are floating and lose digits; texts of equal length have the order of the numbers they tell.
local WHOLE = 'whole'
local SEQ_DIGITS = 19
local COPY_SECONDS = 86400
local DRAFT_SECONDS = 3600

-- Whether the keys hold a whole copy. What is of another type is somebody else's; the next copy takes its place.
local function is_whole(ranking, known)
  return type(redis.pcall('ZSCORE', ranking, WHOLE)) == 'string' and redis.pcall('HEXISTS', known, WHOLE) == 1
end
