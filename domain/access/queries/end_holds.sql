-- What was kept for these requests is taken, or given back: the person walked through, or did not.
UPDATE holds SET consumed = true FROM unnest(
    CAST(:gate_ids AS bigint[]), CAST(:epochs AS bytea[]), CAST(:rids AS text[])
) AS ended (gate_id, epoch, rid)
WHERE (holds.gate_id, holds.epoch, holds.rid) = (ended.gate_id, ended.epoch, ended.rid)
