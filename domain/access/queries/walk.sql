-- Let passages have their effects: passes and guests move, visits are written down, zones count.
-- Everything is locked in one order: guest passes, grants, zones, each by id. What a pass does is summed up, and is what
-- `rules.passage.after` says of its walks one after the other.
WITH passage AS MATERIALIZED (
    SELECT (walk->>'number')::bigint AS access_id, (walk->>'left')::bigint AS left_id,
           (walk->>'entered')::bigint AS entered_id, (walk->>'at')::timestamptz AS at,
           site_id, gate_id, grant_id, place
    FROM ROWS FROM (json_to_recordset(CAST(:passages AS json)) AS (
        walk json, site_id bigint, gate_id bigint, grant_id bigint
    )) WITH ORDINALITY AS given (walk, site_id, gate_id, grant_id, place)
), guest AS MATERIALIZED (
    SELECT id, grant_id, site_id, host_user_id FROM guest_passes WHERE grant_id IN (SELECT grant_id FROM passage)
    ORDER BY id
    FOR NO KEY UPDATE
), pass AS MATERIALIZED (
    SELECT id, site_id, entered, inside_zone_id, moved_at, moved_by FROM grants
    WHERE id IN (SELECT grant_id FROM passage) AND (SELECT count(*) FROM guest) >= 0
    ORDER BY id
    FOR NO KEY UPDATE
), walked AS MATERIALIZED (
    SELECT passage.*, left_id IS NULL AND entered_id IS NOT NULL AS enters,
           left_id IS NULL AND entered_id IS NOT NULL AND pass.entered = 0
           AND row_number() OVER (
               PARTITION BY grant_id, left_id IS NULL AND entered_id IS NOT NULL ORDER BY place
           ) = 1 AS first
    FROM passage JOIN pass ON pass.id = passage.grant_id AND pass.site_id = passage.site_id
), sum AS (
    SELECT grant_id, count(*) AS walks, count(*) FILTER (WHERE enters) AS entrances,
           max(at) FILTER (WHERE first) AS arrived_at
    FROM walked GROUP BY grant_id
), newest AS (
    SELECT DISTINCT ON (grant_id) grant_id, entered_id, at, access_id FROM walked
    ORDER BY grant_id, at DESC, access_id DESC
), moved AS MATERIALIZED (
    SELECT pass.id, pass.inside_zone_id AS left_id, entrances, walks, arrived_at,
           newest.entered_id, newest.at, newest.access_id,
           pass.moved_at IS NULL OR (newest.at, newest.access_id) > (pass.moved_at, coalesce(pass.moved_by, 0)) AS goes
    FROM pass JOIN sum ON sum.grant_id = pass.id JOIN newest ON newest.grant_id = pass.id
), put AS (
    UPDATE grants SET
        entered = grants.entered + entrances, taken = grants.taken + walks,
        inside_zone_id = CASE WHEN goes THEN entered_id ELSE inside_zone_id END,
        moved_at = CASE WHEN goes THEN moved.at ELSE moved_at END,
        moved_by = CASE WHEN goes THEN access_id ELSE moved_by END
    FROM moved WHERE grants.id = moved.id
), arrived AS (
    UPDATE guest_passes SET arrived_at = moved.arrived_at
    FROM moved WHERE guest_passes.grant_id = moved.id AND moved.arrived_at IS NOT NULL
), change AS (
    SELECT zone_id AS id, sum(count) AS inside FROM (
        SELECT left_id, -1 FROM moved WHERE goes
        UNION ALL SELECT entered_id, 1 FROM moved WHERE goes
        UNION ALL SELECT left_id, -1 FROM passage WHERE place NOT IN (SELECT place FROM walked)
        UNION ALL SELECT entered_id, 1 FROM passage WHERE place NOT IN (SELECT place FROM walked)
    ) AS step (zone_id, count)
    WHERE zone_id IS NOT NULL
    GROUP BY zone_id
), zone AS MATERIALIZED (
    SELECT id FROM zones JOIN change USING (id) ORDER BY id FOR NO KEY UPDATE OF zones
), counted AS (
    UPDATE zones SET
        inside = zones.inside + change.inside, taken = zones.taken + 1, version = zones.version + 1
    FROM change JOIN zone USING (id)
    WHERE zones.id = change.id
), visit AS MATERIALIZED (
    SELECT *, nextval('visits_id_seq') AS id FROM (
        SELECT guest.site_id, guest.id AS guest_pass_id, guest.host_user_id, gate_id, access_id, at, first,
               CASE WHEN enters THEN 'enter' ELSE 'exit' END AS action
        FROM walked JOIN guest USING (grant_id)
        WHERE left_id IS NULL OR entered_id IS NULL
        ORDER BY place
    ) AS paid
), written AS (
    INSERT INTO visits (id, site_id, guest_pass_id, host_user_id, gate_id, access_id, action, at)
    SELECT id, site_id, guest_pass_id, host_user_id, gate_id, access_id, action, at FROM visit
)
-- the members of VisitLogged
SELECT coalesce(json_agg(json_build_object(
    'visitId', id, 'siteId', site_id, 'guestPassId', guest_pass_id, 'hostUserId', host_user_id, 'gateId', gate_id,
    'action', action, 'first', first, 'at', at
) ORDER BY id), '[]')::text AS visits FROM visit
