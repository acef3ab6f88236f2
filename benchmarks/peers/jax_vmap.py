"""JAX by hand: one jitted epoch that scans the steps, of all runs at once by vmap.

What was found faster: orders and dropout's uniforms from NumPy (threefry and sorting by random keys
cost XLA more), and scoring run by run, so that its values stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from task import BATCH, LR, Accuracies, Task, pin, timed

pin()  # before JAX starts its threads

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

Params = list[tuple[jax.Array, jax.Array]]
Arrays = tuple[jax.Array, ...]  # x, y, x_val, y_val
Bits = Sequence[jax.Array]  # for dropout: uniform 16-bit integers, hidden layer by hidden layer
State = tuple[Params, Params, Params, jax.Array]  # weights, Adam's two moments, steps so far


def first(key: jax.Array, width: int) -> Params:
    """He's first weights of an mlp 64-width-width-10."""
    shapes = [(64, width), (width, width), (width, 10)]
    draw = jax.nn.initializers.he_normal()
    keys = jax.random.split(key, len(shapes))
    return [(draw(k, shape), jnp.zeros(shape[1])) for k, shape in zip(keys, shapes, strict=True)]


def dropout(h: jax.Array, bits: jax.Array, rate: jax.Array) -> jax.Array:
    keep = bits >= (65536 * rate).astype(jnp.uint16)
    return jnp.where(keep, h / (1 - rate), 0)


def forward(params: Params, x: jax.Array, bits: Bits | None = None, rate: Any = 0.0) -> jax.Array:
    *hidden, (w, b) = params
    for layer, (v, c) in enumerate(hidden):
        x = jax.nn.relu(x @ v + c)
        if bits is not None:
            x = dropout(x, bits[layer], rate)
    return x @ w + b


def cross_entropy(logits: jax.Array, y: jax.Array) -> jax.Array:
    return -(jax.nn.one_hot(y, 10) * jax.nn.log_softmax(logits)).sum(1).mean()


def adam(state: State, gradient: Params) -> State:
    params, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
    rate, root = LR / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * root + 1e-8), params, m, v)
    return params, m, v, t


def train_epoch(
    state: State, order: jax.Array, bits: Bits, l2: jax.Array, rate: jax.Array, data: Arrays
) -> State:
    """One run's pass over the training part."""
    x, y, *_ = data

    def objective(params: Params, rows: jax.Array, bits: Bits) -> jax.Array:
        loss = cross_entropy(forward(params, x[rows], bits, rate), y[rows])
        return loss + l2 * sum((w**2).sum() for w, _ in params)

    def step(state: State, batch: tuple[jax.Array, Bits]) -> tuple[State, None]:
        return adam(state, jax.grad(objective)(state[0], *batch)), None

    whole = len(order) // BATCH * BATCH
    batches = jax.tree.map(lambda a: a[:whole].reshape(-1, BATCH, *a.shape[1:]), (order, bits))
    rest = jax.tree.map(lambda a: a[whole:], (order, bits))
    state, _ = jax.lax.scan(step, state, batches)
    return step(state, rest)[0]


def score(params: Params, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    logits = forward(params, x)
    return cross_entropy(logits, y), (logits.argmax(1) == y).mean()


@partial(jax.jit, donate_argnums=0)
def epoch(
    states: State, orders: Any, bits: Any, l2: jax.Array, rates: jax.Array, data: Arrays
) -> tuple[State, Any, Any]:
    """All runs' pass, and then their scores."""
    x, y, x_val, y_val = data
    one_by_one = (0, 0, 0, 0, 0, None)
    states = jax.vmap(train_epoch, one_by_one)(states, orders, bits, l2, rates, data)
    train, val = jax.lax.map(lambda p: (score(p, x, y), score(p, x_val, y_val)), states[0])
    return states, train, val


def uint16(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Uniform 16-bit integers, four at a time."""
    fours = rng.integers(2**64, size=math.prod(shape) // 4, dtype=np.uint64)
    return fours.view(np.uint16).reshape(shape)


@partial(jax.jit, static_argnums=1)
def start(keys: jax.Array, width: int) -> State:
    params = jax.vmap(first, (0, None))(keys, width)
    m, v = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    return params, m, v, jnp.zeros(len(keys), jnp.int32)


def train(task: Task) -> list[Accuracies]:
    data = tuple(jnp.asarray(array) for array in vars(task.data).values())
    keys = jax.vmap(jax.random.key)(np.array([run.seed for run in task.runs]))
    l2 = jnp.array([run.l2 for run in task.runs])
    rates = jnp.array([run.dropout for run in task.runs])
    rngs = [np.random.default_rng(run.seed) for run in task.runs]
    n = len(task.data.x)
    states = start(keys, task.width)
    for _ in range(task.epochs):
        orders = np.stack([rng.permutation(n) for rng in rngs])
        bits = [np.stack([uint16(rng, (n, task.width)) for rng in rngs]) for _layer in range(2)]
        states, (_, train_acc), (_, val_acc) = epoch(states, orders, bits, l2, rates, data)
    return list(zip(np.asarray(train_acc), np.asarray(val_acc), strict=True))


if __name__ == "__main__":
    timed(train, warm_up_runs=None)
