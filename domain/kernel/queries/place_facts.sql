-- Give the next dense positions to facts that no running transaction can still precede.
-- A visible fact at or beyond the snapshot's xmax was written by another cluster, before a restore: it is settled too.
WITH last AS (
    SELECT coalesce(max(position), 0) AS position FROM facts
), settled AS (
    SELECT id, row_number() OVER (ORDER BY id) AS place
    FROM (
        SELECT id FROM facts
        WHERE position IS NULL AND (
            transaction < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint
            OR transaction >= (pg_snapshot_xmax(pg_current_snapshot())::text)::bigint
        )
        ORDER BY id
        LIMIT :limit
    ) AS next
)
UPDATE facts SET position = last.position + settled.place
FROM settled, last
WHERE facts.id = settled.id
RETURNING facts.position
