-- KEYS: entries; ARGV: for each its new text and the milliseconds that it may live.
-- Keeps each text that ranks above what is kept, and returns how many did. One whose life is over, which still
-- ranks above, ends what is kept. Foreign data is overwritten.
local stored = 0
for i, key in ipairs(KEYS) do
  local text, milliseconds = ARGV[2 * i - 1], tonumber(ARGV[2 * i])
  local rank = rank_and_version(key)
  if not rank or rank < string.match(text, SHAPE) then
    if milliseconds > 0 then
      redis.call('SET', key, text, 'PX', milliseconds)
      stored = stored + 1
    else
      redis.call('DEL', key)
    end
  end
end
return stored
