"""Reads one picture and prints its text, and the words that a person should check."""

import sys

from zorky_client import Client, InvalidRequest

DOUBTFUL = 0.5

with Client() as client:  # at $ZORKY_SERVER, or localhost:50051
    try:
        result = client.recognize(sys.argv[1], languages=["ru", "en"], max_alternatives=3)
    except InvalidRequest as error:
        sys.exit(f"{error.field} was refused ({error.reason}): {error}")

print(result.text)
for word in result.words:
    if word.confidence < DOUBTFUL:
        others = ", ".join(alternative.text for alternative in word.alternatives)
        corner = word.quad.top_left
        print(
            f"check {word.text!r} at ({corner.x:.0f}, {corner.y:.0f}); it may be {others or 'anything'}",
            file=sys.stderr,
        )
