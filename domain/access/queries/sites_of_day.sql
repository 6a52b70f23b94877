-- Sites that have something of a day, with whether an incident hold keeps it.
SELECT site.id, EXISTS (
    SELECT FROM incident_holds AS hold JOIN access_log AS log ON log.site_id = hold.site_id
    WHERE hold.site_id = site.id AND hold.released_at IS NULL AND log.at >= hold.since AND log.at < hold.until
          AND log.received_at >= :since AND log.received_at < :until
) OR EXISTS (
    SELECT FROM incident_holds AS hold
    WHERE hold.site_id = site.id AND hold.released_at IS NULL AND hold.since < :until AND hold.until > :since
) AS held
FROM unnest(CAST(:site_ids AS bigint[])) AS site (id)
WHERE EXISTS (
    SELECT FROM access_log AS log
    WHERE log.site_id = site.id AND log.received_at >= :since AND log.received_at < :until
) OR EXISTS (
    SELECT FROM quarantine JOIN gates ON gates.id = quarantine.gate_id
    WHERE gates.site_id = site.id AND quarantine.received_at >= :since AND quarantine.received_at < :until
)
ORDER BY site.id
