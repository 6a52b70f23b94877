-- Put grants, which the caller holds locked, where their holders walked, and note the first arrival of guests.
WITH walked AS (
    SELECT * FROM unnest(
        CAST(:ids AS bigint[]), CAST(:entered AS bigint[]), CAST(:taken AS bigint[]), CAST(:inside AS bigint[]),
        CAST(:moved_at AS timestamptz[]), CAST(:moved_by AS bigint[]), CAST(:arrived_at AS timestamptz[])
    ) AS given (id, entered, taken, inside_zone_id, moved_at, moved_by, arrived_at)
), arrived AS (
    UPDATE guest_passes SET arrived_at = walked.arrived_at
    FROM walked WHERE guest_passes.grant_id = walked.id AND walked.arrived_at IS NOT NULL
)
UPDATE grants SET
    entered = walked.entered, taken = walked.taken, inside_zone_id = walked.inside_zone_id,
    moved_at = walked.moved_at, moved_by = walked.moved_by
FROM walked WHERE grants.id = walked.id
