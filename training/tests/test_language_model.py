"""What the language model is built from: tries that keep every word's share, letters that add up."""

import json
from pathlib import Path

import numpy as np
import pytest

from zorky_server.tasks.handwriting.language_model import END, SCRIPTS, STEP, Trie
from zorky_server.tasks.handwriting.model import PARTS
from zorky_training.language_model import letter_costs, record, rests, trie_arrays

ALPHABET = "abc"
SHARES = {"a": 0.4, "ab": 0.2, "abc": 0.1, "b": 0.2, "cab": 0.1}


def share_in(trie: Trie, word: str) -> float:
    """What the trie makes of a word's share, 0 where it does not hold it."""
    node, cost = 0, 0
    for label in [ALPHABET.index(c) + 1 for c in word] + [END]:
        node = trie.labels.find(label, trie.first[node], trie.first[node + 1])
        if node < 0:
            return 0.0
        cost += trie.costs[node]
    return float(np.exp(-STEP * cost))


def test_a_trie_holds_its_words_with_their_shares_and_no_others() -> None:
    trie = Trie.of(**trie_arrays(SHARES, ALPHABET))
    for word, share in SHARES.items():
        assert share_in(trie, word) == pytest.approx(share, rel=0.15)
    assert all(share_in(trie, word) == 0 for word in ("c", "ca", "ba", "abca", "bb"))


def test_costs_of_letters_are_those_of_probabilities() -> None:
    size = len(ALPHABET) + 2
    p = np.exp(-STEP * letter_costs(SHARES, {"bc": 1.0}, ALPHABET).astype(float))
    assert p.shape == (size,) * 4
    np.testing.assert_allclose(p[..., :-1].sum(axis=-1), 1, atol=0.05)
    assert p[END, END, END, 1] > p[END, END, END, 3] > 0, "words begin with a more often than with c"
    assert p[-1, -1, -1, 2] > p[-1, -1, -1, 1], "the rest of a broken word begins with b"


def test_rests_begin_where_a_word_may_be_broken() -> None:
    found = rests({"математические": 1e-5, "дверь": 1e-5, "редкое": 1e-9})
    assert {"тические", "ческие", "кие"} <= set(found)
    assert not {"рь", "е", "дкое", "атематические"} & set(found)


def test_every_script_has_room_for_its_labels() -> None:
    assert all(len(set(letters)) == len(letters) < 250 for letters in SCRIPTS.values())


def test_a_rebuilt_part_is_named_by_the_manifest_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / PARTS["decoding"]).write_text("{}")
    manifest = {"name": "x", "weights": {"detector": {"file": "d", "sha256": "0"}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    record(tmp_path, "decoding")
    written = json.loads((tmp_path / "manifest.json").read_text())
    assert written["weights"]["detector"] == manifest["weights"]["detector"]
    assert written["weights"]["decoding"]["file"] == PARTS["decoding"]
    assert len(written["weights"]["decoding"]["sha256"]) == 64
