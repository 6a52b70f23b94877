-- Append facts to the log, note each as unpublished, and return their ids in the order given.
WITH written AS (
    INSERT INTO facts (name, aggregate, aggregate_id, seq, actor, correlation, at, body)
    SELECT given.name, given.aggregate, given.aggregate_id, given.seq,
           CAST(:actor AS text), CAST(:correlation AS text), CAST(:at AS timestamptz), given.body::jsonb
    FROM unnest(CAST(:names AS text[]), CAST(:aggregates AS text[]), CAST(:aggregate_ids AS bigint[]),
                CAST(:seqs AS bigint[]), CAST(:bodies AS text[]))
         WITH ORDINALITY AS given (name, aggregate, aggregate_id, seq, body, place)
    ORDER BY given.place
    RETURNING id
), noted AS (
    INSERT INTO unpublished (fact_id, since) SELECT id, CAST(:at AS timestamptz) FROM written
)
SELECT id FROM written ORDER BY id
