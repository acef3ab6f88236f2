"""How tests are spread over workers and sped up, and fixtures that several modules share."""

import os

# Before NumPy is there: two workers on two cores compute on one thread each.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from command import regbench, study
from comparison import BASE, NEW, writer
from hypothesis import HealthCheck, is_hypothesis_test, settings
from processes import end, launch

# What a test says itself of its number of examples is for torture: see `fuzz.py`.
settings.register_profile(
    "quick",
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("torture", settings.get_profile("quick"), max_examples=1000)
settings.load_profile("quick")


def pytest_xdist_auto_num_workers(config):
    """Two for whole folders; a few modules are done before workers have started."""
    return 2 if any(".py" not in name for name in config.args) else 0


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A module's tests stay on one worker, which makes its fixtures once.

    Tests of the group "processes" start commands, send signals, wait for locks or watch the
    clock: they stay on one worker all together, so that none disturbs another, and come first, as
    nothing else takes so long.
    """
    group = pytest.mark.xdist_group("processes").mark
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") != group)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("fuzz")


def pytest_collection_finish():
    """What tests say is of the CPU, also on a machine with a GPU: `auto` does not find it."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.fixture
def put(tmp_path):
    return writer(tmp_path)


@pytest.fixture
def both(put):
    return put("base.csv", BASE), put("new.csv", NEW)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """torch computes on one thread, as a stack does: on busy cores several wait for each other."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The small study's folder, in `r` beside its file: to read, or to copy and act on the copy."""
    root = tmp_path_factory.mktemp("trained")
    done = regbench("run", study(root), "-o", root / "r", "-q")
    assert done.code == 0, done.err
    return root / "r"


@pytest.fixture
def start():
    """Starts commands as real processes; none outlives the test."""
    processes = []

    def begin(*arguments, **options):
        processes.append(launch(*arguments, **options))
        return processes[-1]

    yield begin
    for process in processes:
        end(process)


def pytest_terminal_summary(terminalreporter):
    """The figures that the long versions of tests have found, for docs/reliability.md."""
    passed = terminalreporter.stats.get("passed", [])
    figures = [
        value for report in passed for key, value in report.user_properties if key == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
    for figure in figures:
        terminalreporter.write_line(figure)
