"""The decoder mends words by what it knows of languages, and never touches numbers."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

import zorky_models
from zorky_server.tasks.handwriting.ctc import decode_words
from zorky_server.tasks.handwriting.decoding import LineDecoder
from zorky_server.tasks.handwriting.model import load_model

MODEL = load_model(zorky_models.ROOT / "handwriting")
CHARSET = MODEL.charset
Spelling = Sequence[dict[str, float]]


@pytest.fixture(scope="module")
def decoder() -> LineDecoder:
    return LineDecoder(CHARSET, MODEL.language_model, MODEL.weights)


def frames_of(spelling: Spelling) -> NDArray[np.float32]:
    """Two frames a character, its letters as likely as told, and a blank behind; what is left is spread evenly."""
    frames = np.full((3 * len(spelling) + 1, 1 + len(CHARSET)), 1e-6, np.float32)
    frames[:, 0] = 1
    for i, letters in enumerate(spelling):
        frames[3 * i + 1 : 3 * i + 3, 0] = 0.01
        for letter, p in letters.items():
            frames[3 * i + 1 : 3 * i + 3, CHARSET.index(letter) + 1] = p
    return frames / frames.sum(axis=1, keepdims=True)


def unsure(text: str, **rivals: str) -> Spelling:
    """A text read surely, but for the letters of `rivals`: each is read as its rival a little more surely."""
    return [{rivals[c]: 0.5, c: 0.35} if c in rivals else {c: 0.97} for c in text]


def text_of(decoder: LineDecoder, spelling: Spelling) -> str:
    return " ".join(word.text for word in decoder.words(frames_of(spelling)))


def greedy(spelling: Spelling) -> str:
    return " ".join(word.text for word in decode_words(frames_of(spelling), CHARSET))


@pytest.mark.parametrize(
    ("truth", "rivals"),
    [
        ("парадоксальная ситуация", {"ц": "щ", "к": "х"}),
        ("технические институты", {"т": "ж"}),
        ("Возможно, что нет.", {"н": "к"}),
        ("would do more good than", {"o": "u"}),
    ],
)
def test_doubtful_letters_follow_the_words_they_make(decoder: LineDecoder, truth: str, rivals: dict[str, str]) -> None:
    spelling = unsure(truth, **rivals)
    assert greedy(spelling) != truth
    assert text_of(decoder, spelling) == truth


@pytest.mark.parametrize("text", ["ыбвукъерт", "снечпцерт,", "Phanerogams", "Qwxzv", "щщлк", "Ъ"])
def test_what_is_read_surely_stays_however_strange(decoder: LineDecoder, text: str) -> None:
    assert text_of(decoder, unsure(text)) == text


@pytest.mark.parametrize("text", ["MovieShots", "чтофата", "largescale"])
def test_words_are_not_parted_where_no_space_or_mark_is_seen(decoder: LineDecoder, text: str) -> None:
    spelling = [{c: 0.96, " ": 0.01, ",": 0.012} for c in text]
    assert text_of(decoder, spelling) == text


def drawn_line(random: np.random.Generator) -> Spelling:
    """Words of letters and of anything, most characters read as one of three, digits and signs among them."""
    line: list[dict[str, float]] = []
    for _ in range(int(random.integers(1, 5))):
        characters = str(random.choice(["абвгдзочтлмгш", "abcdlo", "0123456789.,-/%№+=з3оabмг"])) + "03"
        for _ in range(int(random.integers(1, 7))):
            chosen = random.choice(list(characters), 3, replace=False)
            line.append(dict(zip(chosen.tolist(), random.dirichlet((4, 1, 1)).tolist(), strict=True)))
        line.append({" ": random.uniform(0.5, 1.0)})
    return line


def test_no_digit_or_sign_is_ever_changed_made_or_lost(decoder: LineDecoder) -> None:
    random, kept = np.random.default_rng(0), set("0123456789/%№+=")
    changed = 0
    for _ in range(150):
        spelling = drawn_line(random)
        words = [word.text for word in decoder.words(frames_of(spelling))]
        before = [word.text for word in decode_words(frames_of(spelling), CHARSET)]
        assert [c for c in "".join(words) if c in kept] == [c for c in "".join(before) if c in kept]
        changed += words != before
    assert changed > 20


@pytest.mark.parametrize("rivals", [{"5": "S"}, {"0": "о"}, {"3": "з"}, {"г": "л"}, {"г": "р"}])
def test_doses_and_their_units_are_as_the_optics_read_them(decoder: LineDecoder, rivals: dict[str, str]) -> None:
    spelling = unsure("по 350 мг в день", **rivals)
    number, unit = greedy(spelling).split()[1:3]
    assert text_of(decoder, spelling).split()[1:3] == [number, unit]


@pytest.mark.parametrize(("read", "meant"), [("мaмa", "мама"), ("сaт", "сат"), ("hоusе", "house")])
def test_letters_of_one_shape_count_for_the_words_script(decoder: LineDecoder, read: str, meant: str) -> None:
    assert text_of(decoder, unsure(read)) == meant


def test_rivals_are_the_other_readings_with_their_shares(decoder: LineDecoder) -> None:
    (word,) = decoder.words(frames_of([{"м": 0.97}, {"и": 0.5, "а": 0.45}, {"р": 0.97}]))
    assert {word.text, word.rivals[0][0]} == {"мир", "мар"}
    assert word.posterior + sum(p for _, p in word.rivals) == pytest.approx(1, abs=1e-6)
    assert all(p > 0 and text != word.text for text, p in word.rivals)


def test_words_lie_where_they_are_written(decoder: LineDecoder) -> None:
    first, second = decoder.words(frames_of(unsure("новая книга", н="к")))
    assert (first.text, second.text) == ("новая", "книга")
    assert (first.start, first.end) == (1, 15)
    assert (second.start, second.end) == (19, 33)
    assert first.gap_before == 0
    assert first.gap_after == second.gap_before == pytest.approx(17, abs=1)
    assert second.gap_after == 34


def test_a_single_word_holds_no_space(decoder: LineDecoder) -> None:
    (word,) = decoder.words(frames_of(unsure("новая книга")), joined=True)
    assert word.text == "новаякнига"


def test_the_page_around_tells_the_script_of_a_word_that_both_could_have_written(decoder: LineDecoder) -> None:
    frames = frames_of([{"н": 0.48, "h": 0.48}, {"е": 0.48, "e": 0.48}, {"т": 0.48, "r": 0.48}])
    (latin,), (cyrillic,) = decoder.words(frames, page=0.02), decoder.words(frames, page=0.98)
    assert (latin.text, cyrillic.text) == ("her", "нет")


def test_a_page_is_as_cyrillic_as_the_letters_that_have_no_twin(decoder: LineDecoder) -> None:
    russian, english = frames_of([{c: 0.97} for c in "школа"] * 5), frames_of([{c: 0.97} for c in "night"] * 5)
    assert decoder.cyrillic_share([russian]) > 0.8
    assert decoder.cyrillic_share([english]) < 0.2
    assert 0.3 < decoder.cyrillic_share([russian, english]) < 0.7
    assert decoder.cyrillic_share([]) == 0.5
