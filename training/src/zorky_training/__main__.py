"""The command `zorky-train`: each module that can be run adds its own subcommand."""

from __future__ import annotations

import argparse

from . import (
    contact,
    evaluate,
    evaluate_detector,
    examples,
    finetune,
    fonts,
    formats,
    import_easyocr,
    judge,
    language_model,
    package,
    pages,
    peers,
    rivals,
    train_detector,
    train_recognizer,
    watch,
)
from .corrections import command as corrections
from .corrections import trial as corrections_trial

_MODULES = (
    fonts, contact, train_recognizer, finetune, judge, formats, evaluate,
    pages, train_detector, evaluate_detector, package, examples, peers, language_model, import_easyocr,
    rivals, corrections, corrections_trial, watch,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="zorky-train", description="Makes, measures and exports Zorky's models.")
    subparsers = made.add_subparsers(required=True, metavar="COMMAND")
    for module in _MODULES:
        module.add_command(subparsers)
    return made


def main() -> None:
    arguments = parser().parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
