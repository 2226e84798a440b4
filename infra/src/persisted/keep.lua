-- KEYS: of the budget that a text goes into the texts by name, with the bytes of all of them under `bytes`, and when each was
-- used last; the same of the other budget.
-- ARGV: a name; its text; the most bytes of all texts and what they take besides; for how long texts are kept, in seconds; and
-- what becomes of a text that the other budget has: it is taken out there (`moves`), or is enough (`stays`), or is another
-- caller's (`apart`).
-- Keeps the text. Those that were used least recently make room for it. What is not as this script left it is foreign, and
-- all of it goes: clients send again what they need.
local texts, used, other_texts, other_used = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, text, most, life, elsewhere = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local OVERHEAD = 200

local function kind(key)
  return redis.call('TYPE', key).ok
end

local function now()
  local time = redis.call('TIME')
  return string.format('%.0f', time[1] * 1000000 + time[2])
end

local function has(all, one)
  return kind(all) == 'hash' and redis.call('HEXISTS', all, one) == 1
end

-- The bytes of a budget; nothing when it is not as this script left it.
local function bytes_of_all(all, uses)
  if kind(all) ~= 'hash' or kind(uses) ~= 'zset' or redis.call('HLEN', all) ~= redis.call('ZCARD', uses) + 1 then
    return nil
  end
  return tonumber(string.match(redis.call('HGET', all, 'bytes') or '', '^%d+$') or '')
end

-- Takes a text out and answers what it took.
local function take_out(all, uses, one)
  local freed = redis.call('HSTRLEN', all, one) + OVERHEAD
  redis.call('HDEL', all, one)
  redis.call('ZREM', uses, one)
  return freed
end

if elsewhere == 'stays' and has(other_texts, name) then
  redis.pcall('ZADD', other_used, 'XX', now(), name)
  return
end
if elsewhere == 'moves' and has(other_texts, name) then
  local others = bytes_of_all(other_texts, other_used)
  if others then
    local left = others - take_out(other_texts, other_used, name)
    redis.call('HSET', other_texts, 'bytes', string.format('%.0f', left))
  end
end

local bytes = bytes_of_all(texts, used)
if not bytes or bytes > most then
  redis.call('DEL', texts, used)
  bytes = 0
end
if redis.call('HEXISTS', texts, name) == 1 then
  bytes = bytes - take_out(texts, used, name)
end
local own = #text + OVERHEAD
while bytes + own > most do
  local oldest = redis.call('ZRANGE', used, 0, 0)[1]
  if not oldest then
    break
  end
  bytes = bytes - take_out(texts, used, oldest)
end
redis.call('HSET', texts, name, text, 'bytes', string.format('%.0f', bytes + own))
redis.call('ZADD', used, now(), name)
redis.call('EXPIRE', texts, life)
redis.call('EXPIRE', used, life)
