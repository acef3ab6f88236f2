"""Go through lessons: train their studies, and decide what the textbooks say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path

import regbench
from regbench.api import Results, run
from regbench.config.messages import did_you_mean
from regbench.errors import BadStudy
from regbench.executors.progress import Progress
from regbench.textbook.finding import Finding, claimed
from regbench.textbook.lesson import Evidence, Lesson
from regbench.textbook.lessons import LESSONS


@dataclass(frozen=True)
class Reproduced:
    """A lesson and what came out.

    Attributes:
        findings: the claims of its study, then what else was looked at.
        results: of its own study; None where it has none.
        evidence: gives the figure.
    """

    name: str
    lesson: Lesson
    findings: list[Finding]
    results: Results | None
    evidence: Evidence


def named(names: Sequence[str]) -> dict[str, Lesson]:
    """Lessons by name.

    Raises:
        BadStudy: there is no lesson of that name.
    """
    for name in names:
        if name not in LESSONS:
            hint = did_you_mean(name, LESSONS) or "; regbench reproduce lists them"
            raise BadStudy(f"there is no study {name!r} to reproduce{hint}")
    return {name: LESSONS[name] for name in names}


def study_file(name: str) -> Path:
    """The file of a shipped study: in a checkout, or where pip has put what came with the package.

    Raises:
        BadStudy: it is in neither.
    """
    checkout = Path(regbench.__file__).parent.parent / "configs" / "studies"
    places = [checkout, Path(get_path("data")) / "share" / "regbench" / "studies"]
    for place in places:
        if (path := place / f"{name}.yaml").is_file():
            return path
    raise BadStudy(f"{name}.yaml is not in {places[0]}: reproduce needs the shipped studies")


def reproduce(
    names: Sequence[str],
    out: Path,
    *,
    workers: int | None = 1,
    progress: Callable[[str], Progress] | None = None,
) -> Iterator[Reproduced]:
    """Train what is not done yet, one lesson after the other, and decide.

    Args:
        out: the folder that takes a results folder for each study.
        progress: gives a display for the study of that name.
    """
    for name, lesson in named(names).items():
        known: dict[str, Results] = {}

        def train(study: str, known: dict[str, Results] = known) -> Results:
            known[study] = run(
                study_file(study),
                out=out / study,
                workers=workers,
                progress=progress(study) if progress else None,
            )
            return known[study]

        evidence = lesson.look(train)
        claims = [claimed(each, lesson.source) for found in known.values() for each in found.claims]
        findings = [*claims, *evidence.findings]
        yield Reproduced(name, lesson, findings, known.get(name), evidence)


def columns(found: Sequence[Reproduced]) -> tuple[list[str], list[list[object]]]:
    """Header and rows of findings.csv."""
    header = ["study", "decision", "what", "found", "expected", "source"]
    rows: list[list[object]] = [
        [each.name, f.decision, f.what, f.found, f.expected, f.source]
        for each in found
        for f in each.findings
    ]
    return header, rows
