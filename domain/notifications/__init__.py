"""What people are told, on their screens and by mail."""
