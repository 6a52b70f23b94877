-- Everything one decision looks at, in one row: the gate, both zones, the pass with what is held, and the keys.
-- What only few passes and zones ask for (escorts, second persons, wrong PINs) is looked up for those alone.
SELECT g.site_id, g.mode,
       g.enabled AND NOT EXISTS (SELECT FROM devices d WHERE d.gate_id = g.id AND NOT d.enabled) AS enabled,
       list.time_zone, list.live_key,
       ARRAY(
           SELECT day::text FROM holidays
           WHERE holidays.site_id = g.site_id
             AND day BETWEEN CAST(:now AS timestamptz)::date - 1 AND CAST(:now AS timestamptz)::date + 1
       ) AS holidays,
       leaves.ordinal AS leaves,
       enters.id AS enters_id, enters.ordinal AS enters, enters.capacity, enters.inside, enters.taken AS zone_taken,
       enters.passback AS zone_passback, enters.passback_minutes, enters.in_order, enters.two_person,
       enters.first_person, extract(epoch FROM enters.opened_at)::float8 AS opened_at,
       zone_schedule.hours::text AS zone_hours,
       CASE WHEN enters.capacity IS NULL AND NOT enters.two_person THEN 0 ELSE (
           SELECT count(*) FROM holds
           WHERE holds.zone_id = enters.id AND NOT holds.consumed AND holds.expires_at > :now
       ) END AS zone_held,
       enters.two_person AND EXISTS (
           SELECT FROM gates beside JOIN decisions waiting ON waiting.gate_id = beside.id
           WHERE beside.site_id = g.site_id AND beside.to_zone_id = enters.id
             AND waiting.direction = 'in' AND waiting.reason = 'second_person'
             AND waiting.at > CAST(:now AS timestamptz) - interval '15 seconds' AND waiting.grant_id <> p.id
       ) AS accompanied,
       p.id AS pass_id, p.site_id AS pass_site_id, p.zones,
       extract(epoch FROM p.valid_from)::float8 AS valid_from,
       extract(epoch FROM p.valid_until)::float8 AS valid_until,
       extract(epoch FROM p.moved_at)::float8 AS moved_at,
       pass_schedule.hours::text AS pass_hours,
       p.entries, p.passback, p.revoked_at IS NOT NULL AS revoked, p.unpaid, p.needs_escort, p.live_code, p.opens,
       p.entered, p.taken AS pass_taken, p.code_step, p.code_zone_id,
       listed.watch,
       inside.ordinal AS inside_zone,
       (
           -- a plan made while there are no holds may go by any column named after WHERE: here by the pass alone
           SELECT coalesce(bool_or(
               holds.expires_at > :now AND (holds.gate_id, holds.epoch, holds.rid) IS DISTINCT FROM (g.id, :epoch, :rid)
           ), false)
           FROM holds WHERE holds.grant_id = p.id AND NOT holds.consumed
       ) AS held,
       p.needs_escort AND (EXISTS (
           SELECT FROM grants escort
           WHERE escort.inside_zone_id = enters.id AND escort.id <> p.id AND escort.revoked_at IS NULL
             AND (escort.escorts OR escort.holder_user_id = guest.host_user_id)
       ) OR EXISTS (
           SELECT FROM holds JOIN grants escort ON escort.id = holds.grant_id
           WHERE holds.gate_id = g.id AND NOT holds.consumed AND holds.expires_at > :now
             AND escort.id <> p.id AND escort.revoked_at IS NULL
             AND (escort.escorts OR escort.holder_user_id = guest.host_user_id)
       )) AS escorted,
       CASE WHEN CAST(:method AS text) = 'pin' THEN (
           SELECT count(*) FROM decisions tried
           WHERE tried.gate_id = g.id AND tried.method = 'pin' AND NOT tried.admit AND tried.reason = 'unknown'
             AND tried.at > CAST(:now AS timestamptz) - interval '1 minute'
       ) ELSE 0 END AS failures,
       mine.decision AS held_decision,
       k.seed, coalesce(guest.guest_name, p.holder_name) AS holder_name
FROM gates g
LEFT JOIN site_lists list ON list.site_id = g.site_id
LEFT JOIN zones leaves ON leaves.id = CASE WHEN :direction = 'in' THEN g.from_zone_id ELSE g.to_zone_id END
LEFT JOIN zones enters ON enters.id = CASE WHEN :direction = 'in' THEN g.to_zone_id ELSE g.from_zone_id END
LEFT JOIN schedules zone_schedule ON zone_schedule.id = enters.schedule_id
LEFT JOIN credentials shown ON shown.site_id = g.site_id AND shown.kind = CAST(:method AS text)
     AND shown.digest = sha256(list.credential_key || convert_to(CAST(:credential AS text), 'UTF8'))
LEFT JOIN grants p ON p.id = coalesce(CAST(:pass_id AS bigint), shown.grant_id)
LEFT JOIN schedules pass_schedule ON pass_schedule.id = p.schedule_id
LEFT JOIN list_entries listed ON listed.grant_id = p.id
LEFT JOIN zones inside ON inside.id = p.inside_zone_id
LEFT JOIN guest_passes guest ON guest.grant_id = p.id
LEFT JOIN pass_keys k ON k.id = :key_id
LEFT JOIN holds mine ON mine.gate_id = g.id AND mine.epoch = :epoch AND mine.rid = :rid
WHERE g.id = :gate_id
