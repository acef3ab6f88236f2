"""Calls of the command line that nobody meant: every command and option that Typer knows, with
values of its kind, of another kind, and of none.
"""

import enum
import os
import random
import stat
from pathlib import Path
from typing import get_args

import typer

from regbench.cli import main

TINY = """\
name: tiny
dataset: {name: iris, train_size: 40}
model: linear
training: {epochs: 1, save_weights: true}
seeds: 2
sweep: {regularizer: [none, l2]}
expect: ['gap_loss[l2] < gap_loss[none]']
"""
# What would change the machine of whoever runs the tests, or train for minutes.
LEFT_OUT = {"--install-completion", "--show-completion", "--all", "--quick"}

# None is a path of the machine: whoever runs the tests as root, on a regbench that replaces what it
# should not, would lose a device.
PATHS = [
    *("tiny.yaml", "r", "r", "r2", "r/runs.csv", "six.csv", "data.csv", "text.zip", "broken.yaml"),
    *(
        "empty",
        "loop",
        "loop/x",
        "link.yaml",
        "dangling",
        "no",
        ".",
        "r/..",
        "null",
        "zero",
        "full",
    ),
    *("é.html", "a\nb", "-", "~", "new.html", "new.svg", "new.csv", "new.md", "new.yaml", "new"),
    *("sub/new.html", "x" * 300, "tiny.yaml/x", "r/.regbench", "r/runs.csv/", "new.html/"),
    *("r/.regbench/study.json", "fifo"),
]
NUMBERS = [
    *("0", "1", "2", "3", "-1", "0.5", "1e-3", "1e999", "-0", "nan", "inf", "1_0", "0x10", " 1"),
    *("9" * 18, "9" * 19, "9" * 400, "9" * 5000, "-" + "9" * 400, "1e-400", "٣", "1.", ".", "+1"),
]
TEXTS = [
    *("optimizer.lr=1e-2", "optimizer=sgd", "optimizer.momentum=.9", "training.epochs=2"),
    *("regularizer.l2=0,1e-3", "model.hidden=[4],[8]", "regularizer.l2=logspace(-4,-1,3)"),
    *(
        "regularizer=none",
        "dataset=wine",
        "seeds=1",
        "name=other",
        "expect=[]",
        "training.device=x",
    ),
    *("0,3", "1/2", "2/2", "3/2", "5s", "0s", "1h", "cpu", "cuda", "cuda:99", "auto", "tiny"),
    *("val_loss:5%", "gap_acc:+0.02", "val_acc:-1", "gap_acc:0.1", "val_acc:>=0.1", "x:1", "gap:"),
    *("gap_loss[none] < 1", "gap_loss[l2] == 0 +- 1", "gap_loss[", "val_acc>0.5", "cell=l2"),
    *(
        "val_loss,gap_loss",
        "cell",
        "-gap_loss",
        "regularizer.l2",
        "regularizer",
        "seed",
        "gap_loss",
    ),
    *("keras", "torch.SGD", "sklearn.Ridge", "alpha=1.0", "l2=0.01", "weight_decay=5e-4", "gist"),
    *("=", "a=b=c", "[", "{", "}", "%s", "\\", "'", '"', "*", "&a", "!!x y", "a: b", "- x", "null"),
    *("\x1b[2J", "\v", "\f", "\u2028", "\x85", "\u202e", "🦊", "ﬁ", "x" * 5000, "../..", "{x}"),
    *("optimizer.lr=" + "9" * 400, "training.epochs=" + "9" * 400, "regularizer.l2=linspace(0,1,9"),
    *("optimizer.lr=", "=1", ".=1", "..", "a.b.c.d=1", "sweep.regularizer=none", "-g", "--", "--x"),
]
# What a parameter of this name is meant to have: most calls should come further than the parser.
MEANT = {
    "study": ["tiny.yaml"],
    "studies": ["tiny.yaml", "broken.yaml"],
    **{name: ["r", "r", "r2", "six.csv"] for name in ("folder", "folders", "base", "new")},
    "out": ["new.html", "new.svg", "new.md", "new.csv", "other", "fifo", "null", "loop", "."],
    "overrides": ["optimizer.lr=1e-2", "optimizer.momentum=.9", "optimizer=sgd", "seeds=1"],
    "axes": ["model.init=[he_normal,zeros]", "regularizer.l2=logspace(-4,-1,3)", "seed=1"],
    "seeds": ["1", "0,3", "-1", "9" * 400],
    "device": ["cpu", "auto", "cuda:99"],
    "shard": ["1/2", "2/2", "1/1", "0/1"],
    "time_limit": ["1h", "0s", "9" * 400],
    "fail_on": ["val_loss:5%", "gap_acc:+0.02", "val_acc:-1", "gap_loss:" + "9" * 400],
    "metrics": ["val_loss,gap_loss", "train_acc", "weight_norm", "seed"],
    "columns": ["cell,gap_loss", "gap_loss", "p"],
    "where": ["val_acc>0.1", "cell=l2", "cell!=l2", "gap_loss<" + "9" * 400],
    "sort": ["gap_loss", "-gap_loss", "cell"],
    **{name: ["regularizer.l2", "regularizer", "seed"] for name in ("group_by", "along")},
    "expect": ["gap_loss[none] < 1", "gap_loss[l2] == 0 +- 1", "val_acc[l2] > 1e400"],
    "limits": ["gap_acc:0.1", "val_acc:>=0.1", "val_acc:" + "9" * 400],
    "source": ["keras", "torch.SGD", "sklearn.Ridge", "regbench"],
    "settings": ["alpha=1.0", "l2=0.01", "weight_decay=5e-4", "l2=" + "9" * 400],
    "model": ["m", "r"],
    "data": ["data.csv"],
    "cell": ["none", "l2"],
    "seed": ["0", "1"],
    "to": ["keras", "regbench", "sklearn"],
}
NONE_AT_ALL = ["", "\udcff", "r\udc80"]


def device(path, minor):
    """A device of one's own (3 null, 5 zero, 7 full), or a link to it where only root makes one."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        path.open("rb").close()
    except PermissionError:
        path.unlink(missing_ok=True)
        path.symlink_to({3: "/dev/null", 5: "/dev/zero", 7: "/dev/full"}[minor])


def world(folder):
    """Files and folders of every kind, some with a study that was trained."""
    (folder / "tiny.yaml").write_text(TINY)
    (folder / "broken.yaml").write_text("dataset: {name: iris\n\x0bseeds: x")
    (folder / "data.csv").write_text(
        "a,b,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(30))
    )
    (folder / "text.zip").write_text("no archive")
    (folder / "empty").mkdir()
    os.mkfifo(folder / "fifo")
    for name, minor in (("null", 3), ("zero", 5), ("full", 7)):
        device(folder / name, minor)
    for name, target in (("loop", "loop"), ("link.yaml", "tiny.yaml"), ("dangling", "nowhere")):
        (folder / name).symlink_to(target)


def commands():
    """Commands by name, with their parameters."""
    found = typer.main.get_command(main.app).commands
    return {name: [p for p in found[name].params if p.name != "help"] for name in sorted(found)}


def value(draw, parameter):
    """A value for a parameter: mostly of its kind."""
    annotation = parameter.type_descriptor.annotation
    kind = next(iter(get_args(annotation)), annotation)
    if parameter.name in MEANT and draw.random() < 0.75:
        return draw.choice(MEANT[parameter.name])
    chance = draw.random()
    if chance < 0.02:
        return draw.choice(NONE_AT_ALL)
    if chance < 0.15:
        return draw.choice([*PATHS, *NUMBERS, *TEXTS])
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return draw.choice([each.value for each in kind])
    if isinstance(kind, type) and issubclass(kind, Path):
        return draw.choice(PATHS)
    return draw.choice(NUMBERS if kind in (int, float) else TEXTS)


def calls(seed, number):
    """That many lists of arguments."""
    draw = random.Random(seed)
    known = commands()
    for i in range(number):
        name = list(known)[i % len(known)]  # each as often as the others
        arguments = [name]
        for parameter in known[name]:
            if parameter.param_type_name == "argument":
                least = 1 if parameter.required else 0
                most = 3 if parameter.nargs == -1 else 1
                times = draw.randint(least, most) if draw.random() < 0.95 else 0
                arguments += [value(draw, parameter) for _ in range(times)]
            elif draw.random() < min(0.3, 2 / len(known[name])):
                option = draw.choice(parameter.opts)
                if option in LEFT_OUT:
                    continue
                arguments.append(option)
                if not parameter.is_flag:
                    arguments.append(value(draw, parameter))
        if draw.random() < 0.02:
            arguments.append("--help")
        yield arguments
