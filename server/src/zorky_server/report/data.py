"""A report for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta

from .figures import Report, retention, share


def as_json(report: Report) -> str:
    """The figures under their names, and shares from 0 to 1 beside them; days in ISO 8601, times in seconds.

    What there is no figure of is null. `end` is the first day after the span.
    """
    values = asdict(report)
    values["conversion"]["share"] = report.conversion.share
    for row, quality in zip(values["qualities"], report.qualities, strict=True):
        row |= {"good_share": quality.good_share, "corrected_share": quality.corrected_share}
    for row, cohort in zip(values["cohorts"], report.cohorts, strict=True):
        row["active_shares"] = [share(users, cohort.users) for users in cohort.active_users]
    values["retention"] = retention(report.cohorts)
    return json.dumps(values, default=_plain, ensure_ascii=False, indent=1)


def _plain(value: date | timedelta) -> str | float:
    return value.total_seconds() if isinstance(value, timedelta) else value.isoformat()
