-- Drop some ways of a site's decisions that have had their term and that no incident hold keeps.
DELETE FROM decisions WHERE id IN (
    SELECT decisions.id FROM decisions JOIN gates ON gates.id = decisions.gate_id
    WHERE gates.site_id = :site_id AND decisions.at < :before AND NOT EXISTS (
        SELECT FROM incident_holds AS hold
        WHERE hold.site_id = gates.site_id AND hold.released_at IS NULL AND decisions.at >= hold.since
              AND decisions.at < hold.until
    )
    LIMIT :limit
)
RETURNING id
