"""A font without ink: what a searchable picture's text is set in, so that it can be found and copied but not seen."""

from collections.abc import Iterable
from pathlib import Path

from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]  # ships no types
from fontTools.ttLib.tables._g_l_y_f import Glyph  # type: ignore[import-untyped]  # ships no types

UNITS = 1000
"""Units of the em."""
ADVANCE = 500
"""Width of every character, in units."""
DESCENT = 200
"""How far a line reaches below its base, in units; it reaches UNITS - DESCENT above."""


def write_font(path: Path, characters: Iterable[str]) -> None:
    """Writes a TrueType font that has these characters, each empty and ADVANCE wide.

    Each has a glyph of its own, though all are alike: a PDF maps glyphs back to characters.
    """
    codes = {ord(character): f"u{ord(character):05X}" for character in sorted(set(characters))}
    names = [".notdef", *codes.values()]
    font = FontBuilder(UNITS, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap(codes)
    font.setupGlyf({name: Glyph() for name in names})
    font.setupHorizontalMetrics(dict.fromkeys(names, (ADVANCE, 0)))
    font.setupHorizontalHeader(ascent=UNITS - DESCENT, descent=-DESCENT)
    font.setupOS2(sTypoAscender=UNITS - DESCENT, sTypoDescender=-DESCENT)
    font.setupNameTable({"familyName": "Glyphless", "styleName": "Regular"})
    font.setupPost()
    font.save(path)
