"""Time limits are measured by a clock that nobody sets."""

import pytest

from regbench.errors import TimeIsUp
from regbench.executors import limits
from regbench.executors.limits import Clock, Limits


@pytest.mark.parametrize("jump", [-3600.0, 0.0, 3600.0])
def test_a_time_limit_does_not_follow_the_clock_on_the_wall(monkeypatch, jump):
    steady, wall = [50.0], [1e9]
    monkeypatch.setattr(limits.time, "monotonic", lambda: steady[0])
    monkeypatch.setattr(limits.time, "time", lambda: wall[0])
    clock = Clock(Limits(seconds=10))
    steady[0] += 9.5
    wall[0] += 9.5 + jump  # somebody set the clock, or summer came
    clock.check()
    assert clock.seconds == 9.5
    steady[0] += 0.5
    with pytest.raises(TimeIsUp, match="the time limit of 10 s is reached"):
        clock.check()
