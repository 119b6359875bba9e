"""The language model's weights are fitted to lines that it can mend, and not to those that it cannot."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import zorky_models
from zorky_server.tasks.handwriting.language_model import LanguageModel
from zorky_server.tasks.handwriting.model import load_model
from zorky_training.charset import CHARSET
from zorky_training.fit_decoding import GRIDS, Tuned, fit, score

SHIPPED = load_model(zorky_models.ROOT / "handwriting")


def misread(text: str, wrong: dict[str, str]) -> NDArray[np.float32]:
    """Frames, two a character and a blank behind, that take each letter of `wrong` for another a little rather."""
    frames = np.full((3 * len(text), 1 + len(CHARSET)), 1e-6, np.float32)
    frames[:, 0] = 1
    for i, c in enumerate(text):
        frames[3 * i : 3 * i + 2, [0, CHARSET.index(c) + 1]] = 0.01, 0.4 if c in wrong else 0.97
        if c in wrong:
            frames[3 * i : 3 * i + 2, CHARSET.index(wrong[c]) + 1] = 0.55
    return frames / frames.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return SHIPPED.language_model


def tuned(texts: list[str], wrong: dict[str, str]) -> Tuned:
    return Tuned("drawn", [misread(text, wrong) for text in texts], texts)


def test_fitting_turns_the_language_up_where_words_are_misread(model: LanguageModel) -> None:
    lines = tuned(["первый снег", "под ногами", "в голых ветвях", "весь вечер"], {"н": "п", "в": "б", "е": "с"})
    start = replace(SHIPPED.weights, language=0.25, temperature=1.0, letter=0.0, rarity=0.0)
    found = fit([lines], model, start)
    assert score([lines], model, found) < 0.5 * score([lines], model, replace(start, language=0.0))
    assert all(getattr(found, name) in grid for name, grid in GRIDS.items())


def test_a_set_counts_by_what_is_left_of_its_errors(model: LanguageModel) -> None:
    sure, doubtful = tuned(["ыбвукъерт", "снег"], {}), tuned(["первый снег"], {"н": "п"})
    assert sure.greedy_cer == 0
    assert score([sure], model, SHIPPED.weights) == pytest.approx(1)
    assert doubtful.greedy_cer == pytest.approx(1 / 11)
    assert score([doubtful], model, SHIPPED.weights) < 0.1
