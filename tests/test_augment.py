"""Examples that training sees otherwise than they are: moved, cut out, mixed."""

from pathlib import Path

import numpy as np
import pytest
import torch
from engine import FRIEDMAN, member, setting, train
from scipy import ndimage
from scipy.special import betainc
from scipy.stats import kstest
from torch.nn import functional

from regbench.config.blocks.regularizer import Regularizer
from regbench.config.load import parse_study
from regbench.data import Part, Split, load
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import Draws
from regbench.engine.examples import Examples
from regbench.engine.layers.loss import CrossEntropy
from regbench.engine.regularizers.augment import Augment
from regbench.engine.regularizers.cutout import Cutout
from regbench.engine.regularizers.label_smoothing import LabelSmoothing
from regbench.engine.regularizers.mixup import shares
from regbench.streams import Purpose, uint16

DIGITS = {"name": "digits", "train_size": 100, "val_size": 50, "test_size": 50}
LIKE = torch.zeros(1, dtype=torch.float64)
N = 60


def seen_of(example, runs):
    """N examples without any scaling."""
    x = np.random.default_rng(0).normal(size=(N, int(np.prod(example)))) + 3
    y, ids = np.arange(N) % 3, np.arange(N) * 2
    part = Part(x, y, y, ids)
    split = Split(part, part, part, "classification", 3, example, (), ())
    return Seen(example, [split] * runs, LIKE), x, ids


def changed(kind, example, *regularizers, epoch=2, seed=5):
    """What training sees of all examples in an epoch, (R, N, ...), and these as they are."""
    seen, x, ids = seen_of(example, len(regularizers))
    act = kind([Regularizer(**r) for r in regularizers], seen)
    draws = Draws([seed] * len(regularizers), N, LIKE.device, int(ids.max()) + 1)
    draws.start_epoch(epoch, steps=1)
    every = torch.from_numpy(np.tile(ids, (len(regularizers), 1)))
    tiled = torch.from_numpy(np.tile(x, (len(regularizers), 1, 1)))
    batch = Batch(tiled, every, lambda: every, None)
    act(batch, draws)
    shape = (len(regularizers), N, *example)
    return batch.x.numpy().reshape(shape), x.reshape(N, *example)


def uniforms(purpose, layer, epoch=2, seed=5):
    """(N,), by example id."""
    return uniform(seed, purpose, 2 * np.arange(N), epoch, layer)


def uniform(seed, purpose, ids, epoch, layer):
    numbers = uint16(seed, purpose, int(max(ids)) + 1, epoch=epoch, layer=layer)[ids]
    return (numbers.view(np.int16) + 32768.5) / 65536


def by_scipy(image, shift, flip, crop, rotate, u):
    """One image (C, H, W), by scipy's resampling of one channel after the other."""
    size = np.array(image.shape[1:])
    middle = (size - 1) / 2
    window = 1 - crop * u[3]
    step = np.floor(u[6] * 257)
    angle = np.radians(rotate) * (2 * step / 256 - 1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = middle + (2 * np.array([u[5], u[4]]) - 1) * (1 - window) * size / 2
    matrix = window * turn
    found = np.stack(
        [
            ndimage.affine_transform(
                channel, matrix, centre - matrix @ middle, order=1, mode="grid-constant"
            )
            for channel in image
        ]
    )
    if u[2] < flip:
        found = found[:, :, ::-1]
    by = [np.floor(u[k] * (2 * shift + 1)) - shift for k in (1, 0)]
    return ndimage.shift(found, (0, *by), order=0, mode="grid-constant")


@pytest.mark.parametrize("example", [(1, 8, 8), (3, 6, 9)])
@pytest.mark.parametrize(
    "options",
    [
        {"shift": 2},
        {"flip": 0.5},
        {"crop": 0.4},
        {"rotate": 30},
        {"shift": 1, "flip": 0.5, "crop": 0.2, "rotate": 180},
    ],
    ids=str,
)
def test_images_are_moved_as_scipy_moves_them(example, options):
    (found,), images = changed(Augment, example, {"augment": options})
    of = {"shift": 0, "flip": 0.0, "crop": 0.0, "rotate": 0.0} | options
    u = np.stack([uniforms(Purpose.AUGMENTATION, layer) for layer in range(7)])
    for i, image in enumerate(images):
        np.testing.assert_allclose(found[i], by_scipy(image, **of, u=u[:, i]), atol=1e-9)
    assert sum((a != b).any() for a, b in zip(found, images, strict=True)) > N / 4


def test_signals_are_moved_along_their_one_axis():
    (found,), signals = changed(Augment, (2, 12), {"augment": {"shift": 3, "crop": 0.3}})
    u = np.stack([uniforms(Purpose.AUGMENTATION, layer) for layer in range(7)])
    for i, signal in enumerate(signals):
        window = 1 - 0.3 * u[3, i]
        place = window * (np.arange(12) - 5.5) + (2 * u[4, i] - 1) * (1 - window) * 6 + 5.5
        by = int(np.floor(u[0, i] * 7)) - 3
        for channel in range(2):
            read = ndimage.map_coordinates(
                signal[channel], place[None], order=1, mode="grid-constant"
            )
            expected = ndimage.shift(read, by, order=0, mode="grid-constant")
            np.testing.assert_allclose(found[i, channel], expected, atol=1e-9)


def test_what_comes_in_from_outside_is_the_datas_own_zero():
    chosen = setting(dataset=DIGITS, regularizer={"augment": {"shift": 2}})
    split = load(chosen.dataset, 0, Path())
    examples = Examples([member(chosen)], Path(), LIKE)
    act = Augment([chosen.regularizer], Seen(split.example, [split], LIKE))
    draws = Draws([0], 100, LIKE.device, examples.id_count)
    draws.start_epoch(1, steps=1)
    (batch,) = examples.batches(1, 100)
    act(batch, draws)
    scaler = split.transform.scaler
    # In the unit of each pixel's deviation, zeros are zeros wherever they came from.
    raw = (batch.x[0].numpy() * scaler.scale + scaler.mean).reshape(100, 8, 8)
    ids = batch.ids()[0].numpy()
    across = np.floor(uniform(0, Purpose.AUGMENTATION, ids, 1, 0) * 5) - 2
    for image, by in zip(raw, across, strict=True):
        came_in = image[:, : int(by)] if by > 0 else image[:, 8 + int(by) :]
        np.testing.assert_allclose(came_in, 0, atol=1e-12)


def test_bytes_of_images_are_moved_before_they_are_scaled(tmp_path):
    """Pixels of a channel are scaled alike: what is seen is the moved image, scaled."""
    bytes_ = np.random.default_rng(1).integers(0, 256, (N, 5, 6, 3), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", x=bytes_, y=np.arange(N) % 3)
    block = {"name": "npz", "path": str(tmp_path / "x.npz"), "layout": "hwc"}
    chosen = setting(
        dataset=block | {"task": "classification", "val_size": 12, "test_size": 0},
        regularizer={"augment": {"shift": 2}},
    )
    seen = seen_in(chosen, 7)
    split = load(chosen.dataset, 4, Path())
    assert sorted(seen) == split.train.ids.tolist()
    raw = bytes_.transpose(0, 3, 1, 2).astype(np.float64)
    pixels = raw[split.train.ids]
    mean, scale = (f(pixels, axis=(0, 2, 3)).reshape(3, 1, 1) for f in (np.mean, np.std))
    ids = split.train.ids
    across, down = (np.floor(uniform(4, Purpose.AUGMENTATION, ids, 3, k) * 5) - 2 for k in (0, 1))
    for i, x, y in zip(ids, across, down, strict=True):
        moved = ndimage.shift(raw[i], (0, y, x), order=0, mode="grid-constant")
        expected = ((moved - mean) / scale).ravel()
        np.testing.assert_allclose(seen[i], expected, atol=1e-12)


def test_cutout_hides_a_square_about_a_pixel():
    (even, odd, none), images = changed(
        Cutout, (2, 7, 9), {"cutout": 4}, {"cutout": 3}, {"cutout": 0}
    )
    u = [uniforms(Purpose.CUTOUT, layer) for layer in (0, 1)]
    for i in range(N):
        x, y = int(u[0][i] * 9), int(u[1][i] * 7)
        for found, side in ((even[i], 4), (odd[i], 3)):
            mask = np.ones((7, 9))
            before = side // 2  # as the authors' code has it, for sides that are even
            mask[max(0, y - before) : max(0, y - before + side),
                 max(0, x - before) : max(0, x - before + side)] = 0  # fmt: skip
            np.testing.assert_array_equal(found, images[i] * mask)
    assert none.tobytes() == images.tobytes()
    (signal,), whole = changed(Cutout, (1, 20), {"cutout": 5})
    assert ((signal == 0).sum((1, 2)) <= 5).all()
    assert ((signal == 0).sum((1, 2)) == 5).any()
    assert (signal[signal != 0] == whole[signal != 0]).all()


def test_a_larger_strength_moves_by_the_same_draws():
    (little, much), images = changed(Cutout, (1, 8, 8), {"cutout": 2}, {"cutout": 5})
    hidden, more = little != images, much != images
    assert (hidden <= more).all()
    assert hidden.sum() < more.sum()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_are_those_of_a_beta(alpha):
    found = np.array(shares(alpha))
    assert kstest(found, lambda s: betainc(alpha, alpha, s)).statistic < 1e-3
    np.testing.assert_allclose(found + found[::-1], 1, atol=1e-9)


# --- mixup ----------------------------------------------------------------------------------------


def test_the_loss_of_a_mixed_batch_and_its_gradient_are_torchs():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 10, dtype=torch.float64, generator=generator)
    y, other = torch.randint(4, (2, 3, 10), generator=generator)
    share = torch.rand(3, 10, dtype=torch.float64, generator=generator)
    share[1] = 0
    weights = torch.rand(3, 4, dtype=torch.float64, generator=generator)
    smoothing = [0.0, 0.1, 0.3]
    acts = LabelSmoothing([Regularizer(label_smoothing=s) for s in smoothing], Seen((2,), [], LIKE))
    loss, gradient = CrossEntropy([acts], weights)(logits, y, (other, share))
    for r in range(3):
        own = logits[r].T.clone().requires_grad_()
        each = [
            functional.cross_entropy(own, of, label_smoothing=smoothing[r], reduction="none")
            * weights[r][of]
            for of in (y[r], other[r])
        ]
        expected = ((1 - share[r]) * each[0] + share[r] * each[1]).mean()
        expected.backward()
        torch.testing.assert_close(loss[r], expected.detach())
        torch.testing.assert_close(gradient[r], own.grad.T)


def drawn(ids, n, alpha, seed, epoch):
    """Of each id the place of its partner in the training part, and the share of that."""
    high, low, third = (
        uint16(seed, Purpose.MIXUP, int(max(ids)) + 1, epoch=epoch, layer=layer)
        .view(np.int16)
        .astype(np.int64)[ids]
        + 32768
        for layer in range(3)
    )
    return (high * 65536 + low) * n // 2**32, np.array(shares(alpha))[third // 16]


def mixed_by_hand(chosen, seed):
    """Stock torch, one example's partner and share after the other."""
    split = load(chosen.dataset, seed, Path())
    x, y = torch.from_numpy(split.train.x), torch.from_numpy(split.train.y)
    ids, n = split.train.ids, len(split.train.ids)
    start = setting(
        dataset=chosen.dataset.model_dump(), model={"name": "linear"}, training={"epochs": 0}
    )
    first = train(member(start, seed))[0].readings[0].state
    net = torch.nn.Linear(x.shape[1], split.classes or 1, dtype=torch.float64)
    net.load_state_dict(
        {k.removeprefix("layers.0."): torch.from_numpy(v) for k, v in first.items()}
    )
    optimizer = torch.optim.SGD(net.parameters(), chosen.optimizer.lr)
    for epoch in (1, 2, 3):
        partner, share = map(torch.from_numpy, drawn(ids, n, chosen.regularizer.mixup, seed, epoch))
        out = net((1 - share)[:, None] * x + share[:, None] * x[partner])
        if split.classes:
            losses = [functional.cross_entropy(out, of, reduction="none") for of in (y, y[partner])]
            loss = (1 - share) * losses[0] + share * losses[1]
        else:
            loss = (out[:, 0] - (1 - share) * y - share * y[partner]) ** 2
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    return net.weight.detach().numpy()


def test_mixup_is_the_loop_of_its_paper():
    chosen = setting(
        dataset=DIGITS,
        model={"name": "linear"},
        regularizer={"mixup": 0.4},
        optimizer={"name": "sgd", "lr": 0.1},
        training={"epochs": 3, "batch_size": "full"},
    )
    (trained,) = train(member(chosen, 3))
    np.testing.assert_allclose(
        trained.readings[0].state["layers.0.weight"], mixed_by_hand(chosen, 3), atol=1e-12
    )


def test_a_regression_mixes_its_targets():
    """Against the same loop, with mixed targets in the place of mixed losses."""
    chosen = setting(
        dataset=FRIEDMAN,
        model={"name": "linear"},
        regularizer={"mixup": 0.4},
        optimizer={"name": "sgd", "lr": 0.1},
        training={"epochs": 3, "batch_size": "full"},
    )
    (trained,) = train(member(chosen, 3))
    found = trained.readings[0].state["layers.0.weight"]
    np.testing.assert_allclose(found, mixed_by_hand(chosen, 3), atol=1e-12)


# --- by id, in any company ------------------------------------------------------------------------

ALL = {"augment": {"shift": 1, "flip": 0.5, "crop": 0.2, "rotate": 15}, "cutout": 3, "mixup": 0.4}


def seen_in(chosen, batch, epoch=3, seed=4):
    """What training sees of each example in an epoch, by id."""
    from regbench.engine.loop import StackTrainer

    trainer = StackTrainer([member(chosen, seed)], Path(), "cpu")
    trainer._draws.start_epoch(epoch, steps=100)
    found = {}
    for step, each in enumerate(trainer.examples.batches(epoch, batch)):
        trainer._draws.start_step(step, each.y.shape[1])
        each.change(trainer._on_inputs, trainer._draws)
        rows = zip(each.ids()[0].tolist(), each.x[0].numpy().copy(), strict=True)
        found |= dict(rows)
    return found


def test_an_example_is_changed_by_its_id_not_by_its_place():
    chosen = setting(dataset=DIGITS, regularizer=ALL)
    one, other = seen_in(chosen, 7), seen_in(chosen, 32)
    assert len(one) == 100
    for i in one:
        assert one[i].tobytes() == other[i].tobytes()
    moved = {"augment": ALL["augment"], "cutout": 3}
    raw = DIGITS | {"standardize": False}
    whole = seen_in(setting(dataset=raw, regularizer=moved), 16)
    part = seen_in(setting(dataset=raw | {"train_size": 40}, regularizer=moved), 16)
    for i in part:
        assert part[i].tobytes() == whole[i].tobytes()


def test_a_partner_is_mixed_in_as_it_is_seen_itself():
    moved = {key: ALL[key] for key in ("augment", "cutout")}
    alone = seen_in(setting(dataset=DIGITS, regularizer=moved), 16)
    mixed = seen_in(setting(dataset=DIGITS, regularizer=ALL), 16)
    ids = np.array(sorted(alone))
    partners, share = drawn(ids, 100, ALL["mixup"], seed=4, epoch=3)
    for i, place, s in zip(ids, partners, share, strict=True):
        expected = (1 - s) * alone[i] + s * alone[ids[place]]
        np.testing.assert_allclose(mixed[i], expected, atol=1e-12)


COMPANY = [
    {},
    {"augment": {"shift": 2}},
    {"augment": {"rotate": 20}},
    {"augment": {"crop": 0.3, "flip": 0.5}, "label_smoothing": 0.1},
    {"cutout": 3},
    {"mixup": 0.3, "dropout": 0.2},
    ALL,
    {"input_noise": 0.1},
]


MLP, CNN = {"name": "mlp", "hidden": [12, 7]}, {"name": "cnn", "channels": [3]}


@pytest.mark.parametrize(
    ("model", "dtype"), [(MLP, "float32"), (MLP, "float64"), (CNN, "float32")], ids=str
)
def test_same_bits_in_any_company(model, dtype):
    blocks = {"dataset": DIGITS, "model": model, "training": {"epochs": 3, "dtype": dtype}}
    members = [
        member(setting(regularizer=r, **blocks), seed, f"{i}")
        for i, r in enumerate(COMPANY)
        for seed in (0, 1)
    ]
    together = train(*members)
    backwards = train(*members[::-1])[::-1]
    for own, a, b in zip(members, together, backwards, strict=True):
        (alone,) = train(own)
        for found in (a, b):
            for name, curve in alone.curves.items():
                assert found.curves[name].tobytes() == curve.tobytes(), (own, name)
            for name, values in alone.readings[0].state.items():
                assert found.readings[0].state[name].tobytes() == values.tobytes(), (own, name)


# --- where they mean nothing ----------------------------------------------------------------------
WRONG = [
    ("wine", "augment: {shift: 1}", "regularizer.augment: moves pixels or points"),
    ("wine", "cutout: 2", "regularizer.cutout: hides pixels or points"),
    ("mnist1d", "augment: {rotate: 5}", "regularizer.augment.rotate: turns images"),
    ("digits", "augment: {shift: 8}", "regularizer.augment.shift: 8 moves all of 8 pixels out"),
    ("digits", "cutout: 15", "regularizer.cutout: 15 hides all of 8 pixels of every example"),
    ("digits", "ema: {start: 200}", "regularizer.ema.start: 200 is after the last epoch, 100"),
    ("digits", "{ema: true, swa: true}", "ema and swa are different averages"),
    ("digits", "augment: true", "expected a mapping of options: shift, flip, crop, rotate"),
]


@pytest.mark.parametrize(("data", "regularizer", "message"), WRONG)
def test_what_cannot_be_is_one_line_with_its_key(tmp_path, data, regularizer, message):
    from command import regbench, study

    block = regularizer if regularizer.startswith("{") else f"{{{regularizer}}}"
    path = study(tmp_path, f"dataset: {data}\nregularizer: {block}\n")
    done = regbench("plan", path)
    assert done.code == 2
    assert message in done.err
    assert str(path) in done.err
    assert len(done.err.splitlines()) == 1


def test_nothing_moved_is_no_regularizer():
    cells = parse_study(
        "dataset: digits\nsweep: {regularizer.augment: [{shift: 0}, {shift: 1}]}\n"
    ).cells
    assert [cell.regularizer for cell in cells] == ["none", "augment.shift=1"]
