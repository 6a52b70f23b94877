-- Drop the messages that a site's gates sent on a day and nobody could read.
DELETE FROM quarantine USING gates
WHERE gates.id = quarantine.gate_id AND gates.site_id = :site_id AND quarantine.received_at >= :since
      AND quarantine.received_at < :until
RETURNING quarantine.id
