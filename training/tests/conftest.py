"""What the tests of training share. Loaded also where the training distribution is not installed, so it imports late."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from zorky_training.lines import Sources


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A folder whose handwriting fonts are printed ones of the system."""
    from zorky_training.fonts import printed_fonts
    from zorky_training.lines import Sources

    folder: Path = tmp_path_factory.mktemp("fonts")
    fonts = [path for path in printed_fonts() if "Sans" in path.stem][:3]
    if not fonts:
        give_up = pytest.fail if "CI" in os.environ else pytest.skip
        give_up("needs a system font with Cyrillic (apt install fonts-dejavu-core)")
    for path in fonts:
        (folder / path.name).symlink_to(path)
    return Sources(folder)
