"""Whether a results folder is still the one that was opened."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from regbench.errors import Unwritable


def may(path: Path, mode: int) -> bool:
    """Whether this process may do that with what lies there, if there is something."""
    effective = os.access in os.supports_effective_ids
    return not os.path.exists(path) or os.access(path, mode, effective_ids=effective)


@dataclass(frozen=True)
class Place:
    """A results folder, known by its lock: another folder of its name has another one.

    Attributes:
        device, file: of the lock, as the system numbers them.
    """

    folder: Path
    device: int
    file: int

    @classmethod
    def of(cls, folder: Path) -> Place:
        """The folder as it is now, locked.

        Raises:
            Unwritable: it is gone already.
        """
        try:
            info = os.stat(folder / ".regbench" / "lock")
        except OSError as error:
            raise Unwritable(f"{folder}: cannot be written: {error.strerror}") from error
        return cls(folder, info.st_dev, info.st_ino)

    def trouble(self) -> str | None:
        """What has happened to the folder; None while it is there, the same and readable.

        >>> Place(Path("x"), 1, 1).trouble()
        'x: cannot be written: it was removed or renamed meanwhile; the same command starts again'
        """
        try:
            info = os.stat(self.folder / ".regbench" / "lock")
        except (FileNotFoundError, NotADirectoryError):
            what = "it was removed or renamed meanwhile"
        except OSError as error:
            what = f"{error.strerror}"
        else:
            if (info.st_dev, info.st_ino) != (self.device, self.file):
                what = "it was replaced by another folder meanwhile"
            elif not may(self.folder / ".regbench" / "stacks", os.R_OK | os.X_OK):
                what = os.strerror(errno.EACCES)
            else:
                return None
        return f"{self.folder}: cannot be written: {what}; the same command starts again"

    def require(self) -> None:
        """Go on if it is there and the same.

        Raises:
            Unwritable: it is not.
        """
        if trouble := self.trouble():
            raise Unwritable(trouble)
