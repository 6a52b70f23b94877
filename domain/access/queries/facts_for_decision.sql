-- Everything one decision looks at, in one row: the gate, both zones, the pass with what is held, and the key.
SELECT g.site_id, g.mode,
       g.enabled AND NOT EXISTS (SELECT FROM devices d WHERE d.gate_id = g.id AND NOT d.enabled) AS enabled,
       leaves.ordinal AS leaves,
       enters.id AS enters_id, enters.ordinal AS enters, enters.capacity, enters.inside, enters.taken AS zone_taken,
       CASE WHEN enters.capacity IS NULL THEN 0 ELSE (
           SELECT count(*) FROM holds
           WHERE holds.zone_id = enters.id AND NOT holds.consumed AND holds.expires_at > :now
       ) END AS zone_held,
       p.id AS pass_id, p.site_id AS pass_site_id, p.zones,
       extract(epoch FROM p.valid_from)::float8 AS valid_from,
       extract(epoch FROM p.valid_until)::float8 AS valid_until,
       p.entries, p.passback, p.revoked_at IS NOT NULL AS revoked, p.entered, p.taken AS pass_taken,
       inside.ordinal AS inside_zone,
       EXISTS (
           SELECT FROM holds
           WHERE holds.grant_id = p.id AND NOT holds.consumed AND holds.expires_at > :now
             AND (holds.gate_id, holds.epoch, holds.rid) IS DISTINCT FROM (g.id, :epoch, :rid)
       ) AS held,
       mine.decision AS held_decision,
       k.seed, guest.guest_name
FROM gates g
LEFT JOIN zones leaves ON leaves.id = CASE WHEN :direction = 'in' THEN g.from_zone_id ELSE g.to_zone_id END
LEFT JOIN zones enters ON enters.id = CASE WHEN :direction = 'in' THEN g.to_zone_id ELSE g.from_zone_id END
LEFT JOIN grants p ON p.id = :pass_id
LEFT JOIN zones inside ON inside.id = p.inside_zone_id
LEFT JOIN guest_passes guest ON guest.grant_id = p.id
LEFT JOIN pass_keys k ON k.id = :key_id
LEFT JOIN holds mine ON mine.gate_id = g.id AND mine.epoch = :epoch AND mine.rid = :rid
WHERE g.id = :gate_id
