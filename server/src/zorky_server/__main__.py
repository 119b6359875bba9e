"""The command `zorky-server`: reads the settings, wires the parts together, serves until told to stop."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Never, TextIO

import click
import structlog

from . import logs
from .settings import FILE_VARIABLE, BadSettings, Settings, as_toml, load_settings, unknown_variables

_log = structlog.get_logger("zorky.main")

Command = Callable[..., None]


def _settings_flags(command: Command) -> Command:
    """A flag for each setting, with the setting's own documentation as help. Values are checked with all others."""
    for name, field in reversed(Settings.model_fields.items()):
        default = field.get_default(call_default_factory=True)
        shown = "" if default is None else f"  [default: {default}]"
        flag = click.option(f"--{name.replace('_', '-')}", metavar="VALUE", help=f"{field.description}{shown}")
        command = flag(command)
    return command


_settings_file = click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    envvar=FILE_VARIABLE,
    show_envvar=True,
    help="TOML file with settings; `zorky-server settings` prints one.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zorky-server", prog_name="zorky-server")
def main() -> None:
    """Reads handwriting in photos over gRPC.

    Every setting is a flag, an environment variable (ZORKY_PORT for --port) or a line of the settings file, in this
    order of precedence.
    """


@main.command()
@_settings_file
@_settings_flags
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the port here once the server is serving.")
def serve(settings_file: Path | None, port_file: Path | None, **flags: Any) -> None:
    """Run the server until SIGTERM or Ctrl-C; a second one ends it at once."""
    settings = _load(settings_file, flags)
    _need_onnxruntime(settings)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its C core writes lines of its own between ours
    logs.configure_logs(settings.log_format, settings.log_level)
    for name in unknown_variables(os.environ):
        _log.warning("this variable is no setting of the server", variable=name)
    from .serving import CannotServe, run  # only here: help and settings need no models

    try:
        sys.exit(asyncio.run(run(settings, port_file)))
    except CannotServe as error:
        _give_up(str(error), 1)


@main.command("settings")
@_settings_file
@_settings_flags
def show_settings(settings_file: Path | None, **flags: Any) -> None:
    """Print the settings in force as a settings file."""
    click.echo(as_toml(_load(settings_file, flags)), nl=False)


@main.command()
@click.argument("pages", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_settings_file
@_settings_flags
@click.option("--seconds", default=60.0, show_default=True, type=click.FloatRange(min=1), help="Time to take, about.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write what was chosen into this file.")
def tune(
    pages: tuple[Path, ...], settings_file: Path | None, seconds: float, output: Path | None, **flags: Any
) -> None:
    """Measure this machine and choose workers and batch_pixels.

    Reads PAGES, which are pictures, or pages drawn for this. Nothing else should run meanwhile. With --output, the file
    is one that --settings reads; what else stands in it stays.
    """
    settings = _load(settings_file, flags)
    _need_onnxruntime(settings)
    from .tuning import CannotTune, change_file, drawn_pages, tuned  # only here, as above

    try:
        files = [page.read_bytes() for page in pages] or drawn_pages()
        chosen = asyncio.run(tuned(settings, files, seconds, click.echo))
        for name, value in chosen.items():
            click.echo(f"{name} = {value}")
        if output:
            change_file(output, chosen)
    except (CannotTune, OSError) as error:
        _give_up(str(error), 1)


_day = click.DateTime(["%Y-%m-%d"])


@main.command()
@click.option("--since", type=_day, metavar="DATE", help="First day, in UTC.  [default: 29 days before the last]")
@click.option("--until", type=_day, metavar="DATE", help="Last day.  [default: today]")
@click.option("--format", "form", type=click.Choice(["table", "json", "html"]), default="table", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write into this file.")
@_settings_file
@_settings_flags
def report(
    since: datetime | None,
    until: datetime | None,
    form: Literal["table", "json", "html"],
    output: Path | None,
    settings_file: Path | None,
    **flags: Any,
) -> None:
    """Show what people do with the service: who comes back, what they say of answers, how fast and how often it fails.

    Reads the store, and may do so while servers write to it.
    """
    settings = _load(settings_file, flags)
    from .report.command import CannotReport, stored_report, write

    try:
        days = (one and one.date() for one in (since, until))
        write(asyncio.run(stored_report(settings, *days)), form, output)
    except CannotReport as error:
        _give_up(str(error), 1)


@main.command()
@click.option("--older-than", metavar="SPAN", help="Delete what is older than this, for example 90d, 12h or 52w.")
@click.option(
    "--user-key-file", type=click.File(), help="Delete the user whose key is in this file; - is standard input."
)
@_settings_file
@_settings_flags
def purge(older_than: str | None, user_key_file: TextIO | None, settings_file: Path | None, **flags: Any) -> None:
    """Delete results with their pictures, readings and feedback, beside running servers, without asking.

    What is old goes with the counts of calls that failed then. A user key comes in a file because other users of the
    machine see command lines.
    """
    from . import purging
    from .store import CannotOpen, StillRead, StoreUnreachable

    if (older_than is None) == (user_key_file is None):
        raise click.UsageError("give either --older-than or --user-key-file")
    settings = _load(settings_file, flags)
    try:
        age = None if older_than is None else purging.seconds_of(older_than)
        user_key = purging.user_key_in(user_key_file) if user_key_file else ""
        deleted = asyncio.run(purging.purge(settings, age, user_key))
    except (ValueError, CannotOpen, StillRead, StoreUnreachable) as error:
        _give_up(str(error), 1)
    click.echo(
        f"deleted {deleted.results} results, {deleted.pictures} pictures, {deleted.feedbacks} pieces of feedback"
    )


@main.group()
def models() -> None:
    """Show what the registry has, and change which model serves. Every server that follows it takes part."""


@models.command("list")
@_settings_file
@_settings_flags
def list_models(settings_file: Path | None, **flags: Any) -> None:
    """List what is published, the newest first, with its character error rates."""
    from . import model_commands

    _say(model_commands.listing(_load(settings_file, flags)))


@models.command("publish")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@_settings_file
@_settings_flags
def publish_model(folder: Path, settings_file: Path | None, **flags: Any) -> None:
    """Upload the model in FOLDER. It does not serve until it is promoted."""
    from . import model_commands

    _say(model_commands.publish(_load(settings_file, flags), folder))


@models.command("promote")
@click.argument("version")
@_settings_file
@_settings_flags
def promote_model(version: str, settings_file: Path | None, **flags: Any) -> None:
    """Let VERSION serve."""
    from . import model_commands

    _say(model_commands.promote(_load(settings_file, flags), version))


@models.command("rollback")
@click.argument("version", required=False)
@_settings_file
@_settings_flags
def roll_back_model(version: str | None, settings_file: Path | None, **flags: Any) -> None:
    """Let the version before serve again, or VERSION."""
    from . import model_commands

    _say(model_commands.rollback(_load(settings_file, flags), version))


def _say(lines: Iterator[str]) -> None:
    from .registry import RegistryError

    try:
        for line in lines:
            click.echo(line)
    except RegistryError as error:
        _give_up(str(error), 1)


def _load(file: Path | None, flags: dict[str, Any]) -> Settings:
    try:
        return load_settings(flags, file, os.environ)
    except BadSettings as error:
        _give_up(str(error), 2)


def _need_onnxruntime(settings: Settings) -> None:
    if importlib.util.find_spec("onnxruntime") is None:
        extra = "cpu" if settings.provider == "cpu" else "gpu"
        _give_up(f"onnxruntime is not installed: pip install 'zorky-server[{extra}]'", 1)


def _give_up(message: str, status: int) -> Never:
    for line in message.splitlines():
        click.echo(f"zorky-server: {line}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
