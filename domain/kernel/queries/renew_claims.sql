-- Keep others off the jobs that are still claimed under these numbers.
UPDATE jobs SET run_at = now() + make_interval(secs => :lasts_s)
FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS bigint[])) AS mine (id, attempts)
WHERE jobs.id = mine.id AND jobs.attempts = mine.attempts AND jobs.parked_at IS NULL
