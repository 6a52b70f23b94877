-- The days before some day that have a partition, and those whose rows came before anybody opened the day.
SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day, relname::text AS partition
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'access_log'::regclass AND relname ~ '^access_log_[0-9]{8}$'
      AND to_date(right(relname, 8), 'YYYYMMDD') < CAST(:before AS date)
UNION
SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date, NULL
FROM access_log_other WHERE received_at < CAST(CAST(:before AS date) AS timestamp) AT TIME ZONE 'UTC'
ORDER BY day
