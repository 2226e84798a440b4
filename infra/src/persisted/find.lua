-- KEYS: texts by name; when each was used last. ARGV: a name.
-- Returns the text, which is used now, or nothing. Foreign data counts as nothing.
local text = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(text) ~= 'string' then
  return false
end
local time = redis.call('TIME')
-- A text is found also when that it was used cannot be noted.
redis.pcall('ZADD', KEYS[2], 'XX', string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[1])
return text
