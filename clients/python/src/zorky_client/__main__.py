"""The `zorky` command: its commands, and what becomes of what they raise."""

import sys

import click

from zorky_client import ZorkyError
from zorky_client.cli.feedback import feedback
from zorky_client.cli.recognize import recognize
from zorky_client.cli.server import health, info

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="zorky-client", prog_name="zorky", message="%(prog)s %(version)s")
def zorky() -> None:
    """Read handwriting in photos, Russian and English, at a Zorky server.

    Exit status: 0 all went well, 1 something failed, 2 the command was not understood, 130 interrupted.
    """


for command in (recognize, info, health, feedback):
    zorky.add_command(command)


def main() -> None:
    """Runs the command and exits with its status."""
    sys.exit(_status())


def _status() -> int:
    try:
        return zorky(prog_name="zorky", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except (ZorkyError, OSError) as error:
        click.echo(f"zorky: {error}", err=True)
        return 1


if __name__ == "__main__":
    main()
