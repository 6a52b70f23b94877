-- Put events into the log, each (gate, epoch, seq) once for ever; answer the places in the batch that were new.
WITH given AS (
    SELECT * FROM unnest(
        CAST(:gate_ids AS bigint[]), CAST(:epochs AS bytea[]), CAST(:seqs AS bigint[]), CAST(:hashes AS bytea[]),
        CAST(:previous_hashes AS bytea[]), CAST(:canonicals AS bytea[]), CAST(:site_ids AS bigint[]),
        CAST(:ats AS timestamptz[]), CAST(:clocks AS text[]), CAST(:kinds AS text[]), CAST(:rids AS text[]),
        CAST(:decisions AS text[]), CAST(:sources AS text[]), CAST(:historicals AS boolean[]),
        CAST(:directions AS text[]), CAST(:zone_ids AS bigint[]), CAST(:admits AS boolean[]),
        CAST(:reasons AS text[]), CAST(:grant_ids AS bigint[]), CAST(:salts AS bytea[]), CAST(:details AS text[])
    ) WITH ORDINALITY AS event (
        gate_id, epoch, seq, hash, previous_hash, canonical, site_id, at, clock, kind, rid, decision, source,
        historical, direction, zone_id, admit, reason, grant_id, salt, detail, place
    )
), fresh AS (
    INSERT INTO access_keys (gate_id, epoch, seq, hash, received_at)
    SELECT gate_id, epoch, seq, hash, CAST(:now AS timestamptz) FROM given ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING gate_id, epoch, seq
), logged AS (
    INSERT INTO access_log (
        received_at, site_id, gate_id, epoch, seq, at, clock, kind, rid, decision, source, historical, direction,
        zone_id, admit, reason, grant_id, salt, detail, canonical, previous_hash, hash
    )
    SELECT CAST(:now AS timestamptz), site_id, gate_id, epoch, seq, at, clock, kind, rid, decision, source,
           historical, direction, zone_id, admit, reason, grant_id, salt, detail::jsonb, canonical, previous_hash,
           hash
    FROM given JOIN fresh USING (gate_id, epoch, seq)
    ORDER BY place
    RETURNING id, gate_id, epoch, seq
)
SELECT given.place - 1 AS place, logged.id FROM logged JOIN given USING (gate_id, epoch, seq) ORDER BY place
