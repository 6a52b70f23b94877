-- Note runs of events that are there now, under the locks of their journals, and tell how far each journal has come.
-- Where that is not the highest event seen, there are holes, and the caller looks closer. No row = a new journal.
WITH run AS (
    SELECT * FROM unnest(
        CAST(:gate_ids AS bigint[]), CAST(:epochs AS bytea[]), CAST(:firsts AS bigint[]), CAST(:lasts AS bigint[]),
        CAST(:dense AS boolean[])
    ) AS given (gate_id, epoch, first, last, dense)
), locked AS (
    SELECT gate_id, epoch FROM gate_epochs JOIN run USING (gate_id, epoch)
    ORDER BY gate_id, epoch
    FOR NO KEY UPDATE OF gate_epochs
)
UPDATE gate_epochs AS journal SET
    watermark = CASE
        WHEN run.dense AND run.first <= journal.watermark + 1 THEN greatest(journal.watermark, run.last)
        ELSE journal.watermark
    END,
    highest = greatest(journal.highest, run.last)
FROM run JOIN locked USING (gate_id, epoch)
WHERE journal.gate_id = run.gate_id AND journal.epoch = run.epoch
RETURNING journal.gate_id, journal.epoch, journal.watermark, journal.highest
