"""The hub and HTTP: shells that carry bytes to the runtime and its answers back."""
