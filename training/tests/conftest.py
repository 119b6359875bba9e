"""What the tests of training share. Loaded where the training distribution is not installed, too: it imports late."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from zorky_training.lines import Engine, Sources


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A folder whose handwriting fonts are printed ones of the system, the only ones that need no fetching."""
    from zorky_training import fonts, lines

    folder: Path = tmp_path_factory.mktemp("fonts")
    found = [path for path in fonts.printed_fonts() if "Sans" in path.stem][:3]
    if not found:
        give_up = pytest.fail if "CI" in os.environ else pytest.skip
        give_up("needs a system font with Cyrillic (apt install fonts-dejavu-core)")
    for path in found:
        (folder / path.name).symlink_to(path)
    return lines.Sources(folder)


@pytest.fixture(scope="session")
def engine(sources: Sources) -> Engine:
    """An engine that draws with them."""
    from zorky_training.lines import Engine

    return Engine(sources, seed=3)
