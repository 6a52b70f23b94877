"""The domain's ports to the outside world."""
