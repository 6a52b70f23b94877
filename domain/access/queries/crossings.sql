-- Where passes crossed the border of their site, as the log has it: in from the street, or out to it, seen or said. What
-- the desk wrote down names the gate in its detail. Entries are left out where nobody asks whether a pass is inside.
SELECT grants.id AS grant_id, log.id, log.at, log.received_at, log.historical, log.clock, log.source,
       coalesce(gate.id, log.gate_id) AS gate_id,
       log.zone_id IS NOT NULL AS comes_in,
       CASE WHEN grants.passback IS NULL AND zone.passback = 'timed' THEN 60 * zone.passback_minutes END AS again_after_s
FROM grants
JOIN access_log AS log ON log.grant_id = grants.id AND log.site_id = grants.site_id
JOIN gates AS teller ON teller.id = log.gate_id
LEFT JOIN gates AS gate
     ON gate.id = CASE WHEN teller.desk THEN CAST(log.detail ->> 'gate' AS bigint) ELSE log.gate_id END
LEFT JOIN zones AS zone ON zone.id = log.zone_id
WHERE grants.id = ANY(CAST(:grant_ids AS bigint[])) AND log.received_at >= CAST(:since AS timestamptz)
  AND (log.kind = 'passage' AND log.direction IN ('in', 'out') OR log.kind = 'forgive')
  AND (
      log.zone_id IS NULL
      OR log.kind = 'passage' AND CASE WHEN log.direction = 'in' THEN gate.from_zone_id ELSE gate.to_zone_id END IS NULL
         AND (grants.entries = 'single' OR coalesce(grants.passback, zone.passback) <> 'off')
  )
