-- An incident hold of a site that covers what these grants opened, or were meant to open.
SELECT hold.id FROM incident_holds AS hold
WHERE hold.site_id = :site_id AND hold.released_at IS NULL AND (
    EXISTS (
        SELECT FROM grants
        WHERE id = ANY(CAST(:grant_ids AS bigint[])) AND valid_from < hold.until AND valid_until > hold.since
    ) OR EXISTS (
        SELECT FROM access_log AS log
        WHERE log.grant_id = ANY(CAST(:grant_ids AS bigint[])) AND log.at >= hold.since AND log.at < hold.until
    )
)
ORDER BY hold.id LIMIT 1
