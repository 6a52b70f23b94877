"""Questions to identity's tables that have a name; ``people`` is open to the contexts above."""
