"""Reads pictures at a server and writes what comes of it, in the order of the pictures."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from zorky_client import Client, Outcome, Recognition, ZorkyError
from zorky_client.cli.report import Report
from zorky_client.formats.annotated import annotated
from zorky_client.formats.picture import Picture
from zorky_client.formats.plain import Writer

EXPECTED = frozenset({"DOWNSCALED"})
"""Warnings that nearly every photo of a phone gets."""


def readings(client: Client, pictures: Sequence[Picture], jobs: int, options: Any) -> Iterator[tuple[Picture, Outcome]]:
    """Each picture with its outcome. Several go over one stream, whose answers may overtake each other: they wait here.

    Raises:
        ZorkyError: the stream as a whole failed; what was answered before it has been yielded.
    """
    if len(pictures) == 1:
        yield pictures[0], _alone(client, pictures[0], options)
        return
    early: dict[int, Outcome] = {}
    due = 0
    numbered = ((str(number), picture.source) for number, picture in enumerate(pictures))
    try:
        for number, outcome in client.recognize_many(numbered, concurrency=jobs, **options):
            early[int(number)] = outcome
            while due in early:
                yield pictures[due], early.pop(due)
                due += 1
    except ZorkyError:
        yield from ((pictures[number], early[number]) for number in sorted(early))
        raise


def _alone(client: Client, picture: Picture, options: Any) -> Outcome:
    try:
        return client.recognize(picture.source, **options)
    except (ZorkyError, OSError) as error:
        return error


class Drawings:
    """Writes pictures with their reading drawn on them into a folder, one PNG each, never over one of the originals."""

    def __init__(self, folder: Path, originals: Sequence[Picture]) -> None:
        self._folder = folder
        self._taken = {Path(picture.source).resolve() for picture in originals if isinstance(picture.source, Path)}

    def add(self, picture: Picture, result: Recognition) -> None:
        """Draws one. Raises OSError when it cannot be decoded or written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = Path(picture.name).stem if isinstance(picture.source, Path) else "stdin"
        annotated(picture, result).save(self._free(stem))

    def _free(self, stem: str) -> Path:
        number, path = 1, self._folder / f"{stem}.png"
        while path.resolve() in self._taken:
            number += 1
            path = self._folder / f"{stem}-{number}.png"
        self._taken.add(path.resolve())
        return path


def write(
    answers: Iterator[tuple[Picture, Outcome]],
    writer: Callable[[], Writer],
    drawings: Drawings | None,
    report: Report,
    verbose: bool,
) -> None:
    """Hands each reading to the writer, made when the first one comes, and each failure to the report."""
    for picture, outcome in answers:
        if not isinstance(outcome, Recognition):
            report.failure(f"{picture.name}: {reason(outcome)}")
            continue
        for remark in _remarks(outcome, verbose):
            report.say(f"{picture.name}: {remark}")
        try:
            with report.aside():
                writer().add(picture, outcome)
            if drawings:
                drawings.add(picture, outcome)
        except BrokenPipeError:
            raise
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            report.failure(f"{picture.name}: read, but not written: {where}{reason(error)}")


def _remarks(result: Recognition, verbose: bool) -> list[str]:
    model, seconds = result.model, result.timings.total
    origin = f"result {result.result_id} by {model.name} {model.version} in {seconds:.2f} s"
    remarks = [warning.message for warning in result.warnings if verbose or warning.code not in EXPECTED]
    return [origin, *remarks] if verbose else remarks


def reason(error: ZorkyError | OSError) -> str:
    """What went wrong, without the numbers and names that Python adds to errors of the system."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
