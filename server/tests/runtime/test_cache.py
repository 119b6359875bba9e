"""Answers for whoever asks the same again: the right ones, and no more memory than allowed."""

import random
import tracemalloc

from zorky_server.runtime.cache import Cache


def test_the_same_question_has_its_answer_and_no_other_has():
    cache = Cache[bytes](10_000)
    assert cache.get("model", b"q") is None
    cache.put("model", b"q", b"answer")
    assert cache.get("model", b"q") == b"answer"
    assert cache.get("model", b"other") is None


def test_a_new_model_begins_with_nothing_and_late_answers_of_the_old_one_are_not_kept():
    cache = Cache[bytes](10_000)
    cache.get("old", b"q")
    cache.put("old", b"q", b"old answer")
    assert cache.get("new", b"q") is None
    cache.put("old", b"q", b"old answer")
    assert cache.get("new", b"q") is None
    assert cache.get("old", b"q") is None


def test_what_was_asked_least_recently_is_forgotten_first():
    cache = Cache[bytes](3 * 1300)
    cache.get("model", b"")
    for key in (b"a", b"b", b"c"):
        cache.put("model", key, bytes(1000))
    cache.get("model", b"a")
    cache.put("model", b"d", bytes(1000))
    assert [cache.get("model", key) is not None for key in (b"a", b"b", b"c", b"d")] == [True, False, True, True]


def test_an_answer_larger_than_all_room_displaces_nothing():
    cache = Cache[bytes](2000)
    cache.get("model", b"")
    cache.put("model", b"small", b"answer")
    cache.put("model", b"large", bytes(2000))
    assert cache.get("model", b"large") is None
    assert cache.get("model", b"small") == b"answer"


def test_memory_stays_within_the_bound_whatever_is_kept():
    draw = random.Random(5)
    cache = Cache[bytes](2**20)
    cache.get("model", b"")
    tracemalloc.start()
    try:
        for number in range(20_000):
            cache.put("model", (number % 15_000).to_bytes(32), bytes(draw.choice((0, 20, 300, 5000))))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 2**19 < used < 1.1 * 2**20


def test_without_room_nothing_is_kept():
    cache = Cache[bytes](0)
    cache.get("model", b"q")
    cache.put("model", b"q", b"")
    assert cache.get("model", b"q") is None
