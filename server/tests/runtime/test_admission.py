"""Admission: bounded, deadline-aware, and back to empty after every request."""

from time import monotonic

import pytest

from zorky_server.runtime.admission import Admission
from zorky_server.runtime.errors import Overloaded


def test_more_than_the_bound_is_refused_with_a_hint_and_a_place_comes_free_again() -> None:
    admission = Admission(max_pending=1, parallel=1)
    with admission.admit(deadline=float("inf")):
        with pytest.raises(Overloaded) as refused, admission.admit(deadline=float("inf")):
            pytest.fail("admitted beyond the bound")
        assert refused.value.retry_after > 0
    with admission.admit(deadline=float("inf")):
        pass


def test_what_cannot_be_done_in_time_is_refused_at_once() -> None:
    admission = Admission(max_pending=10, parallel=1)
    admission.record(service=1.0)
    with admission.admit(deadline=monotonic() + 5):
        with pytest.raises(Overloaded), admission.admit(deadline=monotonic() + 1.5):
            pytest.fail("two seconds of work were admitted for one and a half")
        with admission.admit(deadline=monotonic() + 5):
            pass


def test_an_idle_service_tries_even_a_short_deadline() -> None:
    admission = Admission(max_pending=10, parallel=1)
    admission.record(service=60.0)
    with admission.admit(deadline=monotonic() + 1):
        pass


def test_a_place_comes_free_when_the_request_fails() -> None:
    admission = Admission(max_pending=1, parallel=1)
    with pytest.raises(KeyError), admission.admit(deadline=float("inf")):
        raise KeyError
    with admission.admit(deadline=float("inf")):
        pass


def test_the_estimate_grows_with_those_inside_and_shrinks_with_parallelism() -> None:
    narrow, wide = Admission(10, parallel=1), Admission(10, parallel=2)
    for admission in (narrow, wide):
        admission.record(service=1.0)
    with narrow.admit(float("inf")), wide.admit(float("inf")):
        assert narrow.estimate() == pytest.approx(2.0)
        assert wide.estimate() == pytest.approx(1.5)
