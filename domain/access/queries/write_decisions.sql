-- Keep how answers were reached; one that stands there already stays.
INSERT INTO decisions (id, gate_id, epoch, rid, grant_id, method, direction, admit, reason, at, trace)
SELECT id, gate_id, epoch, rid, grant_id, method, direction, admit, reason, CAST(:now AS timestamptz), trace::jsonb
FROM unnest(
    CAST(:ids AS text[]), CAST(:gate_ids AS bigint[]), CAST(:epochs AS bytea[]), CAST(:rids AS text[]),
    CAST(:grant_ids AS bigint[]), CAST(:methods AS text[]), CAST(:directions AS text[]), CAST(:admits AS boolean[]),
    CAST(:reasons AS text[]), CAST(:traces AS text[])
) AS given (id, gate_id, epoch, rid, grant_id, method, direction, admit, reason, trace)
ON CONFLICT DO NOTHING
