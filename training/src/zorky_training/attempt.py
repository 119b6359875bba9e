"""An attempt to replace the model, kept on disk until all of it is done: a stop in between must lose nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from zorky_server.store import Promotion

LOCK, CORRECTIONS = "lock", "corrections"
"""What stays in the folder of work when an attempt is over."""
_ATTEMPT = "attempt.json"


def keep(work: Path, attempt: Promotion) -> None:
    """Writes it whole or not at all."""
    draft = work / f"{_ATTEMPT}.new"
    draft.write_text(json.dumps(asdict(attempt)), "utf-8")
    draft.replace(work / _ATTEMPT)


def kept(work: Path) -> Promotion | None:
    """The attempt that is not over; None where there is none."""
    file = work / _ATTEMPT
    return Promotion(**json.loads(file.read_text("utf-8"))) if file.exists() else None


def end(work: Path) -> None:
    """Forgets it, with every model and checkpoint that lies around."""
    for path in work.iterdir():
        if path.name in (LOCK, CORRECTIONS, _ATTEMPT):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    (work / _ATTEMPT).unlink()
