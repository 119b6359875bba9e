"""Short form of benchmarks/tagged.py."""

import pytest
from replica import Replica
from tagged import FLAGS, Readings, checks_of, numbers, readings

CALLERS = 500


async def test_of_many_callers_at_once_each_gets_the_answer_to_its_own_picture(tmp_path):
    with Replica(tmp_path, *FLAGS) as server:
        found = await readings(server.address, numbers(CALLERS))
    assert [check for check in checks_of(found, CALLERS) if not check.holds] == []


@pytest.mark.parametrize("alone", [{}, {10: "10"}, {10: "1O"}])
def test_answers_that_changed_callers_are_found_out(alone):
    crossed = Readings(together={10: "11", 11: "10", 12: "12"}, alone=alone, left=1, seconds=1.0)
    assert crossed.strange == [10, 11]
