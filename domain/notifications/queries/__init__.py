"""Questions to notifications' tables that have a name."""
