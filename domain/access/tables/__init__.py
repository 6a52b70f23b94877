"""Rows that access owns: the place, the rights, the record."""
