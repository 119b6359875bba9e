"""Readings as files: text, JSON lines, CSV, searchable PDF, and pictures with the reading drawn on them."""
