"""A study from a file, a text or a mapping; claims besides its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from regbench.config.characters import as_path, as_texts
from regbench.config.claims import Addresses, BadClaim, Claim, read_claim
from regbench.config.overrides import Seeds
from regbench.config.plain import plain
from regbench.config.plan import Study
from regbench.config.read import read_study
from regbench.config.yaml_nodes import MAX_BYTES
from regbench.config.yaml_text import Document, parse_yaml
from regbench.errors import BadStudy, Problem


class _Options(TypedDict, total=False):
    """Keywords of `read_study`, which says what they are."""

    axes: Sequence[str]
    seeds: Seeds
    max_runs: int
    given: Mapping[str, Any] | None


def load_study(
    path: Path | str, overrides: Sequence[str] = (), **options: Unpack[_Options]
) -> Study:
    """Read a study file.

    Args:
        overrides: `key=value` texts that set the base, values parsed as in the file.
        options: see `read_study`.
    Raises:
        BadStudy: with every problem of the file and the overrides.
    """
    path = as_path(path)
    try:
        # A pipe that nobody writes to is empty, and does not hold the command up.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        os.set_blocking(descriptor, True)
        with open(descriptor, "rb") as file:
            content = file.read(MAX_BYTES + 1)  # it may be a device, which has no end
        if len(content) > MAX_BYTES:
            raise BadStudy(Problem(f"is larger than {MAX_BYTES >> 20} MiB", str(path)))
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise BadStudy(Problem(f"is not UTF-8 (byte {error.start})", str(path))) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise BadStudy(Problem(f"cannot be read: {reason}", str(path))) from error
    return parse_study(text, str(path), path.parent, name=path.stem, overrides=overrides, **options)


def parse_study(
    text: str,
    source: str = "study.yaml",
    folder: Path = Path(),
    *,
    name: str = "study",
    overrides: Sequence[str] = (),
    **options: Unpack[_Options],
) -> Study:
    """A study from the text of a file; see `read_study`."""
    document = parse_yaml(text, source)
    return read_study(document, source, folder, name, overrides=overrides, **options)


def study_from_mapping(
    values: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    folder: Path = Path(),
    **options: Unpack[_Options],
) -> Study:
    """A study from plain values, as a file would hold them; NumPy's numbers and arrays, tuples and
    ranges count as plain, too.

    Args:
        overrides: `key=value` texts that set the base.
        folder: what paths of data files are relative to.
        options: see `read_study`.
    Raises:
        BadStudy: with every problem.

    >>> study = study_from_mapping({"dataset": "iris", "sweep": {"regularizer": ["none", "l2"]}})
    >>> [cell.name for cell in study.cells], study.seeds
    (['none', 'l2'], (0, 1, 2, 3, 4))
    """
    document = Document(plain(values, "study"))
    return read_study(document, "study", folder, "study", overrides=overrides, **options)


def more_claims(study: Study, expect: Sequence[str]) -> list[Claim]:
    """Claims about a study besides its own, as in a study file.

    Raises:
        BadStudy: with every problem.

    >>> study = study_from_mapping({"dataset": "iris", "sweep": {"regularizer": ["none", "l2"]}})
    >>> [claim.op for claim in more_claims(study, ["gap_acc[l2] <= 0.1"])]
    ['<=']
    """
    problems: list[Problem] = []
    claims: list[Claim] = []
    known = Addresses(study.cells)
    for text in as_texts(expect, "expect"):
        try:
            claims.append(read_claim(text, study.metrics, known))
        except BadClaim as error:
            place = f"column {error.column + 1} of {text!r}"
            problems.append(Problem(f"{error} ({place})", "--expect"))
    if problems:
        raise BadStudy(*dict.fromkeys(problems))
    return claims
