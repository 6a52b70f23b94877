-- What is missing in each life of a gate's journal: ranges, both ends included, and how many events that makes.
-- The highest event of a life is always there, so that each hole ends before one that is.
WITH holes AS (
    SELECT journal.epoch, stored.before + 1 AS first, stored.seq - 1 AS last
    FROM gate_epochs AS journal
    CROSS JOIN LATERAL (
        SELECT seq, lag(seq, 1, journal.watermark) OVER (ORDER BY seq) AS before
        FROM access_keys
        WHERE access_keys.gate_id = journal.gate_id AND access_keys.epoch = journal.epoch
          AND access_keys.seq > journal.watermark
    ) AS stored
    WHERE journal.gate_id = :gate_id AND journal.highest > journal.watermark AND stored.seq > stored.before + 1
)
SELECT epoch, sum(last - first + 1)::bigint AS missing,
       (array_agg(first ORDER BY first))[1:100] AS firsts, (array_agg(last ORDER BY first))[1:100] AS lasts
FROM holes
GROUP BY epoch
