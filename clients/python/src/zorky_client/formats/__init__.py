"""Readings as files: text, JSON lines, CSV, searchable PDF, and pictures with the reading drawn on them."""

from zorky_client.formats.annotated import annotated
from zorky_client.formats.pdf import PdfWriter
from zorky_client.formats.picture import Picture
from zorky_client.formats.plain import CsvWriter, JsonWriter, TextWriter, Writer

__all__ = ["CsvWriter", "JsonWriter", "PdfWriter", "Picture", "TextWriter", "Writer", "annotated"]
