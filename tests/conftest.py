"""Fixtures that several test modules share."""

import pytest
from comparison import BASE, NEW, writer
from processes import end, launch


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
