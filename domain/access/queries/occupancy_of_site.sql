-- All that tells where everybody is at a site, in one statement and so of one moment: what moved somebody since the
-- last settlement, what was settled, and the live state. Gates' reports of walks that the desk wrote down are no walks.
-- What was settled when somebody last looked (:floor) tells the planner how much to expect; the settlement of this very
-- moment is compared in a way that does not make it guess anew. The moment of a walk is that of `rules.passage.moment`.
SELECT CASE log.kind WHEN 'passage' THEN log.direction ELSE log.kind END AS what, log.id AS number,
       CASE
           WHEN log.kind <> 'passage' THEN log.at
           WHEN NOT log.historical AND (
               log.clock = 'unsure' OR log.at NOT BETWEEN log.received_at - interval '30 seconds'
                                                      AND log.received_at + interval '30 seconds'
           ) THEN log.received_at
           ELSE least(log.at, log.received_at)
       END AS at,
       CASE WHEN log.gate_id = :desk_id THEN CAST(log.detail ->> 'gate' AS bigint) ELSE log.gate_id END AS gate_id,
       mine.id AS pass_id,
       CASE WHEN log.kind <> 'passage' THEN log.zone_id END AS zone_id,
       CASE log.kind
           WHEN 'correction' THEN CAST(log.detail ->> 'delta' AS bigint)
           WHEN 'forgive' THEN CAST(log.detail ->> 'from' AS bigint)
           -- 1: of somebody who was erased since; what they moved is settled
           ELSE CASE WHEN log.grant_id IS NULL AND position(CAST('"pd"' AS bytea) IN log.canonical) > 0 THEN 1 END
       END AS amount,
       log.received_at, log.historical, log.clock
FROM access_log AS log LEFT JOIN grants AS mine ON mine.id = log.grant_id AND mine.site_id = log.site_id
WHERE log.site_id = :site_id
  AND log.received_at >= coalesce(CAST(:floor AS timestamptz), '-infinity')
  AND coalesce(log.received_at >= (SELECT before FROM settlements WHERE site_id = :site_id), true)
  AND log.received_at < coalesce(CAST(:before AS timestamptz), 'infinity')
  AND (log.kind IN ('correction', 'forgive') OR log.kind = 'passage' AND log.direction IN ('in', 'out'))
  AND (log.grant_id IS NOT NULL OR log.rid IS NULL OR NOT EXISTS (
      SELECT FROM gate_commands AS command
      WHERE command.id = log.rid AND command.gate_id = log.gate_id AND command.written_down
  ))
UNION ALL
SELECT 'settled', moved_by, moved_at, NULL, grant_id, inside_zone_id, entered, NULL, NULL, NULL
FROM settled_passes WHERE site_id = :site_id
UNION ALL
SELECT 'tally', CAST(value ->> 'loose' AS bigint), NULL, CAST(value ->> 'came' AS bigint),
       CAST(value ->> 'went' AS bigint), CAST(key AS bigint), CAST(value ->> 'corrected' AS bigint), NULL, NULL, NULL
FROM settlements, jsonb_each(settlements.zones) WHERE site_id = :site_id
UNION ALL
SELECT 'pass', moved_by, moved_at, NULL, id, inside_zone_id, entered, NULL, NULL, NULL
FROM grants WHERE site_id = :site_id AND (entered <> 0 OR moved_at IS NOT NULL)
UNION ALL
SELECT 'zone', NULL, NULL, NULL, NULL, id, inside, NULL, NULL, NULL
FROM zones WHERE site_id = :site_id
