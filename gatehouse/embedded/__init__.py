"""Our own launchers of PostgreSQL, an MQTT broker and Redis as child processes."""
