"""`zorky feedback`."""

import re
from typing import TextIO

import click

from zorky_client import Client, FeedbackOptions, Point, Quad
from zorky_client.cli.connection import server_options


class WordCorrection(click.ParamType[tuple[tuple[int, int], str]]):
    """LINE:WORD=TEXT as ((line, word), text)."""

    name = "correction"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[int, int], str]:
        """Refuses what has another form."""
        parts = re.fullmatch(r"(\d+):(\d+)=(.*)", str(value))
        if parts is None:
            self.fail(f"{value!r} is not of the form LINE:WORD=TEXT, as 0:2=слово", param, ctx)
        return (int(parts[1]), int(parts[2])), parts[3]


class MissedLine(click.ParamType[tuple[Quad, str]]):
    """LEFT,TOP,RIGHT,BOTTOM=TEXT as (quad, text)."""

    name = "line"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Quad, str]:
        """Refuses what has another form."""
        parts = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)=(.+)", str(value))
        if parts is None:
            self.fail(f"{value!r} is not of the form LEFT,TOP,RIGHT,BOTTOM=TEXT, as 40,300,620,350=строка", param, ctx)
        left, top, right, bottom = map(float, parts.groups()[:4])
        corners = (Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom))
        return Quad(*corners), parts[5]


@click.command(short_help="Tell the server how good a result was.")
@click.argument("result_id", metavar="RESULT_ID")
@click.option("--good", "rating", flag_value="good", help="The result was good enough to use.")
@click.option("--bad", "rating", flag_value="bad", help="The result was not good enough to use.")
@click.option(
    "--text", type=click.File("r", encoding="utf-8"), metavar="FILE", help="File (or -) with the whole text put right."
)
@click.option(
    "--word",
    "words",
    type=WordCorrection(),
    multiple=True,
    metavar="LINE:WORD=TEXT",
    help="One word put right, line and word counted from 0; no text: there is no word. May be repeated.",
)
@click.option(
    "--missed",
    type=MissedLine(),
    multiple=True,
    metavar="LEFT,TOP,RIGHT,BOTTOM=TEXT",
    help="A line that was not found and its box in pixels of the picture. May be repeated.",
)
@click.option("--comment", default="", metavar="TEXT", help="Anything else to say.")
@click.option("--allow-training", is_flag=True, help="Picture and correction may be used for training.")
@server_options
def feedback(
    client: Client,
    result_id: str,
    rating: str | None,
    text: TextIO | None,
    words: tuple[tuple[tuple[int, int], str], ...],
    missed: tuple[tuple[Quad, str], ...],
    comment: str,
    allow_training: bool,
) -> None:
    """Tell the server how good a result was, or put it right: one of --good, --bad, --text, --word and --missed.

    RESULT_ID is the resultId of zorky recognize --format json; --verbose tells it too.
    """
    if sum(map(bool, (rating, text, words, missed))) != 1:
        raise click.UsageError("give one of --good, --bad, --text, --word and --missed")
    said: FeedbackOptions = {"comment": comment, "allow_training": allow_training}
    if text:
        receipt = client.correct_text(result_id, _read(text), **said)
    elif words:
        receipt = client.correct_words(result_id, dict(words), **said)
    elif missed:
        receipt = client.add_missed(result_id, missed, **said)
    else:
        receipt = client.rate(result_id, good=rating == "good", **said)
    click.echo(f"kept as {receipt.feedback_id}")


def _read(text: TextIO) -> str:
    try:
        return text.read().rstrip("\n")
    except UnicodeDecodeError as error:
        raise click.UsageError("the text put right must be in UTF-8") from error
