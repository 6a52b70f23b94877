-- Events of a gate that came and are not in its log, with whether they wait in quarantine because nobody could read them.
SELECT known.epoch, known.seq, EXISTS (
    SELECT FROM quarantine WHERE quarantine.gate_id = known.gate_id AND sha256(quarantine.payload) = known.hash
) AS unreadable
FROM access_keys AS known
WHERE known.gate_id = :gate_id AND NOT EXISTS (
    SELECT FROM access_log AS log WHERE (log.gate_id, log.epoch, log.seq) = (known.gate_id, known.epoch, known.seq)
)
ORDER BY known.epoch, known.seq
