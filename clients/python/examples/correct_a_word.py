"""Reads a picture, asks for each doubtful word what it is, and tells the server."""

import sys

from zorky_client import Client

with Client() as client:
    # Only with this retention may the picture be kept until the corrections come.
    result = client.recognize(sys.argv[1], retention="feedback")
    corrections: dict[tuple[int, int], str] = {}
    for line_number, line in enumerate(result.lines):
        for word_number, word in enumerate(line.words):
            if word.confidence < 0.5 and (right := input(f"{line.text}\n{word.text} is (Enter: right as it is): ")):
                corrections[line_number, word_number] = right
    if corrections:
        receipt = client.correct_words(result, corrections, allow_training=True)
        print(f"kept as {receipt.feedback_id}")
    else:
        client.rate(result, good=True)
