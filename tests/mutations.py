"""Tests of the tests: the product loses one safeguard at a time, and its tests must turn red.

    python tests/mutations.py       # what `make torture` does
    python tests/mutations.py 12    # from the 12th on

Each safeguard is taken out of a copy of the package, in a folder that is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Mutation:
    """A safeguard, how it is taken out, and the tests that hold it."""

    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = [
    Mutation(
        "no flush of a file",
        "results/files.py",
        "                disk.flush(temporary, handle)\n",
        "",
        ("tests/test_faults.py", "tests/test_power.py"),
    ),
    Mutation(
        "no flush of its folder",
        "results/files.py",
        "            raise\n        disk.flush_folder(path.parent)\n",
        "            raise\n",
        ("tests/test_faults.py", "tests/test_power.py"),
    ),
    Mutation(
        "the flush asks the system for nothing",
        "results/disk.py",
        "        os.fsync(handle)\n\n    def close",
        "\n    def close",
        ("tests/test_power.py",),
    ),
    Mutation(
        "new folders are not flushed",
        "results/files.py",
        "            disk.make_folder(each)\n            disk.flush_folder(each.parent)\n",
        "            disk.make_folder(each)\n",
        ("tests/test_power.py",),
    ),
    Mutation(
        "a folder that a killed command made is taken for flushed",
        "results/files.py",
        "            disk.flush_folder(missing[-1].parent.parent)\n",
        "            pass\n",
        ("tests/test_power.py -m torture",),
    ),
    Mutation(
        "what a killed command left is taken for flushed",
        "results/store.py",
        "            keep_folder(each)\n",
        "            pass\n",
        ("tests/test_power.py -m torture",),
    ),
    Mutation(
        "a failed flush is tried again",
        "results/disk.py",
        '        self._ask("flush", path)\n        os.fsync(handle)\n',
        '        try:\n            self._ask("flush", path)\n        except OSError:\n'
        '            self._ask("flush", path)\n        os.fsync(handle)\n',
        ("tests/test_faults.py",),
    ),
    Mutation(
        "files are written in place",
        "results/files.py",
        '        temporary = path.with_name(f".{path.name[:40]}.{token_hex(4)}.tmp")\n',
        "        temporary = path\n        path.unlink(missing_ok=True)\n",
        ("tests/test_store.py", "tests/test_lock.py -k reader"),
    ),
    Mutation(
        "a write stops where the system took a part",
        "results/disk.py",
        "        while left:\n",
        "        for _ in range(1):\n",
        ("tests/test_faults.py",),
    ),
    Mutation(
        "the disk's refusal is no outcome of regbench's",
        "results/files.py",
        "    except OSError as error:\n        why =",
        "    except ZeroDivisionError as error:\n        why =",
        ("tests/test_faults.py",),
    ),
    Mutation(
        "no lock",
        "results/disk.py",
        "        lock.acquire()\n",
        "",
        ("tests/test_lock.py -k dead", "tests/test_store.py -k one_writer"),
    ),
    Mutation(
        "a dead process is named as the owner",
        "results/lock.py",
        "    except ProcessLookupError:\n        return False\n",
        "    except ProcessLookupError:\n        return True\n",
        ("tests/test_lock.py",),
    ),
    Mutation(
        "a folder that has taken the place of another is written",
        "results/place.py",
        "            if (info.st_dev, info.st_ino) != (self.device, self.file):\n",
        "            if False:\n",
        ("tests/test_folder_trouble.py -k another",),
    ),
    Mutation(
        "a table is written into the folder that has come in the place of another",
        "results/files.py",
        "            if require is not None:\n                require()\n",
        "",
        ("tests/test_folder_trouble.py -m torture -k replaced",),
    ),
    Mutation(
        "a note that the disk does not give is damaged",
        "results/proof.py",
        "        if not is_damage(error):\n            raise\n",
        "",
        ("tests/test_faults.py -m torture -k eio",),
    ),
    Mutation(
        "what is no regular file is opened",
        "results/disk.py",
        "    if not S_ISREG(info.st_mode):\n",
        "    if False:\n",
        ("tests/test_hostile_folders.py -k sane_size",),
    ),
    Mutation(
        "a table with holes is read to its end",
        "results/proof.py",
        '        if b"\\0" in chunk:\n            return ""\n',
        "",
        ("tests/test_hostile_folders.py -k hole",),
    ),
    Mutation(
        "a stack whose worker is killed is not tried again",
        "executors/drive.py",
        "_MOST_TRIES = 3\n",
        "_MOST_TRIES = 1\n",
        ("tests/test_workers.py -k three_times",),
    ),
    Mutation(
        "workers run the caller's script again",
        "executors/processes.py",
        "            with _without_script():\n",
        "            if True:\n",
        ("tests/test_workers.py -m torture -k stdin",),
    ),
    Mutation(
        "no checksum",
        "results/sealed.py",
        '    if _digest(content) != path.name.split(".")[-2]:\n',
        "    if False:\n",
        ("tests/test_checkpoints.py", "tests/test_doctor.py"),
    ),
    Mutation(
        "a checkpoint of other work is taken",
        "results/checkpoints.py",
        '        if metadata.get("key") != key:\n',
        "        if False:\n",
        ("tests/test_checkpoints.py",),
    ),
    Mutation(
        "one checkpoint is kept",
        "results/checkpoints.py",
        "_KEPT = 2\n",
        "_KEPT = 1\n",
        ("tests/test_checkpoints.py",),
    ),
    Mutation(
        "damage hides what comes after it",
        "results/pieces.py",
        "                yield path, damage\n                continue\n",
        "                yield path, damage\n                return\n",
        ("tests/test_doctor.py", "tests/test_store.py"),
    ),
    Mutation(
        "a piece that the disk does not give is damaged",
        "results/pieces.py",
        "            except Damaged as damage:\n",
        "            except Exception as damage:\n",
        ("tests/test_faults.py",),
    ),
    Mutation(
        "the note of stacks is all that is known of them",
        "results/stacks.py",
        "        if run not in in_a_note:\n",
        "        if False:\n",
        ("tests/test_store.py",),
    ),
    Mutation(
        "half-written files stay",
        "results/store.py",
        "        remove_leftovers(self.folder / name for name in _FOLDERS)\n",
        "",
        ("tests/test_faults.py",),
    ),
    Mutation(
        "space is not looked at",
        "results/files.py",
        "    if free < needed:\n",
        "    if False:\n",
        ("tests/test_full_disk.py",),
    ),
    Mutation(
        "a second signal is as the first",
        "cli/signals.py",
        "            _end(kind.exit_code, how_to_go_on())\n",
        "            return\n",
        ("tests/test_signals.py -k second",),
    ),
    Mutation(
        "no end to unwinding",
        "cli/signals.py",
        "        end_within(_UNWIND_SECONDS, kind.exit_code, how_to_go_on())\n",
        "",
        ("tests/test_signals.py -k one_signal",),
    ),
    Mutation(
        "signals have no handler while modules are imported",
        "__main__.py",
        "        signal.signal(number, _leave)\n",
        "        pass\n",
        ("tests/test_signals.py -k imported",),
    ),
    Mutation(
        "a stack that lacks memory is not halved",
        "executors/train.py",
        "        if not out_of_memory(error):\n",
        "        if True:\n",
        ("tests/test_sweeps.py -k memory",),
    ),
    Mutation(
        "time limits follow the clock on the wall",
        "executors/limits.py",
        "time.monotonic()",
        "time.time()",
        ("tests/test_limits.py",),
    ),
    Mutation(
        "two files are one trajectory",
        "config/identity.py",
        "return _json([data, content, training",
        "return _json([content, training",
        ("tests/test_data_identity.py -k two_files",),
    ),
    Mutation(
        "whoever reads data takes them as they are",
        "data/sources.py",
        "    if planned is not None:\n        require_same",
        "    if False:\n        require_same",
        ("tests/test_data_identity.py -k whoever",),
    ),
    Mutation(
        "a file that is replaced during the last stack is not noticed",
        "executors/drive.py",
        "        for dataset in self._files:",
        "        for dataset in ():",
        ("tests/test_data_identity.py -k in_training",),
    ),
    Mutation(
        "a trajectory that is not finite stays in the stack",
        "engine/loop.py",
        "                readers[row].diverge(epoch)\n",
        "                pass\n",
        ("tests/test_going_on.py", "tests/test_cli.py -k diverged"),
    ),
    Mutation(
        "a diverged neighbour's infinite norm counts where a run has no penalty",
        "engine/update.py",
        "+= torch.where(strength == 0, 0.0, cost)",
        "+= cost",
        ("tests/test_api.py -k neighbours",),
    ),
    Mutation(
        "a checkpoint without the optimizer's memory",
        "engine/loop.py",
        "restore(self._tensors(), state)",
        "restore(self.network.tensors(), state)",
        ("tests/test_going_on.py",),
    ),
    Mutation(
        "a checkpoint without the weights that runs have kept",
        "engine/loop.py",
        "        self._give_back(state)\n",
        "",
        ("tests/test_going_on.py",),
    ),
    Mutation(
        "a checkpoint of other runs is gone on from",
        "executors/checkpointing.py",
        "json.dumps([_FORM, runs, device, _torch_version()])",
        "json.dumps([_FORM])",
        ("tests/test_going_on.py",),
    ),
    Mutation(
        "what is no file is replaced by one",
        "cli/outputs.py",
        "        descriptor = _opened(target)\n",
        "        descriptor = None\n",
        ("tests/test_outputs.py",),
    ),
    Mutation(
        "a link is replaced by a file",
        "cli/outputs.py",
        "write_atomic(Path(os.path.realpath(target)), content)",
        "write_atomic(target, content)",
        ("tests/test_outputs.py",),
    ),
    Mutation(
        "a stderr that nobody reads is waited for",
        "cli/streams.py",
        "            seconds = _STDERR_SECONDS\n",
        "            seconds = None\n",
        ("tests/test_streams.py",),
    ),
    Mutation(
        "closed streams leave their places to files",
        "__main__.py",
        "<= 2:\n        pass\n",
        "<= -1:\n        pass\n",
        ("tests/test_streams.py",),
    ),
    Mutation(
        "an interruption stays what an import made of it",
        "cli/signals.py",
        "            raise came[0] from error\n",
        "            pass\n",
        ("tests/test_signals.py::test_what_becomes_of_a_signal",),
    ),
    Mutation(
        "a message may hold lines of a file",
        "errors.py",
        "        self.lines = tuple(map(one_line, cut))\n",
        "        self.lines = tuple(cut)\n",
        ("tests/test_messages.py", "tests/test_api_mistakes.py"),
    ),
    Mutation(
        "overrides apply as they are given",
        "config/overrides.py",
        'for text in sorted(overrides, key=lambda text: text.partition("=")[0].count(".")):',
        "for text in overrides:",
        ("tests/test_api_mistakes.py",),
    ),
    Mutation(
        "numbers of a rounded file are compared in all their digits",
        "analysis/precision.py",
        "    return abs(x - y) <= max(step, own) / 2 + ulp(x)\n",
        "    return False\n",
        ("tests/test_precision.py",),
    ),
]


def survives(mutation: Mutation) -> str | None:
    """The tests that stay green without the safeguard; None where all of them turn red."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for part in ("regbench", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        file = copy / "regbench" / mutation.file
        text = file.read_text(encoding="utf-8")
        if mutation.old not in text:
            raise SystemExit(f"{mutation.what}: {mutation.file} has no longer {mutation.old!r}")
        file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        for tests in mutation.tests:
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
            done = subprocess.run(
                [*command, *tests.split()],
                cwd=copy,
                env=os.environ | {"PYTHONPATH": str(copy)},
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if done.returncode == 0:
                return tests
            if done.returncode != 1:  # not a test that failed, but tests that could not be run
                raise SystemExit(f"{mutation.what}: {done.stdout}{done.stderr}")
    return None


def main() -> int:
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    chosen = MUTATIONS[first:]
    green = 0
    for mutation in chosen:
        tests = survives(mutation)
        green += tests is not None
        print(f"{'NOT FOUND by ' + tests if tests else 'found':<9} {mutation.what}", flush=True)
    print(f"{len(chosen) - green} of {len(chosen)} mutations turn every test named for them red")
    return 1 if green else 0


if __name__ == "__main__":
    sys.exit(main())
