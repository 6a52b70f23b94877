-- Per zone, who came and went through its gates and by how much it was corrected, with what was settled of it.
WITH walked AS (
    SELECT CASE WHEN gate.desk THEN CAST(log.detail ->> 'gate' AS bigint)
                ELSE log.gate_id END AS gate_id,
           log.direction, count(*) AS people
    FROM access_log AS log JOIN gates AS gate ON gate.id = log.gate_id
    WHERE log.site_id = :site_id AND log.kind = 'passage' AND log.direction IN ('in', 'out')
      AND log.received_at >= coalesce((SELECT before FROM settlements WHERE site_id = :site_id), '-infinity')
      AND (log.grant_id IS NOT NULL OR log.rid IS NULL OR NOT EXISTS (
          SELECT FROM gate_commands AS command
          WHERE command.id = log.rid AND command.gate_id = log.gate_id AND command.written_down
      ))
    GROUP BY 1, 2
), said AS (
    SELECT log.kind, log.zone_id, CAST(log.detail ->> 'from' AS bigint) AS from_zone_id,
           CAST(log.detail ->> 'delta' AS bigint) AS delta
    FROM access_log AS log
    WHERE log.site_id = :site_id AND log.kind IN ('correction', 'forgive')
      AND log.received_at >= coalesce((SELECT before FROM settlements WHERE site_id = :site_id), '-infinity')
), parts AS (
    SELECT CASE direction WHEN 'in' THEN gates.to_zone_id ELSE gates.from_zone_id END AS zone_id,
           people AS came, 0 AS went, 0 AS corrected
    FROM walked JOIN gates ON gates.id = walked.gate_id
    UNION ALL
    SELECT CASE direction WHEN 'in' THEN gates.from_zone_id ELSE gates.to_zone_id END, 0, people, 0
    FROM walked JOIN gates ON gates.id = walked.gate_id
    UNION ALL
    SELECT zone_id, 0, 0, CASE kind WHEN 'correction' THEN delta ELSE 1 END FROM said
    UNION ALL
    SELECT from_zone_id, 0, 0, -1 FROM said WHERE kind = 'forgive'
    UNION ALL
    SELECT CAST(key AS bigint), CAST(value ->> 'came' AS bigint), CAST(value ->> 'went' AS bigint),
           CAST(value ->> 'corrected' AS bigint)
    FROM settlements, jsonb_each(settlements.zones) WHERE site_id = :site_id
)
SELECT zone_id, CAST(sum(came) AS bigint) AS came, CAST(sum(went) AS bigint) AS went,
       CAST(sum(corrected) AS bigint) AS corrected
FROM parts WHERE zone_id IS NOT NULL GROUP BY zone_id
