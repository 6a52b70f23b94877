"""The parts of a hub: who is connected, how rooms are written to, caught up, and confirmed."""
