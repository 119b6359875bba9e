"""Pages: what is drawn lies where their bands say, the same at every run."""

import cv2
import numpy as np
import pytest

from zorky_training.lines import Sources
from zorky_training.pages import PageEngine, contact_sheet, quad_of
from zorky_training.scene import photograph
from zorky_training.sheet import Band, Sheet, band_of


@pytest.fixture(scope="module")
def pages(sources: Sources) -> PageEngine:
    return PageEngine(sources, seed=1)


def test_a_page_is_the_same_at_every_run(sources: Sources, pages: PageEngine) -> None:
    again, first = PageEngine(sources, seed=1).page(3), pages.page(3)
    np.testing.assert_array_equal(first.picture, again.picture)
    assert [band.text for band in first.bands] == [band.text for band in again.bands]
    assert not np.array_equal(first.picture, pages.page(4).picture)


def test_bands_lie_on_ink(pages: PageEngine) -> None:
    """Inside its bands a page has more fine dark detail than beside them."""
    inked, lines = [], 0
    for number in range(6):
        page = pages.page(number)
        grey = cv2.cvtColor(page.picture, cv2.COLOR_RGB2GRAY)
        detail = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, np.ones((9, 9), np.uint8)).astype(float)
        inside = np.zeros(grey.shape, np.uint8)
        for band in page.bands:
            outline = np.concatenate((band.top, band.bottom[::-1]))
            cv2.fillPoly(inside, [np.round(outline).astype(np.int32)], 1)
        lines += len(page.bands)
        if inside.any():
            inked.append(detail[inside > 0].mean() / detail[inside == 0].mean())
    assert lines > 20
    assert np.median(inked) > 1.7


def test_bands_stay_in_the_picture_and_run_in_reading_direction(pages: PageEngine) -> None:
    for number in range(8):
        page = pages.page(number)
        height, width = page.picture.shape[:2]
        for band in page.bands:
            assert ((band.top + band.bottom) / 2 > -0.1 * max(height, width)).all()
            along, down = band.top[-1] - band.top[0], band.bottom[0] - band.top[0]
            assert along[0] * down[1] - along[1] * down[0] > 0


def test_points_are_carried_along_with_the_photographed_sheet() -> None:
    for seed in range(4):
        sheet = Sheet(400, 500, np.random.default_rng(seed))
        sheet.canvas[:] = 230
        marks = np.array([(60, 70), (340, 90), (200, 260), (70, 430), (330, 420)], np.float32)
        for x, y in marks.astype(int).tolist():
            cv2.circle(sheet.canvas, (x, y), 6, (250, 0, 0), -1)
        picture, (band,) = photograph(
            sheet.canvas, [Band("", marks, marks)], (400, 500), np.random.default_rng(seed), closeness=0.5
        )
        redness = picture[:, :, 0].astype(float) - picture[:, :, 1:].max(-1)
        for x, y in band.top:
            around = redness[round(y) - 15 : round(y) + 16, round(x) - 15 : round(x) + 16]
            rows, columns = np.nonzero(around > 0.5 * around.max())
            assert np.hypot(rows.mean() - 15, columns.mean() - 15) < 1.5


def test_the_band_of_a_falling_line_falls_with_it() -> None:
    x = np.linspace(0, 500, 400)
    points = np.stack((x, 100 + 0.05 * x + 12 * np.sin(x)), 1).astype(np.float32)
    band = band_of("a", points)
    np.testing.assert_allclose(band.top[-1] - band.top[0], (500, 25), atol=1)
    np.testing.assert_allclose((band.bottom - band.top)[:, 1], 24, atol=1)
    quad = quad_of(band)
    np.testing.assert_allclose(quad[1] - quad[0], (500, 25), atol=3)


def test_a_contact_sheet_has_a_tile_for_each_page(pages: PageEngine) -> None:
    assert contact_sheet(pages, 5).shape == (960, 1920, 3)
