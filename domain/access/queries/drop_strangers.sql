-- Drop some messages of no gate of ours that have waited in quarantine for as long as anything is kept.
DELETE FROM quarantine WHERE id IN (
    SELECT id FROM quarantine
    WHERE received_at < :before AND NOT EXISTS (SELECT FROM gates WHERE gates.id = quarantine.gate_id)
    ORDER BY id LIMIT :limit
)
RETURNING id
