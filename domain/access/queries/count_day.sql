-- What a site has of a day: events in the log, and events that came unreadable and whose messages are kept.
SELECT (
    SELECT count(*) FROM access_log
    WHERE site_id = :site_id AND received_at >= :since AND received_at < :until
) AS events, (
    SELECT count(*) FROM access_keys AS known JOIN gates ON gates.id = known.gate_id
    WHERE gates.site_id = :site_id AND known.received_at >= :since AND known.received_at < :until
          AND NOT EXISTS (
              SELECT FROM access_log AS log
              WHERE (log.gate_id, log.epoch, log.seq) = (known.gate_id, known.epoch, known.seq)
                    AND log.received_at >= :since AND log.received_at < :until
          )
          AND EXISTS (
              SELECT FROM quarantine
              WHERE quarantine.gate_id = known.gate_id AND sha256(quarantine.payload) = known.hash
                    AND quarantine.received_at >= :since AND quarantine.received_at < :until
          )
) AS unreadable
