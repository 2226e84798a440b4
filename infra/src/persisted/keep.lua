-- KEYS: texts by name, with the bytes of all of them under `bytes`; when each was used last.
-- ARGV: a name; its text; the most bytes of all texts and what they take besides.
-- Keeps the text. Those that were used least recently make room for it. What is not as this script left it is foreign, and
-- all of it goes: clients send again what they need.
local texts, used, name, text, most = KEYS[1], KEYS[2], ARGV[1], ARGV[2], tonumber(ARGV[3])
local OVERHEAD, MONTH = 200, 30 * 24 * 3600

local function kind(key)
  return redis.call('TYPE', key).ok
end

local function bytes_of(one)
  return redis.call('HSTRLEN', texts, one) + OVERHEAD
end

local bytes
if kind(texts) == 'hash' and kind(used) == 'zset' and redis.call('HLEN', texts) == redis.call('ZCARD', used) + 1 then
  bytes = tonumber(string.match(redis.call('HGET', texts, 'bytes') or '', '^%d+$') or '')
end
if not bytes or bytes > most then
  redis.call('DEL', texts, used)
  bytes = 0
end

if redis.call('HEXISTS', texts, name) == 1 then
  bytes = bytes - bytes_of(name)
  redis.call('HDEL', texts, name)
  redis.call('ZREM', used, name)
end
local own = #text + OVERHEAD
while bytes + own > most do
  local oldest = redis.call('ZPOPMIN', used)[1]
  if not oldest then
    break
  end
  bytes = bytes - bytes_of(oldest)
  redis.call('HDEL', texts, oldest)
end

local time = redis.call('TIME')
redis.call('HSET', texts, name, text, 'bytes', string.format('%.0f', bytes + own))
redis.call('ZADD', used, string.format('%.0f', time[1] * 1000000 + time[2]), name)
redis.call('EXPIRE', texts, MONTH)
redis.call('EXPIRE', used, MONTH)
