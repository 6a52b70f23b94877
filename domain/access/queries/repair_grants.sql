-- Put passes where the log says that they are, those that still stand as they were seen, in the order of their ids.
WITH wrong AS (
    SELECT * FROM unnest(
        CAST(:ids AS bigint[]), CAST(:entered AS bigint[]), CAST(:inside AS bigint[]),
        CAST(:moved_at AS timestamptz[]), CAST(:moved_by AS bigint[]), CAST(:seen_entered AS bigint[]),
        CAST(:seen_inside AS bigint[]), CAST(:seen_moved_at AS timestamptz[]), CAST(:seen_moved_by AS bigint[])
    ) AS given (
        id, entered, inside, moved_at, moved_by, seen_entered, seen_inside, seen_moved_at, seen_moved_by
    )
), locked AS (
    SELECT id FROM grants JOIN wrong USING (id) ORDER BY id FOR NO KEY UPDATE OF grants
)
UPDATE grants SET
    entered = wrong.entered, inside_zone_id = wrong.inside, moved_at = wrong.moved_at, moved_by = wrong.moved_by,
    taken = grants.taken + 1
FROM wrong JOIN locked USING (id)
WHERE grants.id = wrong.id
  AND (grants.entered, grants.inside_zone_id, grants.moved_at, grants.moved_by)
      IS NOT DISTINCT FROM (seen_entered, seen_inside, seen_moved_at, seen_moved_by)
RETURNING grants.id
