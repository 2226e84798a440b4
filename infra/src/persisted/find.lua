-- KEYS: of each budget in which the caller looks its texts by name, and when each was used last. ARGV: a name; for how long
-- texts are kept, in seconds.
-- Returns the text, which is used now, and the number of the budget; or nothing. Foreign data counts as nothing.
for at = 1, #KEYS, 2 do
  local text = redis.pcall('HGET', KEYS[at], ARGV[1])
  if type(text) == 'string' then
    local time = redis.call('TIME')
    -- A text is found also when that it was used cannot be noted.
    redis.pcall('ZADD', KEYS[at + 1], 'XX', string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[1])
    redis.call('EXPIRE', KEYS[at], ARGV[2])
    redis.call('EXPIRE', KEYS[at + 1], ARGV[2])
    return { text, (at + 1) / 2 }
  end
end
return false
