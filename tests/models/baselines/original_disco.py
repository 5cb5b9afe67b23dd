"""DISCO with the weights that the original code was recorded with (see tests/oracle)."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.models.baselines.disco.config import DISCOConfig
from hfluxno.models.baselines.disco.generator import Generator
from hfluxno.models.baselines.disco.unet import UNet
from tests.models.original import filled

_FOLDER = Path(__file__).parents[2] / "oracle"
CASES = json.loads((_FOLDER / "baselines_original.json").read_text())["cases"]

LEVELS = 4
# The layers of the U-Net in the order of ours, under the names of the record.
LAYERS = [
    f"{part}/{i}"
    for part in (
        "input",
        *(f"down{level}" for level in range(LEVELS)),
        "bottleneck",
        *(f"up{level}" for level in range(LEVELS)),
        "output",
    )
    for i in range(2)
]
ARRAYS = [f"{layer}/{part}" for layer in LAYERS for part in ("weight", "bias")]


def network(name: str, arrays: dict[str, np.ndarray]):
    """Our network of a case."""
    sizes = CASES[name]["sizes"]
    frames, fields, *cells = CASES[name]["context_shape"]
    config = DISCOConfig(
        fields=tuple(f"u{i}" for i in range(fields)),
        cells=tuple(cells),
        spacing=(0.1,) * len(cells),
        context=frames,
        patch=sizes["patch_size"],
        embedding=sizes["embedding_dim"],
        blocks=sizes["num_hypernet_blocks"],
        heads=sizes["num_hypernet_heads"],
        mlp_width=sizes["mlp_hidden_dim"],
        channels=sizes["opnet_hidden_channels"],
        groups=sizes["opnet_norm_groups"],
        rtol=sizes["rtol"],
        atol=sizes["atol"],
        substeps=sizes["max_steps"],
    )
    model = eqx.filter_eval_shape(config.build, jax.random.key(0))
    unet = UNet(fields, len(cells), config.channels, config.groups, LEVELS)
    bounds = tuple(float(arrays[f"scale/{key}"]) for key in ARRAYS)
    generator = eqx.filter_eval_shape(
        lambda key: Generator(config.embedding, config.mlp_width, unet, bounds, key=key),
        jax.random.key(0),
    )
    return eqx.tree_at(
        lambda m: (m.encoder, m.generator),
        model,
        (_encoder(model.encoder, arrays), _generator(generator, name, arrays)),
    )


def _encoder(encoder, arrays):
    encoder = filled(encoder, arrays, "adapter", lambda e: e.lift)
    stages, blocks = [], []
    for i, stage in enumerate(encoder.stages):
        stage = filled(stage, arrays, f"encoder/{i}", lambda s: s.linear)
        stages.append(filled(stage, arrays, f"encoder/norm{i}", lambda s: s.norm))
    for i, (time, space) in enumerate(encoder.blocks):
        blocks.append(
            (
                _time_block(time, arrays, f"block{i}/temporal"),
                _space_block(space, arrays, f"block{i}/spatial"),
            )
        )
    return eqx.tree_at(lambda e: (e.stages, e.blocks), encoder, (tuple(stages), tuple(blocks)))


def _time_block(block, arrays, name):
    block = _around_attention(block, arrays, name)
    attention = _attention(block.attention, arrays, f"{name}/attention")
    return eqx.tree_at(lambda b: b.attention, block, attention)


def _space_block(block, arrays, name):
    block = _around_attention(block, arrays, name)
    for part, where in (
        ("mlp/0", lambda b: b.widen),
        ("mlp/1", lambda b: b.narrow),
        ("mlp_norm", lambda b: b.mlp_norm),
    ):
        block = filled(block, arrays, f"{name}/{part}", where)
    attentions = tuple(
        _attention(attention, arrays, f"{name}/attention{axis}")
        for axis, attention in enumerate(block.attentions)
    )
    scale = jnp.asarray(arrays[f"weights/{name}/mlp_scale"])
    return eqx.tree_at(lambda b: (b.attentions, b.mlp_scale), block, (attentions, scale))


def _around_attention(block, arrays, name):
    for part, where in (
        ("attention_norm", lambda b: b.enter_norm),
        ("output_norm", lambda b: b.leave_norm),
        ("output", lambda b: b.leave),
    ):
        block = filled(block, arrays, f"{name}/{part}", where)
    scale = jnp.asarray(arrays[f"weights/{name}/attention_scale"])
    return eqx.tree_at(lambda b: b.scale, block, scale)


def _attention(attention, arrays, name):
    for part, where in (
        ("query", lambda a: a.query),
        ("key", lambda a: a.key),
        ("value", lambda a: a.value),
        ("query_norm", lambda a: a.query_norm),
        ("key_norm", lambda a: a.key_norm),
    ):
        attention = filled(attention, arrays, f"{name}/{part}", where)
    positions = jnp.asarray(arrays[f"weights/{name}/positions"])
    return eqx.tree_at(lambda a: a.offsets, attention, positions)


def _generator(generator, name, arrays):
    """The original has three heads, whose vectors it cuts in another order than ours."""
    order = unet_order(name)
    weight, bias = (
        np.concatenate([arrays[f"weights/head{i}/{part}"] for i in range(3)])[order]
        for part in ("weight", "bias")
    )
    for i in range(2):
        generator = filled(generator, arrays, f"trunk/{i}", lambda g, i=i: g.trunk.layers[i])
    return eqx.tree_at(
        lambda g: (g.head.weight, g.head.bias), generator, (jnp.asarray(weight), jnp.asarray(bias))
    )


def unet_order(name: str) -> np.ndarray:
    """For each parameter of our U-Net its place among those of the original's heads."""
    places, first = {}, 0
    for array, shape in (entry for head in CASES[name]["heads"] for entry in head):
        places[array] = first + np.arange(np.prod(shape)).reshape(shape)
        first += np.prod(shape)
    return np.concatenate([own_layout(key, places[key]).reshape(-1) for key in ARRAYS])


def own_layout(key: str, array: np.ndarray) -> np.ndarray:
    """An array of the U-Net as ours has it: the original's transposed convolutions are mirrored."""
    if key.startswith("up") and key.endswith("/0/weight"):
        return np.flip(array, tuple(range(2, array.ndim)))
    return array
