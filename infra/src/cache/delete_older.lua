-- KEYS: entries; ARGV: for each the version, with all its digits, that its wallet is known to have reached.
-- Deletes the entries of a lower version, and foreign data.
for i, key in ipairs(KEYS) do
  local _, version = rank_and_version(key)
  if not version or version < ARGV[i] then
    redis.call('DEL', key)
  end
end
