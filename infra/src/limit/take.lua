-- KEYS[1]: a bucket, kept as the microsecond at which it will have leaked empty.
-- ARGV: now; microseconds in which one unit leaks; in which a full bucket leaks; by which clocks may differ;
--       units that are returned; the fewest units to draw; the most units to draw.
-- Draws as many as there is room for up to the most, or none when there is no room for the fewest.
-- Returns the units drawn and the microsecond at which the bucket is now empty. All numbers are below 2^53.
local now, unit, full, differ = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local returned, fewest, most = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local kept = redis.pcall('GET', KEYS[1])
-- Foreign data counts as an empty bucket.
kept = type(kept) == 'string' and string.match(kept, '^%d+$') and tonumber(kept) or now

-- A clock that is behind finds the bucket fuller than it is and never empties it.
local empty_at = math.max(kept, now)
if empty_at - now > full + differ then
  empty_at = now + full
end
empty_at = math.max(empty_at - returned * unit, now)

local room = math.max(math.floor((full - (empty_at - now)) / unit), 0)
local drawn = 0
if room >= fewest then
  drawn = math.min(room, most)
end
empty_at = empty_at + drawn * unit

if empty_at == now then
  redis.call('DEL', KEYS[1])
elseif empty_at ~= kept then
  redis.call('SET', KEYS[1], string.format('%.0f', empty_at), 'PX', string.format('%.0f', math.ceil((empty_at - now + differ) / 1000)))
end
return { drawn, empty_at }
