-- End one follower's presence.
-- KEYS: as of gone.lua
-- ARGV: client
forget(ARGV[1])
return 1
