"""The house about itself: what its hubs do at this moment."""
