-- An incident hold that covers what these grants opened, or were meant to open.
SELECT hold.id FROM incident_holds AS hold JOIN grants ON grants.site_id = hold.site_id
WHERE hold.released_at IS NULL AND grants.id = ANY(CAST(:grant_ids AS bigint[])) AND (
    (grants.valid_from < hold.until AND grants.valid_until > hold.since) OR EXISTS (
        SELECT FROM access_log AS log
        WHERE log.grant_id = grants.id AND log.at >= hold.since AND log.at < hold.until
    )
)
ORDER BY hold.id LIMIT 1
