-- Where these gates stand, and between what.
SELECT id, site_id, from_zone_id, to_zone_id FROM gates WHERE id = ANY(CAST(:ids AS bigint[]))
