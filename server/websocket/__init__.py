"""WebSockets of our own: frames, the upgrade, and connections that cost nothing while they are idle."""
