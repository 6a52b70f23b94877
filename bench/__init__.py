"""Measures the house as it runs: `python -m bench [name]`, each a table for people and one line of JSON."""
