-- Every event of a span of time as the log has it, beside what was noted apart from the log when it came.
SELECT gate_id, epoch, seq, known.hash AS known_hash, known.received_at AS known_at, log.id AS log_id, log.received_at,
       log.site_id, log.zone_id, log.historical, log.at, log.canonical, log.previous_hash, log.hash, log.salt,
       log.grant_id, log.kind, log.reason, log.direction, log.decision, log.admit, log.rid, log.source, log.clock,
       log.detail::text
FROM (
    SELECT * FROM access_keys
    WHERE received_at >= CAST(:since AS timestamptz) AND received_at < CAST(:until AS timestamptz)
) AS known FULL JOIN (
    SELECT * FROM access_log
    WHERE received_at >= CAST(:since AS timestamptz) AND received_at < CAST(:until AS timestamptz)
) AS log USING (gate_id, epoch, seq)
