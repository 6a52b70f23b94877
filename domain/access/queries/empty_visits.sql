-- Take a guest out of the visits made with these passes: that somebody came to see the host stays.
UPDATE visits SET guest_pass_id = NULL WHERE guest_pass_id = ANY(CAST(:guest_pass_ids AS bigint[])) RETURNING id
