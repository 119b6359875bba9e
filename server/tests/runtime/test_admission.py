"""Admission: bounded, deadline-aware, honest to those inside, and back to empty after every request."""

from collections.abc import Callable
from contextlib import ExitStack
from math import inf
from time import monotonic

import pytest

from zorky_server.metrics import Metrics
from zorky_server.runtime.admission import Admission, Lane
from zorky_server.runtime.errors import Overloaded


def admission(max_pending: int = 10, workers: int = 1, **costs: float) -> Admission:
    """costs: seconds that a request of the kind has been seen to take."""
    one = Admission(max_pending, workers, Metrics())
    for kind, seconds in costs.items():
        with one.admit(kind, inf, Lane.INTERACTIVE) as ticket:
            ticket.spent = seconds
            one.learn(ticket)
    return one


def enter(one: Admission, kind: str = "page", patience: float = inf, lane: Lane = Lane.INTERACTIVE) -> ExitStack:
    """Admits a request until the stack is closed. patience: seconds to its deadline."""
    with ExitStack() as stack:
        stack.enter_context(one.admit(kind, monotonic() + patience, lane))
        return stack.pop_all()


def test_more_than_the_bound_is_refused_with_a_hint_and_a_place_comes_free_again() -> None:
    one = admission(max_pending=1)
    with enter(one):
        with pytest.raises(Overloaded) as refused:
            enter(one)
        assert refused.value.retry_after > 0
    assert len(one) == 0
    enter(one)


def test_what_cannot_be_done_in_time_is_refused_and_told_when_to_come_again() -> None:
    one = admission(page=1.0)
    with enter(one, patience=1.2):
        with pytest.raises(Overloaded) as refused:
            enter(one, patience=1.5)
        assert refused.value.retry_after == pytest.approx(0.65, abs=0.11)
        enter(one, patience=2.5)


def test_an_idle_server_tries_even_a_short_deadline() -> None:
    enter(admission(page=60.0), patience=1)


def test_a_place_comes_free_when_the_request_fails() -> None:
    one = admission(max_pending=1)
    with pytest.raises(KeyError), one.admit("page", inf, Lane.INTERACTIVE):
        raise KeyError
    assert len(one) == 0


def test_two_workers_take_twice_as_much() -> None:
    narrow, wide = admission(page=1.0), admission(page=1.0, workers=2)
    with enter(narrow, patience=2.3), enter(narrow, patience=2.3), pytest.raises(Overloaded):
        enter(narrow, patience=2.5)
    with enter(wide, patience=2.3), enter(wide, patience=2.3):
        enter(wide, patience=2.5)


def test_a_crop_is_admitted_where_a_page_would_be_late() -> None:
    one = admission(page=1.0, crop=0.01)
    with enter(one, "page", patience=1.5):
        with pytest.raises(Overloaded):
            enter(one, "page", patience=1.5)
        enter(one, "crop", patience=1.5)


def test_work_that_is_done_already_counts_no_more() -> None:
    one = admission(page=1.0)
    with one.admit("page", monotonic() + 1.3, Lane.INTERACTIVE) as ticket:
        with pytest.raises(Overloaded):
            enter(one, patience=1.5)
        ticket.spent = 0.8
        enter(one, patience=1.5)


def test_a_newcomer_in_a_hurry_must_not_make_one_late_that_was_admitted() -> None:
    one = admission(page=1.0)
    with enter(one, patience=1.5), pytest.raises(Overloaded):
        enter(one, patience=1.3)


def test_one_that_is_late_already_keeps_nobody_out() -> None:
    one = admission(page=1.0)
    with enter(one, patience=0.01):
        enter(one, patience=2.5)


def test_bulk_work_keeps_no_person_waiting_and_waits_for_persons() -> None:
    one = admission(page=1.0)
    with enter(one, lane=Lane.BULK, patience=60):
        enter(one, patience=1.5)
    with enter(one, patience=1.4), pytest.raises(Overloaded):
        enter(one, lane=Lane.BULK, patience=1.5)


def test_who_has_a_deadline_goes_before_who_has_none_but_not_for_ever() -> None:
    one = admission()
    with one.admit("page", inf, Lane.INTERACTIVE) as patient:
        with one.admit("page", monotonic() + 1, Lane.INTERACTIVE) as hurried:
            assert hurried < patient
        with one.admit("page", monotonic() + 60, Lane.INTERACTIVE) as later:
            assert patient < later


def test_a_kind_never_seen_is_taken_for_average() -> None:
    one = admission(page=1.0, crop=0.2)
    with one.admit("photo", inf, Lane.INTERACTIVE) as ticket:
        assert ticket.estimate == pytest.approx(0.6)


def test_the_estimate_follows_what_the_kind_costs_lately() -> None:
    one = admission(page=1.0)
    for _ in range(20):
        with one.admit("page", inf, Lane.INTERACTIVE) as ticket:
            ticket.spent = 0.1
            one.learn(ticket)
    with one.admit("page", inf, Lane.INTERACTIVE) as ticket:
        assert ticket.estimate == pytest.approx(0.1, abs=0.02)


def missed(one: Admission) -> None:
    one.missed()


def answered_late(one: Admission) -> None:
    with one.admit("page", inf, Lane.INTERACTIVE) as ticket:
        ticket.spent = 1.0
        ticket.admitted -= 60.0
        one.learn(ticket)


@pytest.mark.parametrize("failing", [missed, answered_late])
def test_estimates_are_stretched_while_values_come_late_and_recover(failing: Callable[[Admission], None]) -> None:
    one = admission(page=1.0)
    with enter(one, patience=1.5):
        enter(one, patience=3.0)
    for _ in range(10):
        failing(one)
    with enter(one, patience=2.5), pytest.raises(Overloaded):
        enter(one, patience=3.0)
    for _ in range(600):
        with one.admit("page", inf, Lane.INTERACTIVE) as ticket:
            ticket.spent = 1.0
            one.learn(ticket)
    with enter(one, patience=1.5):
        enter(one, patience=3.0)
