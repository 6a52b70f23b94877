-- Take the pass, and what leads to it, out of alarms that were about it.
UPDATE alarms SET detail = detail - ARRAY['passId', 'accessIds', 'decision']
WHERE detail ? 'passId' AND (detail->>'passId')::bigint = ANY(CAST(:grant_ids AS bigint[]))
