"""From what people corrected, with their leave, to labelled lines.

feedback ─ labels ─▶ lines with text ─ vetting ─▶ lines to learn from ─ split by writer ─▶ folder of crops
"""
