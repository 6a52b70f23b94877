-- Take due jobs that nobody else is taking, count the attempt and keep others off for a while.
WITH due AS (
    SELECT id FROM jobs
    WHERE parked_at IS NULL AND run_at <= now() AND job = ANY(CAST(:jobs AS text[]))
    ORDER BY run_at, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED
)
UPDATE jobs SET attempts = attempts + 1, run_at = now() + make_interval(secs => :lasts_s)
FROM due
WHERE jobs.id = due.id
RETURNING jobs.id, jobs.job, jobs.arguments, jobs.attempts
