-- People of a site with a pass: those inside, those marked in a muster, or those asked for by id; with what is known of
-- the last place, and the last doubtful alarm at a gate of the zone they are in.
WITH doubtful AS (
    SELECT zone_id, max(alarm.last_at) AS at
    FROM alarms AS alarm JOIN gates AS gate ON gate.id = alarm.gate_id,
         unnest(ARRAY[gate.from_zone_id, gate.to_zone_id]) AS zone_id
    WHERE alarm.site_id = :site_id AND alarm.kind = ANY(CAST(:doubts AS text[]))
    GROUP BY zone_id
)
SELECT g.id AS pass_id, g.kind, g.inside_zone_id, g.moved_at, g.moved_by, g.taken, g.revoked_at, g.valid_until,
       g.holder_user_id, g.holder_name,
       guest.id AS guest_pass_id, guest.guest_name, guest.host_user_id, coalesce(guest.version, 0) AS guest_version,
       zone.name AS zone_name,
       mark.safe, mark.way, mark.marked_by, mark.gate_id AS marked_gate_id, mark.at AS marked_at,
       coalesce(mark.version, 0) AS mark_version,
       doubtful.at AS doubted_at
FROM grants AS g
LEFT JOIN guest_passes AS guest ON guest.grant_id = g.id
LEFT JOIN zones AS zone ON zone.id = g.inside_zone_id
LEFT JOIN doubtful ON doubtful.zone_id = g.inside_zone_id
LEFT JOIN muster_marks AS mark ON mark.muster_id = :muster_id AND mark.grant_id = g.id
WHERE g.site_id = :site_id AND CASE
    WHEN CAST(:only AS bigint[]) IS NULL THEN g.inside_zone_id IS NOT NULL OR mark.grant_id IS NOT NULL
    ELSE g.id = ANY(CAST(:only AS bigint[]))
END
ORDER BY zone.name, guest.guest_name, g.holder_name, g.id
