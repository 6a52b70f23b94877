"""The housekeeper: command line, settings, and the roots of all processes."""
