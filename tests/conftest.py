"""The servers that any test may ask for; see tests/services/."""

pytest_plugins = [
    # Imported by the others, hence first: pytest rewrites assertions of what it is the first to import.
    "tests.services.needs",
    "tests.services.folder",
    "tests.services.mosquitto",
    "tests.services.postgres",
    "tests.services.redis",
]
