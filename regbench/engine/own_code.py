"""A user's code at work: what goes wrong in it is one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from regbench.engine.out_of_memory import out_of_memory
from regbench.errors import RegbenchError
from regbench.models.own import OwnModule, failure


@contextmanager
def running(own: OwnModule) -> Iterator[None]:
    """While a user's code runs, it finds the files beside it.

    Raises:
        BadStudy: what it raises, with file and line; but memory that ran out comes out as it is.
    """
    try:
        with own.importing():
            yield
    except RegbenchError:
        raise
    except (Exception, SystemExit) as error:
        if out_of_memory(error):
            raise
        raise own.refused(_words(own, error)) from error


def _words(own: OwnModule, error: BaseException) -> str:
    if "modified by an inplace operation" in str(error):
        return (
            "its backward pass fails, as an in-place operation overwrites what it needs: replace "
            "x += y by x = x + y, or inplace=True by False"
        )
    return failure(error, own.file.parent if own.file else None)
