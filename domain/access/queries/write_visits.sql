-- Write down that guests came in or went out; the ids come in the order given.
WITH written AS (
    INSERT INTO visits (site_id, guest_pass_id, host_user_id, gate_id, access_id, action, at)
    SELECT site_id, guest_pass_id, host_user_id, gate_id, access_id, action, at
    FROM unnest(
        CAST(:site_ids AS bigint[]), CAST(:guest_pass_ids AS bigint[]), CAST(:host_user_ids AS bigint[]),
        CAST(:gate_ids AS bigint[]), CAST(:access_ids AS bigint[]), CAST(:actions AS text[]),
        CAST(:ats AS timestamptz[])
    ) WITH ORDINALITY AS given (
        site_id, guest_pass_id, host_user_id, gate_id, access_id, action, at, place
    )
    ORDER BY place
    RETURNING id
)
SELECT id FROM written ORDER BY id
