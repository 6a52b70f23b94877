-- Take a person out of how decisions were reached: which rules were asked stays, what they looked at goes.
UPDATE decisions SET grant_id = NULL, trace = (
    SELECT coalesce(jsonb_agg(jsonb_set(step, '{inputs}', '{}') ORDER BY place), '[]')
    FROM jsonb_array_elements(trace) WITH ORDINALITY AS told (step, place)
)
WHERE grant_id = ANY(CAST(:grant_ids AS bigint[]))
RETURNING id
