"""Short form of benchmarks/start.py. Processor time, not seconds: others may be using the machine."""

from start import figures


def test_a_server_starts_with_little_work_and_does_none_when_nobody_asks() -> None:
    _, start, idle = figures(idle=4.0)
    assert start <= 3.0
    assert idle <= 0.02
