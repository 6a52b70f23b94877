-- Take a person out of the events of these grants; what is chained is the salted hash alone, and stays.
UPDATE access_log SET grant_id = NULL, salt = NULL
WHERE grant_id = ANY(CAST(:grant_ids AS bigint[]))
RETURNING site_id, (received_at AT TIME ZONE 'UTC')::date AS day
