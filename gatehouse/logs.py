"""How the processes of the house write their logs: one line each, readable by people on a terminal, else JSON."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

import structlog

FILE_BYTES, FILES = 10_000_000, 3


def configure(level: str, *, file: Path | None = None) -> None:
    """Send structlog's and the standard library's lines the same way: to standard error, or all of them to a file.

    With a file only warnings reach the terminal, so that what it shows its user stays in sight.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    terminal = logging.StreamHandler()
    terminal.setFormatter(_formatter(shared, people=sys.stderr.isatty()))
    handlers: list[logging.Handler] = [terminal]
    if file is not None:
        terminal.setLevel(logging.WARNING)
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES)
        kept.setFormatter(_formatter(shared, people=False))
        handlers.append(kept)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    for noisy in ("uvicorn.error", "asyncio", "mail.log", "alembic.runtime.migration"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))


def _formatter(shared: list[structlog.types.Processor], *, people: bool) -> logging.Formatter:
    rendered: list[structlog.types.Processor] = (
        # plain: the pretty one prints local variables, and secrets with them
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )
