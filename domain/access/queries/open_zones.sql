-- Zones that wait for their first person are open since the latest walk into them with a pass that opens; since when
-- they were open before comes with them.
UPDATE zones SET opened_at = greatest(zones.opened_at, entered.at)
FROM (
    SELECT zone_id, grants.site_id, max(given.at) AS at
    FROM unnest(
        CAST(:grant_ids AS bigint[]), CAST(:zone_ids AS bigint[]), CAST(:ats AS timestamptz[])
    ) AS given (grant_id, zone_id, at)
    JOIN grants ON grants.id = given.grant_id AND grants.opens
    GROUP BY zone_id, grants.site_id
) AS entered
JOIN zones AS before ON before.id = entered.zone_id
WHERE zones.id = entered.zone_id AND zones.site_id = entered.site_id AND zones.first_person
RETURNING zones.site_id, before.opened_at AS was, zones.opened_at AS "is"
