"""A report as one HTML file that needs nothing else: to be read in a browser, on a phone or on paper."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import presentation as shown
from .figures import Report, retention, share

_PLOTTED = 92
"""Periods in a plot at most."""
_LISTED = 14
"""Periods and cohorts in a table at most."""

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    {"count": shown.count, "language": shown.language, "percent": shown.percent, "seconds": shown.seconds}
)
_templates.globals.update({"period": shown.period, "share": share})


def page(report: Report) -> str:
    """All of it."""
    return _templates.get_template("page.html.jinja").render(
        report=report,
        title=shown.title(report),
        headline=shown.headline(report),
        plotted=shown.finest(report, _PLOTTED),
        listed=shown.finest(report, _LISTED),
        cohorts=report.cohorts[-_LISTED:],
        together=retention(report.cohorts),
    )
