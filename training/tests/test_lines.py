"""The line engine: reproducible, in bounds, and what it writes is there."""

import gzip
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from zorky_server.tasks.handwriting.strip import strip_from_crop
from zorky_training.charset import CHARSET
from zorky_training.contact import contact_sheet
from zorky_training.fonts import FontHand, fonts_under
from zorky_training.ink import Pen, deform, draw
from zorky_training.lines import Engine, Sources
from zorky_training.traces import Trace, TraceHand, trace_hand, trace_hands


def test_a_line_is_the_same_whoever_draws_it(engine: Engine, sources: Sources) -> None:
    other = Engine(sources, seed=3)
    for number in (5, 2, 11):
        assert engine.line(number).text == other.line(number).text
        assert np.array_equal(engine.line(number).crop, other.line(number).crop)


def test_another_seed_draws_other_lines(engine: Engine, sources: Sources) -> None:
    other = Engine(sources, seed=4)
    assert [engine.line(n).text for n in range(8)] != [other.line(n).text for n in range(8)]


def test_lines_are_pictures_with_text_of_the_charset(engine: Engine) -> None:
    for number in range(60):
        crop, text, _ = engine.line(number)
        assert crop.dtype == np.uint8
        assert crop.ndim == 3
        assert min(crop.shape[:2]) >= 8
        assert text
        assert set(text) <= set(CHARSET)


def test_half_of_the_lines_are_corrected_ones_where_there_are_any(sources: Sources, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "line.png"), np.full((40, 200, 3), 220, np.uint8))
    (tmp_path / "labels.tsv").write_text("line.png\tthis was corrected\tru\twriter\n")
    tuning = Engine(Sources(sources.fonts, corrections=tmp_path), seed=3)
    lines = [tuning.line(number) for number in range(40)]
    assert 12 <= sum(text == "this was corrected" for _, text, _ in lines) <= 28
    assert all(hand for _, text, hand in lines if text != "this was corrected")


def test_strips_hold_ink_on_light_paper(engine: Engine) -> None:
    strips = [strip_from_crop(engine.line(number).crop) for number in range(40)]
    contrast = [float(np.percentile(strip, 95)) - float(np.percentile(strip, 1)) for strip in strips]
    assert float(np.median(contrast)) > 80


def test_fonts_needed_are_named_when_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zorky_training.lines.printed_fonts", list)
    with pytest.raises(ValueError, match="zorky-train fonts"):
        Engine(Sources(tmp_path), seed=1)


def test_a_font_writes_what_a_reader_sees(sources: Sources) -> None:
    """The letter о is a ring: ink around a hole, so nonzero filling works."""
    hand = FontHand(fonts_under(sources.fonts)[0])
    ink = hand.write("о", np.random.default_rng(0), 0.0)
    mask = draw(ink, Pen(0.1, 0, 0), 40, (5, 50), (60, 60))
    count, *_ = cv2.connectedComponents((mask < 128).astype(np.uint8))
    assert count == 3  # the ink itself, the paper around it and the paper inside


def test_of_book_faces_only_thin_italics_are_hands(tmp_path: Path) -> None:
    for name in ("Lora_400Regular", "Lora_400Regular_Italic", "Lora_700Bold_Italic", "Caveat_700Bold"):
        (tmp_path / f"{name}.ttf").touch()
    assert [path.stem for path in fonts_under(tmp_path)] == ["Caveat_700Bold", "Lora_400Regular_Italic"]


def test_deforming_keeps_every_path_and_moves_points(sources: Sources) -> None:
    ink = FontHand(fonts_under(sources.fonts)[0]).write("слово", np.random.default_rng(0), 1.0)
    bent = deform(ink, np.random.default_rng(1), 1.0)
    assert [len(path) for path in bent.paths()] == [len(path) for path in ink.paths()]
    assert not np.allclose(bent.points(), ink.points())


def drawn_trace(text: str, xy: list[tuple[int, int]], lift: int | None = None) -> Trace:
    pauses = [10] * len(xy)
    if lift is not None:
        pauses[lift] = 200
    return {"writer": 1, "session": 1, "text": text, "xy": [list(p) for p in xy], "dt_ms": pauses}


@pytest.fixture
def writer() -> TraceHand:
    arch = [(0, y) for y in range(41)] + [(x, 40) for x in range(21)] + [(20, 40 - y) for y in range(41)]
    traces = [drawn_trace(letter, arch) for letter in "аеиноптмш"]
    tall = [(0, 0), (0, 40), (0, 80), (30, 80), (30, 60)]
    traces.append(drawn_trace("Т", tall, lift=3))
    traces.append(drawn_trace("у", [(0, 40), (10, 20), (20, 40), (10, 0), (0, -40)]))
    return trace_hand(1, traces)


def test_a_writer_covers_his_letters_and_punctuation_alone(writer: TraceHand) -> None:
    assert writer.covers("мама, ума")
    assert not writer.covers("жук")
    assert not writer.covers("mama")


def test_a_trace_is_cut_at_pen_lifts(writer: TraceHand) -> None:
    assert len(writer.write("Т", np.random.default_rng(0), 0.0).strokes) == 2


def test_small_letters_stand_on_the_baseline_and_tails_hang_below(writer: TraceHand) -> None:
    rng = np.random.default_rng(0)
    standing = writer.write("а", rng, 0.0).points()[:, 1]
    hanging = writer.write("у", rng, 0.0).points()[:, 1]
    assert abs(float(standing.max())) < 0.1
    assert float(standing.min()) == pytest.approx(-1, abs=0.15)
    assert float(hanging.max()) > 0.4


def test_letters_of_a_word_follow_each_other_and_words_are_apart(writer: TraceHand) -> None:
    rng = np.random.default_rng(4)
    one, two = writer.write("мама", rng, 0.0), writer.write("ма ма", rng, 0.0)
    assert one.width > 4 * 0.45
    columns = np.sort(two.points()[:, 0])
    assert float(np.diff(columns).max()) > 0.3


def test_a_file_of_traces_gives_a_hand_a_writer(tmp_path: Path) -> None:
    arch = [(0, 0), (0, 40), (20, 40), (20, 0)]
    lines = [json.dumps(drawn_trace(letter, arch) | {"writer": number}) for number in (1, 2) for letter in "аеиноптмш"]
    path = tmp_path / "traces.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert [hand.name for hand in trace_hands(path)] == ["writer-1", "writer-2"]


def test_a_contact_sheet_has_room_for_every_strip() -> None:
    strips = [np.zeros((48, width, 3), np.uint8) for width in (700, 700, 700, 3000)]
    sheet = contact_sheet(strips)
    assert sheet.shape == (3 * 52, 1500, 3)
