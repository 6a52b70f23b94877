"""What one can ask of access, by noun."""
