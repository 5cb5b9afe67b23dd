"""Trained networks as files, and back.

A released network is a folder:

- `config.json`: the version of the format, the model configuration, where the weights come from;
- `model.safetensors`: every array under its path in the network, only real numbers (a complex array
  is stored as two);
- `README.md`: the model card for people.

Reading executes nothing in it and checks everything: the version, the configuration's keys, and
that names and shapes are those of the architecture.
"""

import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.extras import require
from hfluxno.models import beside_the_wheel
from hfluxno.models.configuration import ModelConfig
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.network import Network
from hfluxno.models.provenance import Training
from hfluxno.models.renamed import present_name
from hfluxno.plural import plural
from hfluxno.strict_json import from_dict, to_dict

VERSION = 3
CONFIG, ARRAYS, CARD = "config.json", "model.safetensors", "README.md"
# The folder of the networks that come with the package.
SHIPPED = Path(__file__).parents[1] / "weights"


def shipped() -> tuple[str, ...]:
    """The names of the networks that come with the package."""
    if not SHIPPED.is_dir():
        return ()
    return tuple(sorted(path.name for path in SHIPPED.iterdir() if (path / CONFIG).is_file()))


def available() -> tuple[str, ...]:
    """The names of all networks that can be loaded by name: those that come with the package, and
    those beside the wheel that are on this machine."""
    return tuple(sorted({*shipped(), *beside_the_wheel.at_hand()}))


def save_pretrained(
    folder: str | Path, network: Network, config: ModelConfig, training: Training
) -> None:
    """Writes a network as a folder of three files, which has the name of the network. Raises
    `ValueError` if a weight is not finite; `OSError` if a file cannot be written.
    """
    require("Saving a network", "networks", "safetensors")
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    for name, leaf in _named_arrays(network).items():
        value = np.asarray(leaf)
        pair = {f"{name}.real": value.real, f"{name}.imag": value.imag}
        real = pair if jnp.iscomplexobj(leaf) else {name: value}
        parts = {key: part.astype("float32") for key, part in real.items()}
        if not all(np.all(np.isfinite(part)) for part in parts.values()):
            raise ValueError(f"The array {name} is not finite; train again.")
        arrays |= parts
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    described = {
        "format": "hfluxno",
        "version": VERSION,
        "model": {"kind": type(config).__name__} | to_dict(config),
        "training": to_dict(training),
    }
    (folder / ARRAYS).write_bytes(save(arrays))
    (folder / CONFIG).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(folder.name, network, config, training), encoding="utf-8")


def load(name: str | Path) -> NetworkForecaster:
    """The forecaster of a released network.

    **Arguments:**

    - `name`: of a network that comes with the package, such as `hfluxno-small-cubic`, or beside it
      (`hfluxno-base-burgers`, see `beside_the_wheel`), a folder, or an id `owner/name` of the
      Hugging Face hub. A name from version 0.1.0 gives a warning with the current one.

    **Raises:**

    - `ValueError`, if there is no such network, or its files are not what this version reads.
    - `OSError`, if a file cannot be read.
    """
    folder = _folder(str(name))
    network, config, training = read_folder(folder)
    return NetworkForecaster(network, config, folder.name, training)


def read_folder(folder: Path) -> tuple[Network, ModelConfig, Training]:
    """The network of a folder, its configuration, and where its weights come from. Raises
    `ValueError` if the files are not what this version reads; `OSError` if a file cannot be read.
    """
    described = _described(folder / CONFIG)
    config = from_dict(ModelConfig, described["model"], "the model configuration")
    training = from_dict(Training, described["training"], "the description of the training")
    skeleton = eqx.filter_eval_shape(config.build, jax.random.key(0))
    return _filled(skeleton, _read_arrays(folder / ARRAYS), folder / ARRAYS), config, training


def card(name: str, network: Network, config: ModelConfig, training: Training) -> str:
    """The model card, in Markdown."""
    count = sum(leaf.size for leaf in _named_arrays(network).values())
    cells = "×".join(map(str, config.cells))
    spacing = ", ".join(f"{dx:g}" for dx in config.spacing)
    shown = (
        ""
        if config.pairs is None
        else f" and {plural(config.pairs.count, 'pair')} of states of its law"
    )
    reads = (
        f"{plural(config.context, 'frame')} of {', '.join(config.fields)} at Δt = "
        f"{config.interval:g} on {cells} cells of {spacing}{shown}"
    )
    examples = "" if config.pairs is None else ", examples=pairs"
    conservatively = ", conservatively" if config.conservative else ""
    limits = "".join(f"- {limit}\n" for limit in training.limits)
    return f"""---
library_name: hfluxno
license: apache-2.0
tags: [conservation-laws, forecasting]
---

# {name}

Continues snapshots of an unknown conservation law{conservatively}.

```python
import hfluxno

hfluxno.load("{name}").forecast(context, steps=20{examples})
```

| | |
|---|---|
| reads | {reads} |
| network | {config.summary} |
| parameters | {count:,} |
| data | {training.data} |
| preset, seed | {training.preset}, {training.seed} |
| updates | {training.updates} of {training.batch} windows, {training.minutes:.0f} minutes |
| loss | {training.loss} |
| augmentation | {training.augmentation} |
| optimiser | {training.optimizer} |
| validation error | {training.validation_error:.4g} ({training.measure}) |

## Limits

{limits or "- None are known beyond those of the data that it was trained on."}
"""


def _folder(name: str) -> Path:
    if (Path(name) / CONFIG).is_file():
        return Path(name)
    name = present_name(name)
    if name in shipped():
        return SHIPPED / name
    if name in beside_the_wheel.checksums():
        return beside_the_wheel.checked_folder(name)
    if Path(name).is_dir():
        raise ValueError(f"The folder {name} has no {CONFIG}: it is not a released network.")
    if name.count("/") == 1 and not name.startswith((".", "/")):
        require("A network of the Hugging Face hub", "hub")
        from hfluxno.models.hub import download

        return download(name)
    known = ", ".join(available()) or "none in this installation"
    raise ValueError(
        f"Unknown weights {name!r}: give a folder, an id owner/name of the Hugging Face hub, or "
        f"the name of shipped weights ({known})."
    )


def _described(path: Path) -> dict[str, Any]:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is corrupt: it is not JSON.") from error
    if not isinstance(described, dict) or described.get("format") != "hfluxno":
        raise ValueError(f"{path} does not describe a network of hfluxno.")
    if described.get("version") != VERSION:
        raise ValueError(
            f"{path} has version {described.get('version')!r} of the format; this hfluxno reads "
            f"version {VERSION}. Use the hfluxno that the weights were made with."
        )
    unknown = sorted(set(described) - {"format", "version", "model", "training"})
    if unknown:
        raise ValueError(f"Unknown key {unknown[0]!r} in {path}.")
    for key in ("model", "training"):
        if key not in described:
            raise ValueError(f"The key {key!r} is missing in {path}.")
    return described


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    require("Loading a network", "networks", "safetensors")
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = path.read_bytes()
    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is corrupt: it is not a whole safetensors file.") from error


def _filled(skeleton: Network, arrays: dict[str, np.ndarray], path: Path) -> Network:
    """The network with the arrays of a file in place of its shapes."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(skeleton)
    expected: set[str] = set()
    filled = []
    for place, leaf in leaves:
        if not isinstance(leaf, jax.ShapeDtypeStruct):
            filled.append(leaf)
            continue
        name = _name(place)
        names = [f"{name}.real", f"{name}.imag"] if jnp.iscomplexobj(leaf) else [name]
        expected |= set(names)
        parts = []
        for key in names:
            if key not in arrays:
                raise ValueError(
                    f"{path} has another architecture than its configuration: {key} is missing."
                )
            if arrays[key].shape != leaf.shape:
                raise ValueError(
                    f"{path} has another architecture than its configuration: {key} has the "
                    f"shape {arrays[key].shape}, but {leaf.shape} is expected."
                )
            parts.append(arrays[key].astype(np.float32))
        whole = map(jnp.asarray, parts)
        filled.append(jax.lax.complex(*whole) if len(parts) == 2 else next(whole))
    extra = sorted(set(arrays) - expected)
    if extra:
        raise ValueError(
            f"{path} has another architecture than its configuration: {extra[0]} is not part of it."
        )
    return jax.tree_util.tree_unflatten(structure, filled)


def _named_arrays(network: Network) -> dict[str, jax.Array]:
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(network, eqx.is_array))
    return {_name(place): leaf for place, leaf in leaves}


def _name(place) -> str:
    return jax.tree_util.keystr(place, simple=True, separator=".")
