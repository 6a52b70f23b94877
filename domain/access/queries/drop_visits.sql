-- Drop some visits of a site that have had their term and that no incident hold keeps.
DELETE FROM visits WHERE id IN (
    SELECT id FROM visits
    WHERE site_id = :site_id AND at < :before AND NOT EXISTS (
        SELECT FROM incident_holds AS hold
        WHERE hold.site_id = visits.site_id AND hold.released_at IS NULL AND visits.at >= hold.since
              AND visits.at < hold.until
    )
    ORDER BY id LIMIT :limit
)
RETURNING id
