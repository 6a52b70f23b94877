"""The server API: what partners' back ends ask of the hub over HTTP."""
