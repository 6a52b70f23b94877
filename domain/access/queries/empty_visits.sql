-- Take a guest out of the visits made with these passes: that somebody came to see the host stays.
UPDATE visits SET guest_pass_id = NULL
FROM guest_passes
WHERE guest_passes.id = visits.guest_pass_id AND guest_passes.grant_id = ANY(CAST(:grant_ids AS bigint[]))
RETURNING visits.id
