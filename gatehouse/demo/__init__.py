"""A place to look at: people, gates, guests of the day, and turnstiles that pass them."""
