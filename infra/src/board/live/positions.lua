-- KEYS: ranking, known. ARGV: the fields of the buckets.
-- Answers how far the copy is in each, and lets it live on; nothing when it is not whole.
local ranking, known = KEYS[1], KEYS[2]
if not is_whole(ranking, known) then
  return false
end
redis.call('EXPIRE', ranking, COPY_SECONDS)
redis.call('EXPIRE', known, COPY_SECONDS)
return redis.call('HMGET', known, unpack(ARGV))
