-- Of passes that came in from the street, those of one entry that have come in before, and those of many that a gate
-- let in alone.
SELECT id, site_id, entries FROM grants
WHERE id = ANY(CAST(:grant_ids AS bigint[]))
  AND (entries = 'single' AND entered > 1 OR entries = 'many' AND id = ANY(CAST(:offline_ids AS bigint[])))
