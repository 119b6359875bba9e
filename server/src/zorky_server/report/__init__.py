"""The owner's numbers: who comes and comes back, what people say of answers, how fast and how often it fails."""

from .figures import Report
from .queries import make_report
from .span import BadSpan

__all__ = ["BadSpan", "Report", "make_report"]
