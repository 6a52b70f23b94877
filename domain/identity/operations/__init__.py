"""What one can ask of identity, by noun."""
