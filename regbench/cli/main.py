"""The `regbench` command: its sub-commands, and what becomes of every outcome."""

from __future__ import annotations

import atexit
import shlex
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from regbench.cli import (
    compare,
    convert,
    data,
    doctor,
    explain,
    export,
    gates,
    init,
    inspect,
    report,
    reproduce,
    run,
    study,
)
from regbench.cli.signals import Interrupted, Terminated, end_within, how_to_go_on, signals
from regbench.cli.streams import lost_output, open_streams
from regbench.errors import BadStudy, RegbenchError, Unwritable, one_line

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
app.command("data")(data.data)
app.command("explain")(explain.explain)
app.command("show")(inspect.show)
app.command("compare")(compare.compare)
app.command("check")(gates.check)
app.command("report")(report.report)
app.command("plot")(report.plot)
app.command("merge")(gates.merge)
app.command("export")(export.export)
app.command("predict")(export.predict)
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
    open_streams()
    # First in is last out: once all that Python waits for has ended, an alarm would find its
    # handler gone, and end a process that is as good as over with another code.
    atexit.register(end_within, 0, 0)
    code = outcome()
    if code in (Interrupted.exit_code, Terminated.exit_code):
        end_within(_EXIT_SECONDS, code)  # whatever Python still waits for
    if (error := lost_output()) is not None and code == 0:
        _say(f"stdout cannot be written: {error.strerror}")
        code = Unwritable.exit_code
    sys.exit(code)


def outcome() -> int:
    """Run the command line; the exit code."""
    try:
        code = None
        with signals():
            _require_text(sys.argv[1:])
            # Typer gives back the code of typer.Exit, and raises what it cannot handle.
            code = app(standalone_mode=False, prog_name="regbench")
        return code if isinstance(code, int) else 0
    except RegbenchError as error:
        _say(*error.lines)
        return error.exit_code
    except Interrupted as interrupt:
        print(how_to_go_on(), file=sys.stderr)
        return interrupt.exit_code
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            return _defect(error)
        return _wrong_usage(error, message())


def _require_text(arguments: Sequence[str]) -> None:
    """Refuse what is no text, or nothing: `-o ""` would be the working directory.

    Raises:
        BadStudy: naming the argument.
    """
    for number, argument in enumerate(arguments, 1):
        if not argument or (argument.startswith("--") and argument.endswith("=")):
            before = argument or (arguments[number - 2] if number > 1 else "")
            raise BadStudy(f"argument {number} is empty{f' ({before})' if before else ''}")
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise BadStudy(f"argument {number} is not UTF-8: {argument}") from None


def _wrong_usage(error: Any, message: str) -> int:
    """Say what the parser of the command line found; without any argument, it is the help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        command = error.ctx.command_path if error.ctx else "regbench"
        _say(f"{one_line(message)} ({command} --help shows what there is)")
    return 2


def _say(*lines: str) -> None:
    for line in lines:
        print(f"error: {line}", file=sys.stderr)


def _defect(error: Exception) -> int:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="regbench-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file:
            file.write(f"{shlex.join(sys.argv)}\n\n")
            traceback.print_exception(error, file=file)
        place = f"with the traceback in {file.name}"
    except OSError as problem:
        place = f"no file could take the traceback: {problem}"
    found = one_line(f"{type(error).__name__}: {error}")
    _say(f"a defect in regbench ({found}); please report it", place)
    return 70
