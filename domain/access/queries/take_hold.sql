-- Keep what an admit takes until the passage, if nothing has moved since the facts were read; no row = it has.
-- A zone that moved while the pass did not leaves the pass's counter one higher, which only costs another look.
-- A rotating code is spent with it; step 0 is none. What was revoked meanwhile has moved as well.
WITH pass AS (
    UPDATE grants SET
        taken = taken + 1,
        code_step = greatest(code_step, CAST(:code_step AS bigint)),
        code_zone_id = CASE
            WHEN CAST(:code_step AS bigint) > 0 AND CAST(:code_step AS bigint) >= code_step THEN CAST(:zone_id AS bigint)
            ELSE code_zone_id
        END
    WHERE id = :grant_id AND taken = :pass_taken
    RETURNING id
), zone AS (
    UPDATE zones SET taken = taken + 1
    WHERE id = CAST(:limited_zone_id AS bigint) AND taken = :zone_taken AND EXISTS (SELECT FROM pass)
    RETURNING id
)
INSERT INTO holds (gate_id, epoch, rid, grant_id, zone_id, decision, expires_at, consumed)
SELECT :gate_id, :epoch, :rid, pass.id, CAST(:limited_zone_id AS bigint), :decision, :expires_at, false
FROM pass
WHERE CAST(:limited_zone_id AS bigint) IS NULL OR EXISTS (SELECT FROM zone)
ON CONFLICT (gate_id, epoch, rid) DO UPDATE SET expires_at = holds.expires_at
RETURNING decision
