-- KEYS: ranking, known, and both of the copy in the making. ARGV: pairs of a bucket's field and how far the copy is there.
-- Marks the copy as whole and puts it in the place of the one that is there.
redis.call('ZADD', KEYS[3], '+inf', WHOLE)
redis.call('HSET', KEYS[4], WHOLE, '1', unpack(ARGV))
redis.call('RENAME', KEYS[3], KEYS[1])
redis.call('RENAME', KEYS[4], KEYS[2])
redis.call('EXPIRE', KEYS[1], COPY_SECONDS)
redis.call('EXPIRE', KEYS[2], COPY_SECONDS)
return 1
