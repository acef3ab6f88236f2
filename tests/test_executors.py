"""An executor that is made up: what the driver asks of one, and what it makes of what it tells."""

import json
from contextlib import nullcontext

import pytest
from command import SMALL, contents, regbench, study

import regbench as package
from regbench.errors import BadStudy
from regbench.executors import sites
from regbench.executors.executor import Lost, Trained
from regbench.executors.train import train


class Backwards:
    """Trains what came last first, and loses what it trains so many times."""

    room = 2

    def __init__(self, losses):
        self.losses, self.jobs, self.tries, self.order = losses, [], {}, []

    def submit(self, job):
        self.jobs.append(job)
        self.room -= 1

    def wait(self, tell):
        job = self.jobs.pop()
        self.room += 1
        stack_id = job.stack.stack_id
        self.tries[stack_id] = self.tries.get(stack_id, 0) + 1
        if self.tries[stack_id] <= self.losses:
            tell(Lost(stack_id, "it was lost", alone=self.losses == 1))
            return
        events = []
        train(job, events.append, {})
        ended = [event for event in events if isinstance(event, Trained)]
        self.order += [event.stack_id for event in ended]
        for event in ended:
            tell(event)

    def cancel(self, tell):
        self.jobs.clear()


@pytest.mark.parametrize(("losses", "code"), [(0, 0), (1, 0), (2, 0), (3, 1)])
def test_a_made_up_executor(tmp_path, monkeypatch, trained, losses, code):
    executor = Backwards(losses)

    class Site(sites.ThisMachine):
        def executor(self, plan, stacks, device, workers):
            assert [stack.stack_id for stack in stacks] == ["s0001", "s0002"]
            return executor

    monkeypatch.setitem(sites.SITES, "made up", lambda address: nullcontext(Site()))
    results = package.run(study(tmp_path), out=tmp_path / "r", executor="made up")
    assert (results.summary.failed > 0) == bool(code)
    assert len(results.warnings) == 2 * min(losses, 2)
    if code:
        assert set(results.runs.error) == {"it was lost"}
    else:
        assert sorted(executor.order) == ["s0001", "s0002"]
        assert contents(tmp_path / "r") == contents(trained)
        assert regbench("show", tmp_path / "r").out == regbench("show", trained).out


def test_an_executor_that_there_is_not(tmp_path):
    with pytest.raises(BadStudy, match="executor: expected one of local, ray, not 'spark'"):
        package.run({"dataset": "iris"}, out=tmp_path / "r", executor="spark")
    assert not (tmp_path / "r").exists()


def test_plan_estimates_the_time_of_workers(tmp_path):
    path = study(tmp_path, SMALL.replace("epochs: 4", "epochs: 40000"))
    one, two = (json.loads(regbench("plan", path, "--format", "json", "-j", n).out) for n in (1, 2))
    each = [stack["seconds"] for stack in one["stacks_planned"]]
    assert one["estimated_seconds"] == round(sum(each), 1)
    assert two["estimated_seconds"] == round(max(each), 1)
    assert "s on 2 workers, " in regbench("plan", path, "-j", 2).out
