"""What stands beside a model that was taken away: how it is used, without regbench."""

from __future__ import annotations

from pathlib import Path

from regbench.config.plan import Run
from regbench.errors import one_line
from regbench.vocabulary.metrics import Task

_TEXT = """\
# A model

Of the study `{study}`, cell `{cell}`, seed {seed} (run `{run_id}`): a {task}.

- `weights.safetensors`: `layers.<i>.weight` (outputs, inputs) and `.bias`, as in `torch.nn.Linear`;
  with batchnorm `norms.<i>.*`, as in `torch.nn.BatchNorm1d`
- `architecture.json`: how the layers stand
- `preprocessing.json`: by column, what stands for a missing value (`fill`), `mean` and `scale` of a
  number, the `texts` of a category (`shown`: those that it was trained on;
  where there are `kept`, these alone have an input, and the others shown share one more); {target}

With regbench, `regbench predict` and this folder make predictions for a table's rows. Without it,
this loads the model:

```python
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

weights, net = load_file("weights.safetensors"), torch.nn.Sequential()
model = json.loads(Path("architecture.json").read_text())
made = json.loads(Path("preprocessing.json").read_text())
{loaded}net.eval()
```

And this uses it, on rows that map columns to numbers or texts; what a row leaves out is missing:

```python
def inputs(row):
    for column in made["columns"]:
        value = row.get(column["name"], column["fill"])
        if "texts" in column:
            kept, shown = column["kept"], set(column["shown"])
            own = column["texts"] if kept is None else kept
            yield from (float(value == text and text in shown) for text in own)
            if not shown <= set(own):
                yield float(value is not None and value not in own)
        else:
            known = column["fill"] is not None
            yield (value - column["mean"]) / column["scale"] if known else 0.0


def predict(rows):
    x = torch.tensor([list(inputs(row)) for row in rows], dtype=torch.float64)
    with torch.no_grad():
        outputs = net(x.to({dtype}){viewed}).double()
    {returned}


print(predict([{{}}]))
```
"""
_LOADED = {
    "chain": """\
for i, width in enumerate([*model["hidden"], model["outputs"]]):
    layers = {"layers": torch.nn.Linear(weights[f"layers.{i}.weight"].shape[1], width)}
    if i < len(model["hidden"]) and model["batchnorm"]:
        layers["norms"] = torch.nn.BatchNorm1d(width, **model["batchnorm"])
    if i < len(model["hidden"]):
        layers["activation"] = getattr(torch.nn, model["activation"])()
    for name, layer in layers.items():
        own = {k.split(".")[2]: w for k, w in weights.items() if k.startswith(f"{name}.{i}.")}
        layer.to(weights["layers.0.bias"].dtype).load_state_dict(own, strict=False)
        net.append(layer)
""",
    "cnn": """\
nn, cnn = torch.nn, model["cnn"]
axes, convolutions = len(cnn["example"]) - 1, len(cnn["kernel"])
net.append(nn.Unflatten(1, cnn["example"]))
for i in range(convolutions + len(model["hidden"]) + 1):
    outputs, inputs, *_ = weights[f"layers.{i}.weight"].shape
    if i < convolutions:
        sizes = [cnn[key][i] for key in ("kernel", "stride", "padding")]
        layers = {"layers": getattr(nn, f"Conv{axes}d")(inputs, outputs, *sizes)}
    else:
        layers = {"flat": nn.Flatten(), "layers": nn.Linear(inputs, outputs)}
    if f"norms.{i}.weight" in weights:
        norm = getattr(nn, f"BatchNorm{axes if i < convolutions else 1}d")
        layers["norms"] = norm(outputs, **model["batchnorm"])
    if i < convolutions + len(model["hidden"]):
        layers["activation"] = getattr(nn, model["activation"])()
    if i < convolutions and cnn["pooling"][i] > 1:
        layers["pooling"] = getattr(nn, f"MaxPool{axes}d")(cnn["pooling"][i])
    for name, layer in layers.items():
        own = {k.split(".")[2]: w for k, w in weights.items() if k.startswith(f"{name}.{i}.")}
        layer.to(weights["layers.0.bias"].dtype).load_state_dict(own, strict=False)
        net.append(layer)
""",
    "module": """\
from {file} import {function}  # your own: architecture.json says what its files were known by

module = model["module"]
net = {function}(tuple(module["example"]), model["outputs"], **module["keywords"])
net.to(getattr(torch, model["dtype"])).load_state_dict(weights)
""",
}
_TARGETS = {
    "classification": "`classes` in the order of the outputs",
    "regression": "prediction = output x `scale` + `mean` of the target",
}
_RETURNED = {
    "classification": 'return outputs.softmax(1)  # a column for each of made["target"]["classes"]',
    "regression": 'return outputs[:, 0] * made["target"]["scale"] + made["target"]["mean"]',
}


def readme(study: str, run: Run, task: Task, own: str = "", *, cnn: bool = False) -> str:
    """The README.md of a run's model.

    Args:
        own: `net.py:make`, where it is a module of the user's.
        cnn: whether it is a convolutional network.
    """
    loaded, dtype, viewed = _LOADED["cnn" if cnn else "chain"], 'weights["layers.0.bias"].dtype', ""
    if own:
        file, _, function = own.rpartition(":")
        names = {"{file}": Path(file).stem, "{function}": function}
        loaded, dtype = _LOADED["module"], 'getattr(torch, model["dtype"])'
        for place, name in names.items():
            loaded = loaded.replace(place, name)
        viewed = '.view(-1, *model["module"]["example"])'
    return _TEXT.format(
        study=study,
        cell=one_line(run.cell.name).replace("`", "'"),
        seed=run.seed,
        run_id=run.run_id,
        task=task,
        target=_TARGETS[task],
        returned=_RETURNED[task],
        loaded=loaded,
        dtype=dtype,
        viewed=viewed,
    )
