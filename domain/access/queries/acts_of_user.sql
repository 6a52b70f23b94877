-- What somebody ordered, took on and wrote down, in its order.
SELECT 'command ' || verb || ' to gate ' || gate_id AS what, ordered_at AS at, reason
FROM gate_commands WHERE ordered_by = :user_id
UNION ALL
SELECT 'incident hold ' || id || ' at site ' || site_id, placed_at, reason
FROM incident_holds WHERE placed_by = :user_id
UNION ALL
SELECT 'alarm ' || kind || ' taken at site ' || site_id, acknowledged_at, ''
FROM alarms WHERE acknowledged_by = :user_id
UNION ALL
SELECT 'alarm ' || kind || ' closed at site ' || site_id, closed_at, note
FROM alarms WHERE closed_by = :user_id
UNION ALL
SELECT 'muster ' || id || ' begun at site ' || site_id, begun_at, reason
FROM musters WHERE begun_by = :user_id
UNION ALL
SELECT 'muster ' || id || ' ended at site ' || site_id, ended_at, ''
FROM musters WHERE ended_by = :user_id
UNION ALL
SELECT 'mark in muster ' || muster_id, at, CASE WHEN safe THEN 'safe' ELSE 'not safe' END
FROM muster_marks WHERE marked_by = :user_id
UNION ALL
SELECT 'desk: ' || kind || ' at site ' || site_id, at, coalesce(detail->>'why', '')
FROM access_log
WHERE gate_id IN (SELECT id FROM gates WHERE desk) AND detail->>'by' = 'user:' || CAST(:user_id AS bigint)
ORDER BY at
