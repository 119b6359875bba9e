"""`zorky info` and `zorky health`."""

import json
from datetime import timedelta

import click
from google.protobuf import json_format
from rich.console import Console
from rich.table import Table

from zorky_client import Client, ServerInfo
from zorky_client.cli.connection import server_options


@click.command(short_help="Tell what the server is and accepts.")
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text", show_default=True)
@server_options
def info(client: Client, kind: str) -> None:
    """Tell what the server is and what it accepts: models, languages, picture formats, limits."""
    answer = client.info()
    if kind == "json":
        keys = json_format.MessageToDict(answer.message, always_print_fields_with_no_presence=True)
        click.echo(json.dumps(keys, ensure_ascii=False, sort_keys=True))
    else:
        Console(markup=False, emoji=False, highlight=False, soft_wrap=True).print(_table(answer))


@click.command(short_help="Tell whether the server is ready.")
@click.option(
    "--wait",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Wait that long for the server to become ready.",
)
@click.option("--service", default="", metavar="NAME", help="Ask for one service, as zorky.v1.RecognitionService.")
@server_options
def health(client: Client, wait: float | None, service: str) -> int:
    """Tell whether the server is ready to work. The exit status is 0 when it is and 1 when it is not."""
    if wait is not None:
        client.wait_ready(wait)
    serving = client.health(service)
    click.echo("serving" if serving else "not serving")
    return 0 if serving else 1


def _table(info: ServerInfo) -> Table:
    accepts = info.recognition
    rows = {
        "server": info.server_version,
        "models": ", ".join(f"{model.name} {model.version}" for model in accepts.models),
        "languages": ", ".join(accepts.languages),
        "formats": ", ".join(accepts.media_types),
        "largest file": f"{accepts.max_image_bytes / 1e6:.1f} MB",
        "largest picture": f"{accepts.max_image_pixels / 1e6:.1f} megapixels",
        "alternatives": f"up to {accepts.max_alternatives}",
        "feedback": f"accepted for {info.result_lifetime / timedelta(days=1):g} days after the answer",
    }
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(name, value)
    return table
