-- Add to zones, in the order of their ids, who came and who went.
WITH change AS (
    SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:inside AS bigint[])) AS given (id, inside)
), locked AS (
    SELECT id FROM zones JOIN change USING (id) ORDER BY id FOR NO KEY UPDATE OF zones
)
UPDATE zones SET
    inside = zones.inside + change.inside, taken = zones.taken + 1, version = zones.version + 1
FROM change JOIN locked USING (id)
WHERE zones.id = change.id
