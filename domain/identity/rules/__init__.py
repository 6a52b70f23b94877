"""What identity decides without touching anything: tokens, passwords, limits, rights to grant."""
