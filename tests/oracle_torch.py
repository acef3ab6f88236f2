"""One run, trained by stock torch.nn and torch.optim: shares only data, streams and first weights.

Nothing here is stacked, hand-derived or fast; that is the point.
"""

from __future__ import annotations

from math import cos, inf, pi
from pathlib import Path

import numpy as np
import torch
from torch import nn

from regbench.config.schema import Setting
from regbench.data import load
from regbench.engine.layers.initializers import initial_affine
from regbench.streams import Purpose, normal, raw, uint16

ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
}


class BiasedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """torch's layers, with the biased running variance, and a batch of one left to evaluation."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or len(x) == 1:
            return nn.functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        y = nn.functional.batch_norm(
            x, None, None, self.weight, self.bias, training=True, eps=self.eps
        )
        with torch.no_grad():
            over = (0, *range(2, x.dim()))
            for running, batch in (
                (self.running_mean, x.mean(over)),
                (self.running_var, x.var(over, correction=0)),
            ):
                running.copy_((1 - self.momentum) * running + self.momentum * batch)
        return y


class Masked(nn.Module):
    """Dropout whose mask is handed in."""

    def __init__(self, rate: float, index: int) -> None:
        super().__init__()
        self.rate, self.index = rate, index
        self.uniforms: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or self.rate == 0:
            return x
        assert self.uniforms is not None
        keep = self.uniforms.reshape(-1)[: x.numel()].reshape(x.shape) >= round(self.rate * 65536)
        return x * keep / (1 - self.rate)


def _list(value, n, off=0.0):
    if value is None:
        return [off] * n
    return list(value) if isinstance(value, tuple) else [value] * n


class Solo:
    """A single run of a setting and a seed."""

    def __init__(self, setting: Setting, seed: int, dtype=torch.float64) -> None:
        self.setting, self.seed, self.dtype = setting, seed, dtype
        pinned = setting.dataset.split_seed
        self.split = load(setting.dataset, seed if pinned is None else pinned, Path())
        self.classes = self.split.classes or 1
        self.net = nn.Sequential(*self._layers())
        self.linears = [m for m in self.net if hasattr(m, "weight") and m.weight.dim() > 1]
        self.optimizer = self._optimizer()
        self.history: list[dict[str, float]] = []

    def _layers(self) -> list[nn.Module]:
        setting, seed, dtype, classes = self.setting, self.seed, self.dtype, self.classes
        widths = [self.split.inputs, *getattr(setting.model, "hidden", ()), classes]
        reg = setting.regularizer
        hidden = len(widths) - 2
        rates = _list(reg.dropout, hidden)
        modules: list[nn.Module] = [Masked(reg.input_dropout, 0)]
        for i in range(len(widths) - 1):
            layer = nn.Linear(widths[i], widths[i + 1], dtype=dtype)
            weight, bias = initial_affine(setting.model.init, seed, i, widths[i], widths[i + 1])
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight.T))
                layer.bias.copy_(torch.from_numpy(bias))
            # Before a batchnorm it has no effect, and stays what it was.
            layer.bias.requires_grad_(reg.batchnorm is None or i == hidden)
            modules.append(layer)
            if i < hidden:
                if reg.batchnorm is not None:
                    modules.append(
                        BiasedBatchNorm(
                            widths[i + 1],
                            eps=reg.batchnorm.eps,
                            momentum=reg.batchnorm.momentum,
                            dtype=dtype,
                        )
                    )
                modules.append(ACTIVATIONS[setting.model.activation]())
                modules.append(Masked(rates[i], i + 1))
        self.widths = widths
        return modules

    def _optimizer(self) -> torch.optim.Optimizer:
        o, params = self.setting.optimizer, self.net.parameters()
        if o.name == "sgd":
            return torch.optim.SGD(params, o.lr, momentum=o.momentum, nesterov=o.nesterov)
        if o.name == "rmsprop":
            return torch.optim.RMSprop(params, o.lr, alpha=o.alpha, eps=o.eps)
        return torch.optim.Adam(params, o.lr, betas=o.betas, eps=o.eps)

    def _lr(self, epoch: int) -> float:
        o, epochs = self.setting.optimizer, self.setting.training.epochs
        s, value = o.schedule, o.lr
        if s.name == "step":
            value = o.lr * s.gamma ** ((epoch - 1) // s.every)
        elif s.name == "cosine":
            low = o.lr * s.final_factor
            value = low + (o.lr - low) * (1 + cos(pi * (epoch - 1) / epochs)) / 2
        return value * min(1.0, epoch / (s.warmup_epochs + 1))

    def _part(self, name: str):
        part = getattr(self.split, name)
        x = torch.from_numpy(part.x).to(self.dtype)
        y = torch.from_numpy(part.y)
        return x, y if self.split.classes else y.to(self.dtype)

    def _class_weights(self) -> torch.Tensor | None:
        asked, classes = self.setting.training.class_weight, self.split.classes
        if asked is None:
            return None
        if asked == "balanced":
            y = self.split.train.y
            return torch.tensor([len(y) / (classes * (y == c).sum()) for c in range(classes)])
        return torch.tensor([asked.get(name, 1.0) for name in self.split.class_names])

    def _loss(self, out, y, smoothing=0.0, weights=None):
        if self.split.classes:
            if weights is not None:  # as Keras: not divided by the sum of weights
                each = nn.functional.cross_entropy(
                    out, y, label_smoothing=smoothing, reduction="none"
                )
                return (each * weights.to(each)[y]).sum() / len(y)
            return nn.functional.cross_entropy(out, y, label_smoothing=smoothing)
        return nn.functional.mse_loss(out[:, 0], y)

    def penalty(self, only_smooth: bool = False):
        reg, total = self.setting.regularizer, torch.zeros((), dtype=self.dtype)
        n = len(self.linears)
        for layer, l1, l2 in zip(self.linears, _list(reg.l1, n), _list(reg.l2, n), strict=True):
            total = total + l2 * (layer.weight**2).sum()
            if not (only_smooth and reg.l1_method == "proximal"):
                total = total + l1 * layer.weight.abs().sum()
        return total

    def _unit_step(self, weight: torch.Tensor, lr: float):
        o, state = self.setting.optimizer, self.optimizer.state[weight]
        if o.name == "sgd":
            return lr / (1 - o.momentum)
        if o.name == "rmsprop":
            return lr / (state["square_avg"].sqrt() + o.eps)
        v_hat = state["exp_avg_sq"] / (1 - o.betas[1] ** int(state["step"]))
        return lr / (v_hat.sqrt() + o.eps)

    def _step(self, epoch: int, step: int, x, y, batch: int) -> float:
        reg, n = self.setting.regularizer, len(self.linears)
        for module in self.net:
            if isinstance(module, Masked):
                width = self.widths[module.index]
                blocks = -(-batch * width // 16)
                draws = uint16(
                    self.seed,
                    Purpose.DROPOUT,
                    batch * width,
                    epoch=epoch,
                    layer=module.index,
                    block=step * blocks,
                )
                # The stream is read as signed numbers.
                module.uniforms = torch.from_numpy(draws.view(np.int16).astype(np.int64) + 32768)
        if reg.input_noise:
            blocks = -(-batch * x.shape[1] // 4)
            z = normal(self.seed, Purpose.INPUT_NOISE, x.numel(), epoch=epoch, block=step * blocks)
            x = x + reg.input_noise * torch.from_numpy(z).to(x).reshape(x.shape)
        lr = self._lr(epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad()
        loss = self._loss(self.net(x), y, reg.label_smoothing, self._class_weights())
        objective = float((loss + self.penalty()).detach())
        (loss + self.penalty(only_smooth=True)).backward()
        with torch.no_grad():
            for layer, decay in zip(self.linears, _list(reg.weight_decay, n), strict=True):
                layer.weight *= 1 - lr * decay
        self.optimizer.step()
        with torch.no_grad():
            for layer, l1, limit in zip(
                self.linears, _list(reg.l1, n), _list(reg.max_norm, n, inf), strict=True
            ):
                w = layer.weight
                if l1 and reg.l1_method == "proximal":
                    threshold = self._unit_step(w, lr) * l1
                    w.copy_(torch.sign(w) * torch.clamp(w.abs() - threshold, min=0))
                # torch's weight is (O, I, ...)
                norms = w.flatten(1).norm(dim=1).view(-1, *[1] * (w.dim() - 1))
                w.copy_(torch.where(norms > limit, w * limit / norms, w))
        return objective

    def train_epoch(self, epoch: int) -> None:
        self.net.train()
        training = self.setting.training
        x, y = self._part("train")
        batch = len(x) if training.batch_size == "full" else min(training.batch_size, len(x))
        order = np.arange(len(x))
        if training.shuffle and batch < len(x):
            ids = self.split.train.ids
            order = np.argsort(raw(self.seed, Purpose.SHUFFLE, ids.max() + 1, epoch=epoch)[ids])
        total = 0.0
        for step, start in enumerate(range(0, len(x), batch)):
            rows = torch.from_numpy(order[start : start + batch])
            total += self._step(epoch, step, x[rows], y[rows], batch) * len(rows)
        self.history.append({"objective": total / len(x), "lr": self._lr(epoch), **self.scores()})

    @torch.no_grad()
    def scores(self) -> dict[str, float]:
        self.net.eval()
        weights = torch.cat([layer.weight.flatten() for layer in self.linears])
        scores = {
            "penalty": float(self.penalty()),
            "weight_norm": float(weights.norm()),
            "zero_fraction": float((weights == 0).double().mean()),
        }
        for name in ("train", "val", "test"):
            x, y = self._part(name)
            if len(x) == 0:
                continue
            out = self.net(x)
            scores[f"{name}_loss"] = float(self._loss(out, y))
            if self.split.classes:
                scores[f"{name}_acc"] = float((out.argmax(1) == y).double().mean())
            else:
                spread = ((y - y.mean()) ** 2).sum()
                scores[f"{name}_r2"] = float(1 - ((out[:, 0] - y) ** 2).sum() / spread)
        return scores

    def train(self, epochs: int | None = None) -> Solo:
        for epoch in range(1, (epochs or self.setting.training.epochs) + 1):
            self.train_epoch(epoch)
        return self

    def state(self) -> dict[str, np.ndarray]:
        """Named and shaped as regbench saves weights."""
        arrays = {}
        for i, layer in enumerate(self.linears):
            arrays[f"layers.{i}.weight"] = layer.weight.detach().numpy()
            arrays[f"layers.{i}.bias"] = layer.bias.detach().numpy()
        norms = [m for m in self.net if isinstance(m, BiasedBatchNorm)]
        for i, norm in enumerate(norms):
            arrays[f"norms.{i}.weight"] = norm.weight.detach().numpy()
            arrays[f"norms.{i}.bias"] = norm.bias.detach().numpy()
            arrays[f"norms.{i}.running_mean"] = norm.running_mean.numpy()
            arrays[f"norms.{i}.running_var"] = norm.running_var.numpy()
        return arrays


class ConvSolo(Solo):
    """A single run of a cnn, by torch.nn's own layers."""

    def _layers(self) -> list[nn.Module]:
        model, reg = self.setting.model, self.setting.regularizer
        example = self.split.example
        flat = len(example) == 2
        convolution, pooling = (nn.Conv1d, nn.MaxPool1d) if flat else (nn.Conv2d, nn.MaxPool2d)
        depth = len(model.channels) + len(model.hidden)
        rates = _list(reg.dropout, depth)
        sizes = [_list(getattr(model, key), len(model.channels)) for key in SIZES]
        self.widths = [int(np.prod(example))]
        modules = [Masked(reg.input_dropout, 0), nn.Unflatten(1, example)]
        x = torch.zeros(1, *example, dtype=self.dtype)

        def add(*layers: nn.Module) -> None:
            nonlocal x
            for layer in layers:
                modules.append(layer.to(self.dtype))
                x = layer.eval()(x)

        def add_hidden(i: int, layer: nn.Module, pool: int = 1) -> None:
            add(self._started(layer, i, trained_bias=reg.batchnorm is None))
            if reg.batchnorm is not None:
                options = {"eps": reg.batchnorm.eps, "momentum": reg.batchnorm.momentum}
                add(BiasedBatchNorm(x.shape[1], **options))
            add(ACTIVATIONS[model.activation](), *[pooling(pool)] * (pool > 1))
            add(Masked(rates[i], i + 1))
            self.widths.append(x.numel())

        for i, channels in enumerate(model.channels):
            kernel, stride, padding, pool = (each[i] for each in sizes)
            add_hidden(i, convolution(x.shape[1], channels, kernel, stride, padding), pool)
        add(nn.Flatten())
        for i, width in enumerate(model.hidden, len(model.channels)):
            add_hidden(i, nn.Linear(x.shape[1], width))
        add(self._started(nn.Linear(x.shape[1], self.classes), depth))
        return modules

    def _started(self, layer: nn.Module, i: int, trained_bias: bool = True) -> nn.Module:
        outputs, inputs = layer.weight.shape[:2]
        window = layer.weight[0, 0].numel()
        sides = (inputs * window, outputs, outputs * window)
        weight, bias = initial_affine(self.setting.model.init, self.seed, i, *sides)
        layer.to(self.dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight.T.copy()).view_as(layer.weight))
            layer.bias.copy_(torch.from_numpy(bias))
        layer.bias.requires_grad_(trained_bias)
        return layer


SIZES = ("kernel", "stride", "padding", "pooling")
