"""A lesson: the study that shows a sentence of the textbooks, and what to look at in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regbench.api import Results
from regbench.textbook.finding import Finding

# Gives the results of a study of configs/studies, by name; trains what is not done yet.
Train = Callable[[str], Results]


@dataclass(frozen=True)
class Evidence:
    """What a lesson found.

    Attributes:
        findings: what the study's claims cannot say; those are added by `reproduce`.
        figure: draws the lesson's picture as SVG, when it is asked for.
    """

    findings: list[Finding]
    figure: Callable[[], bytes]


@dataclass(frozen=True)
class Lesson:
    """One sentence of the textbooks.

    Attributes:
        title: the sentence.
        source: where it is from; goes with the claims of the study file.
        look: trains, and gives what is to be seen.
        minutes: how long it takes on two cores, about.
        study: whether there is a study of the lesson's name in configs/studies.
    """

    title: str
    source: str
    look: Callable[[Train], Evidence]
    minutes: float
    study: bool = True

    @property
    def quick(self) -> bool:
        """Whether it is trained again wherever the tests run."""
        return self.minutes <= QUICK_MINUTES


QUICK_MINUTES = 0.5
