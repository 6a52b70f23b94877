-- What is stored under these keys.
SELECT gate_id, epoch, seq, hash FROM access_keys JOIN unnest(
    CAST(:gate_ids AS bigint[]), CAST(:epochs AS bytea[]), CAST(:seqs AS bigint[])
) AS given (gate_id, epoch, seq) USING (gate_id, epoch, seq)
