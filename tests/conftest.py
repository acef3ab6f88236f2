"""Fixtures that several test modules share."""

import pytest
from comparison import BASE, NEW, writer


@pytest.fixture
def put(tmp_path):
    return writer(tmp_path)


@pytest.fixture
def both(put):
    return put("base.csv", BASE), put("new.csv", NEW)
