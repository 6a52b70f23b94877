-- Put events into the log, each (gate, epoch, seq) once for ever, and a fact about each that was new; answer their places
-- in the batch and the ids they have now, in the order given.
WITH moment AS (
    SELECT CAST(:now AS timestamptz) AS received_at
), given AS MATERIALIZED (
    SELECT event.*, gates.site_id,
           coalesce(
               at_zone_id, CASE direction WHEN 'in' THEN passed.to_zone_id WHEN 'out' THEN passed.from_zone_id END
           ) AS zone_id
    FROM ROWS FROM (json_to_recordset(CAST(:events AS json)) AS (
        "gateId" bigint, epoch text, seq bigint, at timestamptz, clock text, kind text, source text,
        historical boolean, canonical text, "previousHash" text, hash text, rid text, decision text, direction text,
        admit boolean, reason text, "grantId" bigint, salt text, "atGateId" bigint, "atZoneId" bigint,
        detail jsonb
    )) WITH ORDINALITY AS event (
        gate_id, epoch, seq, at, clock, kind, source, historical, canonical, previous_hash, hash, rid, decision,
        direction, admit, reason, grant_id, salt, at_gate_id, at_zone_id, detail, place
    )
    JOIN gates ON gates.id = gate_id JOIN gates AS passed ON passed.id = coalesce(at_gate_id, gate_id)
), fresh AS (
    INSERT INTO access_keys (gate_id, epoch, seq, hash, received_at)
    SELECT gate_id, decode(epoch, 'base64'), seq, decode(hash, 'base64'), received_at FROM given, moment ORDER BY place
    ON CONFLICT DO NOTHING
    RETURNING gate_id, epoch, seq
), numbered AS MATERIALIZED (
    SELECT *, nextval('access_log_id_seq') AS id, nextval('facts_id_seq') AS fact_id
    FROM (
        SELECT given.*, fresh.epoch AS life FROM given JOIN fresh
        ON fresh.gate_id = given.gate_id AND fresh.seq = given.seq AND fresh.epoch = decode(given.epoch, 'base64')
        ORDER BY place
    ) AS new, moment
), logged AS (
    INSERT INTO access_log (
        id, received_at, site_id, gate_id, epoch, seq, at, clock, kind, rid, decision, source, historical, direction,
        zone_id, admit, reason, grant_id, salt, detail, canonical, previous_hash, hash
    )
    SELECT id, received_at, site_id, gate_id, life, seq, at, clock, kind, rid, decision, source, historical, direction,
           zone_id, admit, reason, grant_id, decode(salt, 'base64'), coalesce(detail, '{}'),
           decode(canonical, 'base64'), decode(previous_hash, 'base64'), decode(hash, 'base64')
    FROM numbered
), told AS (
    -- the members of AccessRecorded
    INSERT INTO facts (id, name, aggregate, aggregate_id, seq, actor, correlation, at, body)
    OVERRIDING SYSTEM VALUE
    SELECT fact_id, 'access.recorded', 'access', id, 1, CAST(:actor AS text), CAST(:correlation AS text),
           CAST(:now AS timestamptz),
           jsonb_build_object(
               'accessId', id, 'siteId', site_id, 'gateId', gate_id, 'kind', kind, 'at', at,
               'receivedAt', received_at, 'direction', direction, 'admit', admit, 'reason', reason,
               'historical', historical
           )
    FROM numbered
), ended AS (
    -- what was kept for these requests is taken, or given back: the person walked through, or did not
    UPDATE holds SET consumed = true FROM numbered
    WHERE numbered.kind IN ('passage', 'no_passage')
      AND (holds.gate_id, holds.epoch, holds.rid) = (numbered.gate_id, numbered.life, numbered.rid)
), noted AS (
    INSERT INTO unpublished (fact_id, first_id, since)
    SELECT max(fact_id), min(fact_id), CAST(:now AS timestamptz) FROM numbered HAVING count(*) > 0
)
SELECT min(received_at) AS received_at, coalesce(array_agg(place - 1 ORDER BY place), '{}') AS places,
       coalesce(array_agg(id ORDER BY place), '{}') AS ids, coalesce(array_agg(fact_id ORDER BY place), '{}') AS fact_ids
FROM numbered
