"""Checkpoints: what comes back is what was saved, or nothing."""

import random
import shutil

import numpy as np
import pytest
from faults import Crash, Fault, hooked

from regbench.errors import BadData, Unwritable
from regbench.results import checkpoints

ARRAYS = {
    "weights": np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(0, 2, 1),
    "steps": np.array(7, dtype=np.int64),
    "alive": np.array([True, False]),
    "none": np.zeros((0, 3)),
    "moments": np.array([1e-300, -0.0, np.inf, np.nan]),
}
KEY = "members and versions"


def saved(folder, *epochs, key=KEY):
    for epoch in epochs:
        arrays = ARRAYS | {"epoch": np.full(3, float(epoch))}
        checkpoints.save(folder, "s0001", key, epoch, arrays)


def names(folder):
    return sorted(p.name.rsplit(".", 2)[0] for p in (folder / ".regbench/checkpoints").iterdir())


def assert_whole(found, epoch):
    at, arrays = found
    assert at == epoch
    assert arrays.keys() == {*ARRAYS, "epoch"}
    for name, expected in (ARRAYS | {"epoch": np.full(3, float(epoch))}).items():
        assert arrays[name].dtype == expected.dtype
        assert arrays[name].shape == expected.shape
        assert arrays[name].tobytes() == expected.tobytes()
        assert arrays[name].flags.writeable


def test_what_was_saved_comes_back_and_two_are_kept(tmp_path):
    assert checkpoints.latest(tmp_path, "s0001", KEY) is None
    for epoch in (1, 2, 5, 1000):
        saved(tmp_path, epoch)
        assert_whole(checkpoints.latest(tmp_path, "s0001", KEY), epoch)
    assert names(tmp_path) == ["s0001.000000005", "s0001.000001000"]
    assert checkpoints.latest(tmp_path, "s0002", KEY) is None


def test_a_later_epoch_is_of_a_past_that_is_no_more(tmp_path):
    saved(tmp_path, 10, 20, 15)
    assert names(tmp_path) == ["s0001.000000010", "s0001.000000015"]
    assert_whole(checkpoints.latest(tmp_path, "s0001", KEY), 15)


def test_another_works_checkpoint_is_removed(tmp_path):
    saved(tmp_path, 3, key="other members")
    saved(tmp_path, 2)
    assert_whole(checkpoints.latest(tmp_path, "s0001", KEY), 2)
    saved(tmp_path, 4, key="other members")
    assert_whole(checkpoints.latest(tmp_path, "s0001", KEY), 2)
    assert names(tmp_path) == ["s0001.000000002"]
    assert checkpoints.latest(tmp_path, "s0001", "third") is None
    assert names(tmp_path) == []


def test_discard_removes_the_checkpoints_of_one_stack_and_its_parts(tmp_path):
    saved(tmp_path, 1, 2)
    for part in ("s0001a", "s0001ba", "s0010"):
        checkpoints.save(tmp_path, part, KEY, 1, ARRAYS)
    assert checkpoints.stacks(tmp_path) == {"s0001", "s0001a", "s0001ba", "s0010"}
    checkpoints.discard(tmp_path, "s0001")
    assert names(tmp_path) == ["s0010.000000001"]
    checkpoints.discard(tmp_path, "s0099")
    checkpoints.discard(tmp_path / "nowhere", "s0001")


def mutants(content):
    """The content with one bit flipped, cut off, longer, or with parts exchanged."""
    draw = random.Random(7)
    places = sorted({0, 7, 8, 9, len(content) - 1, *draw.sample(range(len(content)), 150)})
    for at in places:
        yield content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
        yield content[:at]
    yield content + b"\0"
    yield content.replace(b"members", b"membres")
    yield content[:-16] + content[-8:] + content[-16:-8]
    yield bytes(len(content))


def test_a_damaged_checkpoint_is_never_loaded_and_the_older_one_is_used(tmp_path):
    saved(tmp_path, 1, 2)
    newer = next((tmp_path / ".regbench" / "checkpoints").glob("s0001.000000002*"))
    content = newer.read_bytes()
    tried = 0
    for mutant in mutants(content):
        if mutant == content:
            continue
        newer.write_bytes(mutant)
        said = []
        assert_whole(checkpoints.latest(tmp_path, "s0001", KEY, warn=said.append), 1)
        assert len(said) == 1
        assert said[0].startswith(f"{newer}: the content does not match its digest; set aside as")
        aside = newer.with_name(newer.name + ".damaged")
        assert aside.read_bytes() == mutant
        aside.unlink()
        tried += 1
    assert tried > 300


def test_damage_to_both_leaves_none_and_is_said_aloud(tmp_path):
    saved(tmp_path, 1, 2)
    for path in (tmp_path / ".regbench" / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="set aside as") as said:
        assert checkpoints.latest(tmp_path, "s0001", KEY) is None
    assert len(said) == 2


@pytest.mark.parametrize("other", ["s0002.000000001", "s0001.000000009"])
def test_a_checkpoint_under_anothers_name_is_not_taken(tmp_path, other):
    saved(tmp_path, 1)
    path = next((tmp_path / ".regbench" / "checkpoints").iterdir())
    shutil.copy(path, path.with_name(path.name.replace("s0001.000000001", other)))
    said = []
    found = checkpoints.latest(tmp_path, other[:5], KEY, warn=said.append)
    assert "is of stack s0001, epoch 1" in said[0]
    if other.startswith("s0001"):
        assert_whole(found, 1)
    else:
        assert found is None


def test_a_fault_at_every_operation_of_a_save_leaves_the_old_or_the_new(tmp_path):
    saved(tmp_path, 1, 2)
    with hooked(Fault("crash", 10**9)) as counted:
        saved(tmp_path, 3)
    for kind in ("crash", "cut", "full", "torn", "eio"):
        for at in range(1, len(counted.names) + 1):
            folder = tmp_path / kind / str(at)
            folder.mkdir(parents=True)
            saved(folder, 1, 2)
            with hooked(Fault(kind, at)) as fault:
                try:
                    saved(folder, 3)
                except (Crash, BadData, Unwritable):
                    pass
                else:
                    assert not fault.happened or kind in ("full", "torn")
            found = checkpoints.latest(folder, "s0001", KEY)
            assert_whole(found, found[0])
            assert found[0] in (2, 3)


def test_a_disk_that_does_not_give_it_is_no_damage(tmp_path):
    saved(tmp_path, 1)
    with hooked(Fault("eio", 1)), pytest.raises(BadData, match="cannot be read: Input/output"):
        checkpoints.latest(tmp_path, "s0001", KEY)
    assert_whole(checkpoints.latest(tmp_path, "s0001", KEY), 1)
