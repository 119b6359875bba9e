"""Shared by the recogniser's tests: an engine of the system's printed fonts, the only ones that need no fetching."""

from pathlib import Path

import pytest

from zorky_training.fonts import printed_fonts
from zorky_training.lines import Engine, Sources


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A folder whose handwriting fonts are printed ones of the system."""
    folder: Path = tmp_path_factory.mktemp("fonts")
    fonts = [path for path in printed_fonts() if "Sans" in path.stem][:3]
    if not fonts:
        pytest.skip("needs a system font with Cyrillic (apt install fonts-dejavu-core)")
    for path in fonts:
        (folder / path.name).symlink_to(path)
    return Sources(folder)


@pytest.fixture(scope="session")
def engine(sources: Sources) -> Engine:
    return Engine(sources, seed=3)
