"""Readings as files, wherever the text in the photo stands."""

import io
import math
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader

from zorky_client import results
from zorky_client.formats.annotated import annotated
from zorky_client.formats.pdf import PdfWriter
from zorky_client.formats.picture import Picture, Upright
from zorky_client.formats.plain import CsvWriter, TextWriter

from .contract import reading

TEXT = "Вчера мы ходили в лес за ягодами\nи нашли целую поляну земляники\nHello №5 «да», — сказал ёжик"
WIDTH, HEIGHT, MARGIN = 1000, 500, 100


def photo(rotation: int, slope: float, exif: int | None = None) -> tuple[Picture, results.Recognition]:
    """Black words on white, photographed so that they slope, and upright only after `rotation` degrees clockwise."""
    message = reading(TEXT, WIDTH, HEIGHT, rotation)
    page = message.recognition.page
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    quads = [word.quad for line in page.lines for word in line.words]
    corners = [
        point for quad in quads for point in (quad.top_left, quad.top_right, quad.bottom_right, quad.bottom_left)
    ]
    for point in corners:
        point.x, point.y = point.x + MARGIN, point.y + MARGIN  # so that nothing slopes out of the picture
    for quad in quads:
        ImageDraw.Draw(image).rectangle((quad.top_left.x, quad.top_left.y, quad.bottom_right.x, quad.bottom_right.y), 0)
    image = image.rotate(-slope, Image.Resampling.BICUBIC, fillcolor="white").rotate(rotation, expand=True)
    for point in corners:
        point.x, point.y = _photographed(point.x, point.y, rotation, math.radians(slope))
    page.width, page.height = image.size
    page.skew_degrees = slope
    if exif == 6:  # stored a quarter turn against the clock from how it is viewed
        image = image.transpose(Image.Transpose.ROTATE_90)
    file = io.BytesIO()
    tags = Image.Exif()
    tags[0x0112] = exif or 1
    image.save(file, "PNG", exif=tags)
    return Picture("photo.png", file.getvalue()), results.recognition(message)


def _photographed(x: float, y: float, rotation: int, slope: float) -> tuple[float, float]:
    right, down = x - WIDTH / 2, y - HEIGHT / 2
    x = WIDTH / 2 + right * math.cos(slope) - down * math.sin(slope)
    y = HEIGHT / 2 + right * math.sin(slope) + down * math.cos(slope)
    return {0: (x, y), 90: (y, WIDTH - x), 180: (WIDTH - x, HEIGHT - y), 270: (HEIGHT - y, x)}[rotation]


PHOTOS = [(0, 0.0, None), (90, 5.0, None), (180, -3.0, None), (270, 8.0, None), (0, 0.0, 6), (90, 0.0, 6)]


@pytest.mark.parametrize(("rotation", "slope", "exif"), PHOTOS)
def test_words_are_found_where_their_ink_is(rotation, slope, exif):
    picture, result = photo(rotation, slope, exif)
    upright = Upright(result.page, slope)
    image = upright.image(picture).convert("L")
    for word in result.words:
        (left, top), _, (right, bottom), _ = upright.corners(word.quad)
        ink = image.crop((round(left) + 2, round(top) + 2, round(right) - 2, round(bottom) - 2))
        assert ink.size[0] > 2 * ink.size[1] * len(word.text) / 5
        assert ink.getextrema()[1] < 60  # nothing but ink


@pytest.mark.parametrize(("rotation", "slope", "exif"), PHOTOS)
def test_pdf_text_comes_out_in_order_and_lies_over_its_ink(rotation, slope, exif):
    out = io.BytesIO()
    writer = PdfWriter(out)
    picture, result = photo(rotation, slope, exif)
    writer.add(picture, result)
    writer.close()
    (page,) = PdfReader(out).pages
    width, height = float(page.mediabox.width), float(page.mediabox.height)
    placed = {}
    page.extract_text(visitor_text=lambda text, *where: placed.update({text.strip(): _on_page(*where)}))
    assert page.extract_text().split() == TEXT.split()
    assert (width, height) == pytest.approx((842, 842 * HEIGHT / WIDTH), abs=1)
    scale = width / WIDTH
    base = 60 - 0.2 * 40  # a fifth of a word's height lies below its base line
    assert placed["мы"] == pytest.approx((scale * (130 + MARGIN), height - scale * (base + MARGIN)), abs=1.5)


def _on_page(page: list[float], text: list[float], *_: object) -> tuple[float, float]:
    """Where the origin of a text comes to stand by the two matrices of PDF."""
    x, y = text[4], text[5]
    return x * page[0] + y * page[2] + page[4], x * page[1] + y * page[3] + page[5]


def test_a_pdf_of_nothing_readable_is_still_a_page():
    out = io.BytesIO()
    writer = PdfWriter(out)
    file = io.BytesIO()
    Image.new("RGB", (50, 80), "white").save(file, "PNG")
    writer.add(Picture("empty.png", file.getvalue()), results.recognition(reading("", 50, 80)))
    writer.close()
    (page,) = PdfReader(out).pages
    assert page.extract_text() == ""


def test_the_drawing_is_upright_and_leaves_the_page_between_words_alone():
    picture, result = photo(90, 0.0)
    drawn = annotated(picture, result)
    assert drawn.size == (WIDTH, HEIGHT)
    assert drawn.getpixel((WIDTH - 5, 200)) == (255, 255, 255)
    label = drawn.crop((MARGIN + 10, MARGIN, MARGIN + 110, MARGIN + 18))
    assert any(max(pixel) - min(pixel) > 60 for _, pixel in label.getcolors(10_000))


def test_the_drawing_colours_by_confidence():
    message = reading("ладно плохо", 400, 100)
    first, second = message.recognition.page.lines[0].words
    first.confidence, second.confidence = 1.0, 0.0
    file = io.BytesIO()
    Image.new("RGB", (400, 100), "white").save(file, "PNG")
    drawn = annotated(Picture("x", file.getvalue()), results.recognition(message))
    (red, green, _), (red2, green2, _) = drawn.getpixel((10, 40)), drawn.getpixel((130, 40))
    assert green > red
    assert red2 > green2


def test_small_writing_is_enlarged_to_be_legible():
    message = reading("мелко", 60, 20)
    word = message.recognition.page.lines[0].words[0]
    for point in (word.quad.top_left, word.quad.top_right, word.quad.bottom_right, word.quad.bottom_left):
        point.x, point.y = point.x / 4, point.y / 4
    file = io.BytesIO()
    Image.new("RGB", (60, 20), "white").save(file, "PNG")
    assert annotated(Picture("x", file.getvalue()), results.recognition(message)).size == (180, 60)


def test_csv_quotes_what_needs_it():
    out = io.BytesIO()
    CsvWriter(out).add(Picture('a,"b".jpg', Path()), results.recognition(reading('«он,"она"')))
    assert out.getvalue().decode().splitlines()[1].startswith('"«он,""она""",0.7500,')
    assert out.getvalue().decode().endswith(',0,"a,""b"".jpg"\n')


def test_text_has_headings_only_when_asked():
    for headings, expected in ((False, "а\nб\n"), (True, "== 1 ==\nа\n\n== 2 ==\nб\n")):
        out = io.BytesIO()
        writer = TextWriter(out, headings)
        writer.add(Picture("1", Path()), results.recognition(reading("а")))
        writer.add(Picture("2", Path()), results.recognition(reading("б")))
        assert out.getvalue().decode() == expected
