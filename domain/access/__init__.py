"""Who may pass which gate: zones, gates, passes, the access log and the visit log."""
