-- Gates of a site that may still have something to tell: cut off, behind with their journals, or with holes in them.
SELECT gates.id FROM gates
LEFT JOIN gate_epochs AS journal ON journal.gate_id = gates.id AND journal.epoch = gates.epoch
WHERE gates.site_id = :site_id AND gates.enabled AND NOT gates.desk AND gates.last_seen_at IS NOT NULL
  AND (
      gates.link <> 'online' OR gates.queue_depth > 0 OR gates.last_seq > coalesce(journal.highest, 0)
      OR EXISTS (SELECT FROM gate_epochs AS any_ WHERE any_.gate_id = gates.id AND any_.watermark < any_.highest)
  )
ORDER BY gates.id
