-- KEYS: ranking, known. ARGV: whether the copy is in the making (1 or 0); how many scores there are; for each the wallet,
-- the number of its operation with all its digits, its place or nothing, and the score of the place; then for each
-- bucket its field, how far the copy was there, and how far it is now.
-- Takes over each score whose operation is later than the one that is known. Answers 0 when the copy is not whole, or is
-- another one by now, which is not as far as the one whose rows were followed.
local ranking, known = KEYS[1], KEYS[2]
if ARGV[1] == '0' and not is_whole(ranking, known) then
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
for field = at, #ARGV, 3 do
  if redis.call('HGET', known, ARGV[field]) ~= ARGV[field + 1] then
    return 0
  end
end
for field = at, #ARGV, 3 do
  redis.call('HSET', known, ARGV[field], ARGV[field + 2])
end
if ARGV[1] == '1' then
  redis.call('EXPIRE', ranking, DRAFT_SECONDS)
  redis.call('EXPIRE', known, DRAFT_SECONDS)
end
return 1
