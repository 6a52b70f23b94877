"""What the suites of centrifuge-js and centrifuge-python expect of their server, each in its own way."""

from typing import Any, Final

SECRET: Final = "secret"
API_KEY: Final = "test-api-key"

KEPT: Final[dict[str, Any]] = {"history_size": 100, "history_ttl_s": 300}

JAVASCRIPT: Final[dict[str, Any]] = {
    "insecure": True,
    "default": {**KEPT, "presence": True, "force_recovery": True, "delta": True},
    "namespaces": {
        "recovery": {**KEPT, "presence": True, "force_recovery": True},
        "smallhistory": {**KEPT, "history_size": 2, "presence": True, "force_recovery": True},
        "delta": {**KEPT, "delta": True, "force_recovery": True},
    },
}

SUBSCRIBERS: Final[dict[str, Any]] = {
    "allow_publish_for_subscriber": True,
    "allow_presence_for_subscriber": True,
    "allow_history_for_subscriber": True,
}

PYTHON_DEFAULT: Final[dict[str, Any]] = {
    **KEPT,
    **SUBSCRIBERS,
    "presence": True,
    "join_leave": True,
    "force_push_join_leave": True,
    "force_recovery": True,
    "delta": True,
}

PYTHON: Final[dict[str, Any]] = {
    "subscribe_to_user_personal_channel": True,
    "default": PYTHON_DEFAULT,
    "namespaces": {
        "recovery": PYTHON_DEFAULT,
        "smallhistory": {**PYTHON_DEFAULT, "history_size": 2},
        "delta": PYTHON_DEFAULT,
    },
}
