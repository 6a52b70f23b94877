-- Append facts to the log, note each as unpublished (or, in a rush, all in one row), and return their ids in the order
-- given.
WITH given AS (
    SELECT * FROM ROWS FROM (json_to_recordset(CAST(:facts AS json)) AS (
        name text, aggregate text, aggregate_id bigint, seq bigint, body jsonb
    )) WITH ORDINALITY AS fact (name, aggregate, aggregate_id, seq, body, place)
), written AS (
    INSERT INTO facts (name, aggregate, aggregate_id, seq, actor, correlation, at, body)
    SELECT name, aggregate, aggregate_id, seq, CAST(:actor AS text), CAST(:correlation AS text),
           CAST(:at AS timestamptz), body
    FROM given
    ORDER BY place
    RETURNING id
), noted AS (
    INSERT INTO unpublished (fact_id, first_id, since)
    SELECT max(id), CASE WHEN CAST(:rush AS boolean) THEN min(id) END, CAST(:at AS timestamptz)
    FROM written GROUP BY CASE WHEN CAST(:rush AS boolean) THEN 0 ELSE id END
)
SELECT array_agg(id ORDER BY id) FROM written
