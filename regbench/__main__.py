"""`python -m regbench`, and the `regbench` script.

Nothing heavy is imported before Ctrl-C has a handler: it ends the command quietly from the start.
"""

import os
import signal
from types import FrameType
from typing import NoReturn


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    os._exit(128 + number)


def main() -> None:
    """Run the command line; until it has its own handlers, and after, a signal just ends it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    # Where a standard stream is closed, the next file to be opened would stand in its place, and
    # hold what is meant for the stream.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    from regbench.cli.environment import settle_environment

    settle_environment()
    # Else scikit-learn's helper looks for semaphores, which are not needed, and says what it lacks.
    os.environ.setdefault("JOBLIB_MULTIPROCESSING", "0")
    from regbench.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
