-- The text of a balance: its form, then version, valid_until and as_of with all 19 digits, then the figures.
-- Numbers of Lua are floating and lose digits; text of equal length has the order of the numbers it tells.
local DIGITS = string.rep('%d', 19)
local SHAPE = '^b1 ((' .. DIGITS .. ') ' .. DIGITS .. ' ' .. DIGITS .. ') %d+ %d+ %d+ %d+ [01]$'

-- The rank and the version of what is kept under the key; nothing when there is none or it is foreign.
local function rank_and_version(key)
  local kept = redis.pcall('GET', key)
  if type(kept) == 'string' then
    return string.match(kept, SHAPE)
  end
end

