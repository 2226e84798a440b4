-- KEYS: ranking, known. ARGV: whether the copy is in the making (1 or 0); how many scores there are; for each the wallet,
-- the number of its operation with all its digits, its place or nothing, and the score of the place; then pairs of a
-- bucket's field and how far the copy is there.
-- Takes over each score whose operation is later than the one that is known. Answers 0 when the copy is not whole.
local ranking, known = KEYS[1], KEYS[2]
if ARGV[1] == '0'
    and (not redis.call('ZSCORE', ranking, WHOLE) or redis.call('HEXISTS', known, WHOLE) == 0) then
  return 0
end
local at = 3
for _ = 1, tonumber(ARGV[2]) do
  local wallet, seq, place, score = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  at = at + 4
  local before = redis.call('HGET', known, wallet)
  if not before or string.sub(before, 1, SEQ_DIGITS) < seq then
    if before and #before > SEQ_DIGITS then
      redis.call('ZREM', ranking, string.sub(before, SEQ_DIGITS + 1))
    end
    if place ~= '' then
      redis.call('ZADD', ranking, score, place)
    end
    redis.call('HSET', known, wallet, seq .. place)
  end
end
while ARGV[at] do
  redis.call('HSET', known, ARGV[at], ARGV[at + 1])
  at = at + 2
end
if ARGV[1] == '1' then
  redis.call('EXPIRE', ranking, DRAFT_SECONDS)
  redis.call('EXPIRE', known, DRAFT_SECONDS)
end
return 1
