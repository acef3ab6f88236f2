"""What a study may be called: its results folder bears the name, on every system."""

from __future__ import annotations

import re
import unicodedata

from regbench.config.messages import shown

_MAX_BYTES = 200
_NAME = re.compile(r"[^\W_][\w .+=,()-]{0,99}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d) *(\..*)?|reference")


def why_no_name(name: str) -> str:
    """Why a name cannot be a folder's; empty where it can.

    >>> why_no_name("small nets (2)"), why_no_name("x²")
    ('', "cannot name a results folder: write 'x2'")
    """
    plain = unicodedata.normalize("NFKC", name)
    bad = not _NAME.fullmatch(name) or _RESERVED.fullmatch(name) or name[-1] in " ."
    if not bad and plain != name:
        # Two names that look alike would be two folders here and one elsewhere.
        return f"cannot name a results folder: write {shown(plain)}"
    if bad or len(name.encode()) > _MAX_BYTES:
        return (
            "cannot name a results folder: use letters, digits, spaces and -_.+=,() and begin with "
            "a letter or digit ('reference' is reserved)"
        )
    return ""
