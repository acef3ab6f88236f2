"""The exponential moving average of a trajectory's weights."""

from __future__ import annotations

from regbench.config.blocks.regularizer import Ema
from regbench.engine.averages import Averaging


def ema(options: Ema, epochs: int) -> Averaging:
    """a = decay * a + (1 - decay) * w after each step; a = w after the first.

    Source: Polyak & Juditsky 1992; torch.optim.swa_utils.get_ema_multi_avg_fn.

    >>> average = ema(Ema(decay=0.9), epochs=10)
    >>> [round(average.share(times), 3) for times in (1, 2, 3)]
    [1.0, 0.1, 0.1]
    """
    first = options.first_epoch(epochs)
    return Averaging(first, "step", lambda times: 1.0 if times == 1 else 1 - options.decay)
