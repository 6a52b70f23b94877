-- Take a person out of the settled events of these grants; what is chained is the salted hash alone, and stays.
UPDATE access_log SET grant_id = NULL, salt = NULL
FROM settlements
WHERE settlements.site_id = access_log.site_id AND access_log.received_at < settlements.before
  AND access_log.grant_id = ANY(CAST(:grant_ids AS bigint[]))
RETURNING access_log.site_id, (access_log.received_at AT TIME ZONE 'UTC')::date AS day
