"""Data sets of openml.org, by scikit-learn's `fetch_openml`: the only data that need a network.

What was fetched once is read from scikit-learn's cache; `fetch_openml` compares it with OpenML's
checksum, and fetches anew what differs. That checksum is the fingerprint.
"""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple
from urllib.error import URLError

from regbench.config.blocks.openml import OpenMl
from regbench.data.description import Description
from regbench.data.given import Given, as_given, read_given
from regbench.data.source import Source
from regbench.data.table import Table
from regbench.errors import BadData, one_line

_PATIENCE_SECONDS = 30.0


class _Fetched(NamedTuple):
    given: Given
    fingerprint: str
    notes: tuple[str, ...]


@lru_cache(maxsize=2)
def _fetched(data_id: int) -> _Fetched:
    from sklearn.datasets import fetch_openml

    with _patience(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        bunch = fetch_openml(data_id=data_id, target_column=None, as_frame=True, parser="pandas")
    notes = tuple(
        one_line(str(each.message)) for each in told if issubclass(each.category, UserWarning)
    )
    checksum = bunch.details["md5_checksum"]
    return _Fetched(as_given(bunch.frame), f"openml {data_id} {checksum}", notes)


@contextmanager
def _patience() -> Iterator[None]:
    """Wait for a server, but not without end: fetch_openml has no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _of(config: OpenMl) -> _Fetched:
    try:
        return _fetched(config.data_id)
    except BadData as error:
        raise BadData(f"{config.label}: {error}") from None
    except (URLError, TimeoutError, ConnectionError) as error:
        why = one_line(str(getattr(error, "reason", error)))
        raise BadData(
            f"{config.label}: cannot be fetched from openml.org ({why}), and is not in "
            "scikit-learn's cache (SCIKIT_LEARN_DATA)"
        ) from None
    except (OSError, ValueError, KeyError, EOFError) as error:  # OpenMLError is a ValueError
        raise BadData(f"{config.label}: cannot be used: {one_line(str(error))}") from None


def _read(config: OpenMl) -> tuple[Description, Table]:
    of = _of(config)
    description, table = read_given(config, of.given)
    notes = (*description.notes, *of.notes)
    return replace(description, notes=notes), replace(table, fingerprint=of.fingerprint)


OPENML = Source(
    table=lambda config, seed, folder: _read(config)[1],
    shape=lambda config, folder: _read(config)[0].shape,
    fingerprint=lambda config, folder: _of(config).fingerprint,
    describe=lambda config, folder: _read(config)[0],
)
