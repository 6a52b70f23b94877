"""Outsiders that see only the wire: turnstiles, visitors, a working day."""
