-- Drop some events of a site's day.
DELETE FROM access_log WHERE (id, received_at) IN (
    SELECT id, received_at FROM access_log
    WHERE site_id = :site_id AND received_at >= :since AND received_at < :until
    LIMIT :limit
) AND received_at >= :since AND received_at < :until
RETURNING id
