"""The `regbench` command: its sub-commands, and what becomes of every outcome."""

from __future__ import annotations

import atexit
import errno
import os
import shlex
import sys
import tempfile
import traceback
from typing import Annotated

import typer

from regbench.cli import (
    compare,
    convert,
    doctor,
    explain,
    gates,
    init,
    inspect,
    report,
    reproduce,
    run,
    study,
)
from regbench.cli.consoles import readers_may_leave
from regbench.cli.signals import Interrupted, Terminated, end_within, how_to_go_on, signals
from regbench.config.characters import one_line
from regbench.errors import RegbenchError, Unwritable

__all__ = ["app", "main"]

_EXIT_SECONDS = 3.0

app = typer.Typer(
    name="regbench",
    help="How much does a model overfit, which regularizer closes the gap, by how much, and how "
    "sure are we?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("sweep")(run.sweep)
app.command("validate")(study.validate)
app.command("plan")(study.plan)
app.command("explain")(explain.explain)
app.command("show")(inspect.show)
app.command("compare")(compare.compare)
app.command("check")(gates.check)
app.command("report")(report.report)
app.command("plot")(report.plot)
app.command("merge")(gates.merge)
app.command("reproduce")(reproduce.reproduce)
app.command("convert")(convert.convert)
app.command("list")(inspect.list_parts)
app.command("schema")(study.schema)
app.command("init")(init.init)
app.command("doctor")(doctor.doctor)


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        print(f"regbench {version('regbench')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line, and end with the exit code that docs/exit-codes.md promises."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        else:
            stream.reconfigure(errors="backslashreplace")
    # First in is last out: once all that Python waits for has ended, an alarm would find its
    # handler gone, and end a process that is as good as over with another code.
    atexit.register(end_within, 0, 0)
    code = outcome()
    if code in (Interrupted.exit_code, Terminated.exit_code):
        end_within(_EXIT_SECONDS, code)  # whatever Python still waits for
    sys.exit(code)


def outcome() -> int:
    """Run the command line; the exit code."""
    try:
        code = None
        with signals(), readers_may_leave():
            # Typer gives back the code of typer.Exit, and raises what it cannot handle.
            code = app(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except RegbenchError as error:
        for line in str(error).split("\n"):
            print(f"error: {one_line(line)}", file=sys.stderr)
        return error.exit_code
    except Interrupted as interrupt:
        print(how_to_go_on(), file=sys.stderr)
        return interrupt.exit_code
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO) and error.filename is None:
            print(f"error: stdout cannot be written: {error.strerror}", file=sys.stderr)
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Unwritable.exit_code
        return _defect(error)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # a usage error of click's
            error.show()
            return 2
        return _defect(error)


def _defect(error: Exception) -> int:
    with tempfile.NamedTemporaryFile(
        "w", prefix="regbench-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(f"{shlex.join(sys.argv)}\n\n")
        traceback.print_exception(error, file=file)
    name = type(error).__name__
    print(f"error: a defect in regbench ({name}: {error}); please report it", file=sys.stderr)
    print(f"error: with the traceback in {file.name}", file=sys.stderr)
    return 70
