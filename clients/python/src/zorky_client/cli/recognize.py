"""`zorky recognize`."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import click

from zorky_client import Client, ZorkyError
from zorky_client.cli.connection import server_options
from zorky_client.cli.pictures import find
from zorky_client.cli.reading import Drawings, readings, write
from zorky_client.cli.report import Report
from zorky_client.formats.picture import Picture
from zorky_client.formats.plain import CsvWriter, JsonWriter, TextWriter, Writer

STANDARD_OUTPUT = Path("-")


@click.command(short_help="Read the handwriting in pictures.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "json", "csv", "pdf"]),
    default="text",
    show_default=True,
    help="What to write: see above.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default=STANDARD_OUTPUT,
    metavar="FILE",
    help="Where to write it.  [default: standard output]",
)
@click.option(
    "--annotate",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Also write each picture there as a PNG with the reading drawn on it.",
)
@click.option(
    "--layout",
    type=click.Choice(["page", "line", "word"]),
    default="page",
    show_default=True,
    help="What the pictures show: pages, or single lines or words cut out.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="CODE",
    help="A language to expect, ru or en; may be repeated.  [default: all that the model knows]",
)
@click.option("--model", metavar="NAME", help="The model to read with.  [default: the server's choice]")
@click.option(
    "--alternatives",
    "max_alternatives",
    type=click.IntRange(0, 10),
    metavar="N",
    help="Ask for other readings of each word, up to 10; json alone shows them.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Leave out words less probable than this, 0 to 1.",
)
@click.option(
    "--keep-for-feedback",
    "retention",
    flag_value="feedback",
    help="Let the server keep the pictures until feedback comes.",
)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    metavar="N",
    help="How many pictures may be under way at once.",
)
@click.option("--verbose", "-v", is_flag=True, help="Tell result ids, models and times on standard error.")
@server_options
def recognize(
    client: Client,
    paths: tuple[str, ...],
    kind: str,
    output: Path,
    annotate: Path | None,
    jobs: int,
    verbose: bool,
    **options: Any,
) -> int:
    """Read the handwriting in pictures.

    PATH is a picture, a folder (searched with all folders in it), a pattern such as 'scans/**/*.jpg', or - for standard
    input. What cannot be read is reported on standard error, the rest goes on, and the exit status is 1.

    \b
    Formats:
      text  the text, under a heading for each picture where there are several
      json  one object a line: the whole answer, and the keys image and text
      csv   word, confidence, x1,y1 … x4,y4 (corners in pixels, clockwise from
            the word's top left), line (from 0), image
      pdf   each picture a page, its text invisible over it, to search and copy

    \b
    Examples:
      zorky recognize page.jpg
      zorky recognize notebook/ --format csv --output words.csv
      zorky recognize 'scans/*.jpg' --format pdf -o scans.pdf --annotate drawn/
    """
    if kind == "pdf" and output == STANDARD_OUTPUT and sys.stdout.isatty():
        raise click.UsageError("a PDF is not for terminals: give --output FILE")
    report = Report()
    found = list(find(paths))
    for missing in found:
        if isinstance(missing, OSError):
            report.failure(str(missing))
    pictures = [picture for picture in found if isinstance(picture, Picture)]
    chosen = {name: value for name, value in options.items() if value}
    answers = report.track(readings(client, pictures, jobs, chosen), len(pictures))
    drawings = Drawings(annotate, pictures) if annotate else None
    with ExitStack() as stack:
        # Opened when the first reading comes: where nothing can be read, an older file stays as it is.
        writer = cache(lambda: stack.enter_context(_opened(kind, output, headings=len(found) > 1)))
        try:
            write(answers, writer, drawings, report, verbose)
        except ZorkyError as error:
            report.failure(str(error))
    return int(report.failed)


@contextmanager
def _opened(kind: str, output: Path, headings: bool) -> Iterator[Writer]:
    """A writer to the file or to standard output; completes what it writes when left."""
    with nullcontext(sys.stdout.buffer) if output == STANDARD_OUTPUT else output.open("wb") as out:
        writer = _writer(kind, out, headings)
        yield writer
        writer.close()


def _writer(kind: str, out: BinaryIO, headings: bool) -> Writer:
    match kind:
        case "json":
            return JsonWriter(out)
        case "csv":
            return CsvWriter(out)
        case "pdf":
            from zorky_client.formats.pdf import PdfWriter  # takes as long to import as all the rest

            return PdfWriter(out)
        case _:
            return TextWriter(out, headings)
