-- The log of a gate in the order of its journals, each event with the hash that was noted apart from it.
SELECT log.epoch, log.seq, log.canonical, log.previous_hash, log.hash, known.hash AS known_hash, log.salt, log.grant_id,
       log.kind, log.reason, log.direction, log.decision, log.admit, log.rid, log.source, log.clock, log.at, log.detail
FROM access_log AS log LEFT JOIN access_keys AS known USING (gate_id, epoch, seq)
WHERE log.gate_id = :gate_id
ORDER BY log.epoch, log.seq
