"""The log: structured lines on standard error, for people on a terminal and as JSON elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import Processor

LogFormat = Literal["auto", "console", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

_SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logs(log_format: LogFormat, level: LogLevel) -> None:
    """Sends our lines and those of libraries through one formatter. Of libraries only warnings and worse, whatever the
    level: one that reaches the database tells at `debug` what it writes there."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(log_format)],
        )
    )
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level.upper())), handlers=[handler], force=True)
    logging.getLogger("zorky").setLevel(level.upper())
    logging.captureWarnings(True)


def _rendered(log_format: LogFormat) -> list[Processor]:
    """Tracebacks are plain text in both: the fancy ones show local variables, which hold what people wrote."""
    if log_format == "console" or (log_format == "auto" and sys.stderr.isatty()):
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
