"""How often a property is tried: a few times in every test run, at length in `make torture`."""

from functools import reduce

from hypothesis import example, settings

AT_LENGTH = settings.get_current_profile_name() == "torture"


def examples(number):
    """60 in `make test`, this number in `make torture`."""
    return settings(max_examples=number if AT_LENGTH else 60)


def each_of(cases, name):
    """Tried before all that is made up: what has been wrong once."""
    return lambda test: reduce(lambda to, case: example(**{name: case})(to), cases, test)
