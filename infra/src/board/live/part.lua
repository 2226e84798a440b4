-- KEYS: ranking, known. ARGV: `first` or `last`, how many to leave out, how many to show, the position before which to
-- end or nothing; or `around`, a wallet, how many on each side.
-- Answers how many stand on the board, how many in front of the part, how many of those have a higher score than its
-- first, and the part as places with their scores; nothing when the copy is not whole.
local ranking, known = KEYS[1], KEYS[2]
if not is_whole(ranking, known) then
  return false
end
-- The mark of wholeness stands behind everybody.
local size = redis.call('ZCARD', ranking) - 1
local from, to
if ARGV[1] == 'around' then
  local own = redis.call('HGET', known, ARGV[2])
  local position = own and #own > SEQ_DIGITS and redis.call('ZRANK', ranking, string.sub(own, SEQ_DIGITS + 1))
  if not position then
    return { size, 0, 0, {} }
  end
  from = math.max(position - tonumber(ARGV[3]), 0)
  to = math.min(position + tonumber(ARGV[3]) + 1, size)
else
  local skip, count = tonumber(ARGV[2]), tonumber(ARGV[3])
  local last = size
  if ARGV[4] ~= '' then
    last = math.min(size, math.max(tonumber(ARGV[4]) - 1, 0))
  end
  if ARGV[1] == 'first' then
    from = math.min(skip, last)
    to = math.min(last, skip + count)
  else
    to = last
    from = math.min(math.max(last - count, skip, 0), last)
  end
end
if to <= from then
  return { size, from, 0, {} }
end
local part = redis.call('ZRANGE', ranking, from, to - 1, 'WITHSCORES')
local above = redis.call('ZCOUNT', ranking, '-inf', '(' .. part[2])
return { size, from, above, part }
