"""Networks that autograd differentiates, one torch module a run: convolutions, and users' modules.

Runs go one after the other, so that each has the same bits in any company; on the CPU images are
in channels-last layout, which is the fastest for that (docs/architecture.md has the times).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from regbench.engine.batch import Batch
from regbench.engine.cnn import BiasedBatchNorm
from regbench.engine.draws import Draws
from regbench.engine.layers.loss import Loss
from regbench.engine.layers.parameters import Parameters, Slot, named
from regbench.engine.own_code import running
from regbench.engine.own_dropout import Pass, take_over
from regbench.models.architecture import Architecture
from regbench.models.layers import Kind, Own, Parameter, Shape
from regbench.models.own import OwnModule
from regbench.streams import Purpose, raw

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *_TRANSPOSED)
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


class ModuleNetwork:
    """R modules of one architecture: (R, B, I) to (R, O, B).

    All values, gradients and buffers lie in blocks with a row a run; the modules' own tensors are
    views of them, so that one call of an optimizer moves all runs.

    Args:
        modules: R of them, with their initial weights; they are taken over.
        example: the shape of an example.
        outputs: O.
        seeds: R.
        rates: R lists with the rate of each dropout layer.
        like: gives dtype and device.
        own: whose code it is, where it is the user's.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        example: Shape,
        outputs: int,
        seeds: Sequence[int],
        rates: Sequence[Sequence[float]],
        like: Tensor,
        own: OwnModule | None = None,
    ) -> None:
        _wake_autograd(like)
        self._modules, self._seeds, self._own = list(modules), list(seeds), own
        self._example, self._outputs = example, outputs
        self._passes = [Pass() for _ in modules]
        for module, own_rates, passing in zip(modules, rates, self._passes, strict=True):
            module.to(device=like.device, dtype=like.dtype)
            take_over(module, own_rates, passing)
        found = _parameters(modules[0])
        self.architecture = Architecture((Own(example, outputs, found),))
        self._channels_last = like.device.type == "cpu" and len(example) == 3
        slots = [Slot(each, _order(each.shape) if self._channels_last else ()) for each in found]
        self.parameters = Parameters(slots, len(modules), like)
        self._buffers = {
            name: torch.stack([m.get_buffer(name) for m in modules])
            for name, _ in modules[0].named_buffers()
        }
        for slot in slots:
            values = self.parameters.value(slot)
            for row, module in enumerate(modules):
                values[row].copy_(module.get_parameter(slot.name).detach())
        self._bind()

    def _bind(self) -> None:
        """Make the modules' tensors views of the blocks."""
        slots = self.parameters.slots
        values = [self.parameters.value(slot) for slot in slots]
        self._gradients = [self.parameters.gradient(slot) for slot in slots]
        self._trained = []
        for row, module in enumerate(self._modules):
            trained = [module.get_parameter(slot.name) for slot in slots]
            for parameter, value in zip(trained, values, strict=True):
                parameter.data = value[row]
            self._trained.append(trained)
            for name, block in self._buffers.items():
                _set_buffer(module, name, block[row])

    @property
    def runs(self) -> int:
        """R, the runs that are still in the stack."""
        return len(self._modules)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs in evaluation mode."""
        outputs = x.new_empty(self.runs, self._outputs, x.shape[1])
        for row in range(self.runs):
            outputs[row].copy_(self._one(row, x[row], None).T)
        return outputs

    def learn(self, batch: Batch, losses: Sequence[Loss], draws: Draws) -> Tensor:
        """(R,) the losses of a batch; leaves their gradients in `parameters.gradients`.

        A run goes forward and backward before the next one begins, as its activations are in the
        cache then.

        Args:
            batch: whose x may be overwritten.
            losses: of each run.
        """
        found = []
        for row, loss_of in enumerate(losses):
            own = slice(row, row + 1)
            second = None if batch.second is None else (batch.second[0][own], batch.second[1][own])
            output = self._one(row, batch.x[row], draws)
            loss, gradient = loss_of(output.detach().T.unsqueeze(0), batch.y[own], second)
            self._backward(row, output, gradient[0].T)
            found.append(loss)
        return torch.cat(found)

    def remake_statistics(self, batches: Iterable[Tensor]) -> None:
        """Make the running statistics of batchnorm layers anew, as `Network.remake_statistics`.

        A batch of one example has no variance, and is left out.
        """
        seen = 0
        for x in batches:
            if x.shape[1] == 1:
                continue
            seen += x.shape[1]
            for row, module in enumerate(self._modules):
                module.eval()
                with _taking_in(module, x.shape[1] / seen):
                    self._one(row, x[row], None)
        self._collect()

    def _one(self, row: int, x: Tensor, draws: Draws | None) -> Tensor:
        """(B, I) to (B, O) of one run."""
        module, training = self._modules[row], draws is not None
        if module.training != training:
            module.train(training)
        given = x.view(len(x), *self._example)
        x = given
        if self._channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        if self._own is not None and not training and x is given:
            x = x.clone()  # these are the data, and a module may work in place
        self._passes[row].start(draws, row, len(x))
        seeded: AbstractContextManager[None] = nullcontext()
        if self._own is not None and draws is not None:
            seeded = generator_at(self._seeds[row], *draws.now, x.device)
        with torch.set_grad_enabled(training), seeded, self._told():
            y = module(x)
        if not isinstance(y, Tensor) or y.shape != (len(x), self._outputs):
            raise self._bad(_shape_trouble(y, len(x), self._outputs))
        return y

    def _backward(self, row: int, output: Tensor, gradient: Tensor) -> None:
        """Fill one run's gradients from that for its outputs, (B, O)."""
        with self._told():
            found = torch.autograd.grad(output, self._trained[row], gradient, allow_unused=True)
        for block, own in zip(self._gradients, found, strict=True):
            block[row].zero_() if own is None else block[row].copy_(own)

    def _told(self) -> AbstractContextManager[None]:
        """What goes wrong in a user's code, as one line."""
        return running(self._own) if self._own is not None else nullcontext()

    def _bad(self, why: str) -> Exception:
        return self._own.refused(why) if self._own is not None else ValueError(why)

    def probe(self, x: Tensor) -> None:
        """Try a user's module on a few examples: refuse what could not be trained honestly.

        Args:
            x: (B, I).
        Raises:
            BadStudy: its outputs have the wrong shape, are not finite, or depend on calls before;
                or a step through it fails.
        """
        if self._own is None:
            return
        if not self._trained[0]:
            raise self._bad("the module has no parameter that is trained")
        first, again = self._one(0, x, None), self._one(0, x, None)
        if not torch.isfinite(first).all():
            raise self._bad("its first outputs are not finite")
        if not torch.equal(first, again):
            raise self._bad(
                "in evaluation mode it gives other outputs for the same examples: leave out "
                "randomness there (F.dropout needs training=self.training), and keep no state "
                "between calls outside of buffers"
            )
        before = {name: block.clone() for name, block in self._buffers.items()}
        draws = Draws(self._seeds[:1], len(x), x.device)
        draws.start_epoch(0, 1)
        output = self._one(0, x.clone(), draws)
        self._backward(0, output, torch.ones_like(output))
        self._collect()
        for name, block in self._buffers.items():
            block.copy_(before[name])
        for gradient in self.parameters.gradients.values():
            gradient.zero_()
        if not torch.equal(first, self._one(0, x, None)):
            raise self._bad(
                "it keeps state between calls outside of its parameters and buffers: register it "
                "as a buffer"
            )

    def _collect(self) -> None:
        """Bring back into the blocks what a module has put in the place of its tensors."""
        for row, module in enumerate(self._modules):
            present = dict(module.named_parameters())
            for slot, parameter in zip(self.parameters.slots, self._trained[row], strict=True):
                now = present.get(slot.name)
                if now is None or now is not parameter or now.shape != slot.parameter.shape:
                    raise self._bad(f"its parameter {slot.name} has become another in training")
            for name, block in self._buffers.items():
                held = module.get_buffer(name)
                if held.data_ptr() == block[row].data_ptr():
                    continue
                if held.shape != block.shape[1:]:
                    raise self._bad(f"its buffer {name} has changed its shape in training")
                block[row].copy_(held)
                _set_buffer(module, name, block[row])

    def keep(self, rows: Tensor) -> None:
        """Keep only these runs, in this order."""
        self._collect()
        self.parameters.keep(rows)
        self._buffers = {n: block.index_select(0, rows) for n, block in self._buffers.items()}
        chosen = rows.tolist()
        self._modules = [self._modules[row] for row in chosen]
        self._passes = [self._passes[row] for row in chosen]
        self._seeds = [self._seeds[row] for row in chosen]
        self._bind()

    def tensors(self) -> dict[str, Tensor]:
        """All that training changes, for all runs: the tensors in use, by name."""
        self._collect()
        return named("values", self.parameters.values) | named("buffer", self._buffers)

    def state(self, row: int) -> dict[str, npt.NDArray[np.generic]]:
        """One run's tensors as its module names them, copied to the CPU."""
        self._collect()
        tensors = self._modules[row].state_dict().items()
        return {name: np.array(tensor.cpu().numpy(), order="C") for name, tensor in tensors}

    def load(self, row: int, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Give one run the tensors that `state` returned."""
        for name, tensor in self._modules[row].state_dict().items():
            tensor.copy_(torch.from_numpy(np.array(state[name])))


def _wake_autograd(like: Tensor) -> None:
    """Let autograd's thread meet the GPU: it warns where a product is the first it does there."""
    if like.is_cuda:
        with torch.enable_grad():
            x = torch.zeros_like(like, requires_grad=True)
            torch.autograd.grad(x * x, x, like)


def _parameters(module: nn.Module) -> tuple[Parameter, ...]:
    """What is trained in a module; kernels are the weights of its linear and convolution layers."""
    kernels: dict[int, int] = {}
    norms: set[int] = set()
    for layer in module.modules():
        if isinstance(layer, (nn.Linear, *_CONVOLUTIONS)):
            kernels[id(getattr(layer, "weight", None))] = int(isinstance(layer, _TRANSPOSED))
        elif isinstance(layer, _NORMS):
            norms |= {id(each) for each in layer.parameters(recurse=False)}

    def kind(name: str, parameter: nn.Parameter) -> Kind:
        if id(parameter) in kernels:
            return "kernel"
        if id(parameter) in norms:
            return "norm"
        return "bias" if "bias" in name.rpartition(".")[2] else "other"

    return tuple(
        Parameter(name, kind(name, each), tuple(each.shape), kernels.get(id(each), 0))
        for name, each in module.named_parameters()
        if each.requires_grad
    )


@contextmanager
def _taking_in(module: nn.Module, share: float) -> Iterator[None]:
    """Batchnorm layers normalise by the batch, of which their statistics take in a share."""
    kinds = (nn.modules.batchnorm._BatchNorm, BiasedBatchNorm)
    norms = [each for each in module.modules() if isinstance(each, kinds)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.training, norm.momentum = True, share
    try:
        yield
    finally:
        for norm, momentum in zip(norms, before, strict=True):
            norm.training, norm.momentum = False, momentum


def _order(shape: Shape) -> tuple[int, ...]:
    """Kernels of images are in channels-last layout."""
    return (0, 2, 3, 1) if len(shape) == 4 else ()


def _set_buffer(module: nn.Module, name: str, value: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    module.get_submodule(owner)._buffers[leaf] = value


@contextmanager
def generator_at(seed: int, epoch: int, step: int, device: torch.device) -> Iterator[None]:
    """torch's own generator as a function of (seed, epoch, step), and afterwards as it was."""
    number = int(raw(seed, Purpose.MODULE, 1, epoch=epoch, layer=step)[0] >> np.uint64(1))
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index or 0])
    before = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(number)
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


def _shape_trouble(y: object, batch: int, outputs: int) -> str:
    found = f"of shape {tuple(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
    return f"its outputs for {batch} examples are {found}, expected ({batch}, {outputs})"
