"""A refusal comes soon: what hangs, or grows with the square of its input, takes minutes."""

import time
from contextlib import contextmanager

# Seconds of the processor. Two are promised of two cores of a server; how fast another machine is,
# no test can know.
SOON = 10


@contextmanager
def soon():
    begin = time.process_time()
    yield
    assert time.process_time() - begin < SOON
