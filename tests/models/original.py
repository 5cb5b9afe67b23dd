"""Networks with the weights that the original HFluxNO code was recorded with (see tests/oracle)."""

import json
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hfluxno.models.hfluxno_config import HFluxNOConfig
from hfluxno.models.parts import (
    DPOTEncoderConfig,
    HypernetworkConfig,
    LocalConfig,
    TRecViTConfig,
    ViTConfig,
)

_FOLDER = Path(__file__).parents[1] / "oracle"
CASES = json.loads((_FOLDER / "hfluxno_original.json").read_text())["cases"]


def recorded(name: str, record: str = "hfluxno") -> dict[str, np.ndarray]:
    """The arrays of one case, by the rest of their name."""
    with np.load(_FOLDER / f"{record}_original.npz") as file:
        start = f"{name}/"
        return {key.removeprefix(start): file[key] for key in file.files if key.startswith(start)}


def network(name: str, arrays: dict[str, np.ndarray]):
    """Our network of a case whose target is the local flux operator."""
    case = CASES[name]
    sizes, encoder = case["sizes"], case["encoder_sizes"]
    interval, *spacing = case["steps"]
    frames, fields, *cells = case["context_shape"]
    left, right = sizes["stencil_size"]
    config = HFluxNOConfig(
        fields=tuple(f"u{i}" for i in range(fields)),
        cells=tuple(cells),
        spacing=tuple(spacing),
        interval=interval,
        context=frames,
        encoder=TRecViTConfig(
            patch=tuple(encoder["patch_size"]),
            embedding=sizes["embedding_dim"],
            layers=encoder["depth"],
            channels=encoder["temporal_block_width"],
            heads=encoder["num_heads"],
            mlp_width=encoder["mlp_hidden_dim"],
        ),
        target=LocalConfig(left + 1, right, sizes["lift_dim"], sizes["width_flux"], sizes["depth"]),
        hypernetwork=HypernetworkConfig(
            sizes["embedding_dim"], sizes["width_hyper"], 1, sizes["blocks_hyper"]
        ),
    )
    model = _zeros(config)
    hypernetwork = model.hypernetwork
    hypernetwork = eqx.tree_at(
        lambda h: h.trunk.layers, hypernetwork, _chain(hypernetwork.trunk.layers, arrays, "trunk")
    )
    heads = tuple(
        filled(head, arrays, f"head{axis}/real", lambda h: h.linear)
        for axis, head in enumerate(hypernetwork.heads)
    )
    hypernetwork = eqx.tree_at(lambda h: h.heads, hypernetwork, heads)
    return eqx.tree_at(
        lambda m: (m.encoder, m.hypernetwork), model, (trecvit(model.encoder, arrays), hypernetwork)
    )


def _zeros(config):
    """The network with zeros for weights, which takes no time to make."""
    skeleton = eqx.filter_eval_shape(config.build, jax.random.key(0))
    return jax.tree.map(
        lambda leaf: (
            jnp.asarray(np.zeros(leaf.shape, leaf.dtype))
            if isinstance(leaf, jax.ShapeDtypeStruct)
            else leaf
        ),
        skeleton,
    )


def trecvit(encoder, arrays):
    """Our encoder with recorded weights."""
    temporal = tuple(
        _recurrent(block, arrays, f"encoder/layer{i}/recurrent")
        for i, block in enumerate(encoder.temporal)
    )
    spatial = tuple(
        transformer(block, arrays, f"encoder/layer{i}/transformer")
        for i, block in enumerate(encoder.spatial)
    )
    encoder = filled(encoder, arrays, "encoder/patch/0", lambda e: e.embed.linear)
    encoder = filled(encoder, arrays, "encoder/norm", lambda e: e.norm)
    return eqx.tree_at(
        lambda e: (e.positions, e.temporal, e.spatial),
        encoder,
        (_positions(arrays), temporal, spatial),
    )


def vit(arrays):
    """Our vision transformer of the case `vit`."""
    frames, _, *cells = CASES["vit"]["context_shape"]
    sizes = CASES["vit"]["encoder_sizes"]
    config = HFluxNOConfig(
        cells=tuple(cells),
        context=frames,
        encoder=ViTConfig(
            patch=tuple(sizes["patch_size"]),
            patch_depth=sizes["num_hidden_patch"],
            embedding=arrays["out/embedding"].size,
            layers=sizes["num_layers"],
            heads=sizes["num_heads"],
            mlp_width=sizes["hidden_dim"],
        ),
    )
    encoder = _zeros(config).encoder
    encoder = filled(encoder, arrays, "encoder/patch/0", lambda e: e.embed.linear)
    encoder = filled(encoder, arrays, "encoder/norm", lambda e: e.norm)
    layers = tuple(
        filled(layer, arrays, f"encoder/patch/{i + 1}", lambda layer: layer)
        for i, layer in enumerate(encoder.patch_layers)
    )
    blocks = tuple(
        transformer(block, arrays, f"encoder/layer{i}") for i, block in enumerate(encoder.blocks)
    )
    return eqx.tree_at(lambda e: (e.patch_layers, e.blocks), encoder, (layers, blocks))


def dpot(arrays):
    """Our DPOT encoder of the case `dpot`."""
    frames, _, *cells = CASES["dpot"]["context_shape"]
    sizes = CASES["dpot"]["encoder_sizes"]
    config = HFluxNOConfig(
        cells=tuple(cells),
        context=frames,
        encoder=DPOTEncoderConfig(
            patch=tuple(sizes["patch_size"]),
            patch_width=sizes["hidden_dim_patch"],
            embedding=arrays["out/embedding"].size,
            layers=sizes["fno_depth"],
            mlp_width=sizes["hidden_dim_fno"],
            modes=_tuple(sizes["max_frequency_modes"]),
            blocks=sizes["num_blocks"],
        ),
    )
    return dpot_encoder(_zeros(config).encoder, arrays)


def dpot_encoder(encoder, arrays):
    """A DPOT encoder of ours with recorded weights."""
    blocks = []
    for i, block in enumerate(encoder.blocks):
        name = f"encoder/layer{i}"
        block = filled(block, arrays, f"{name}/spectral_norm", lambda b: b.first_norm)
        block = filled(block, arrays, f"{name}/mlp_norm", lambda b: b.second_norm)
        block = filled(block, arrays, f"{name}/mlp/0", lambda b: b.widen)
        block = filled(block, arrays, f"{name}/mlp/1", lambda b: b.narrow)
        blocks.append(
            eqx.tree_at(
                lambda b: b.mixing,
                block,
                spectral(block.mixing, arrays, f"{name}/spectral"),
            )
        )
    encoder = filled(encoder, arrays, "encoder/patch/0", lambda e: e.embed.linear)
    encoder = filled(encoder, arrays, "encoder/patch/1", lambda e: e.embed_second)
    return eqx.tree_at(
        lambda e: (e.positions, e.frequencies, e.weights, e.blocks),
        encoder,
        (
            _positions(arrays),
            jnp.asarray(arrays["weights/encoder/time/frequencies"]),
            jnp.asarray(arrays["weights/encoder/time/weight"]),
            tuple(blocks),
        ),
    )


def spectral(mixing, arrays, name):
    first, second = (
        [jnp.asarray(arrays[f"weights/{name}/mlp/{k}/{part}"]) for part in ("weight", "bias")]
        for k in (0, 1)
    )
    return eqx.tree_at(
        lambda m: (m.first, m.first_bias, m.second, m.second_bias),
        mixing,
        (first[0], first[1], second[0], second[1]),
    )


def flux(operator, arrays):
    """Our local flux with the weights of the case `flux_no`."""
    operator = filled(operator, arrays, "lift", lambda f: f.lift)
    layers = _chain(operator.mlp.layers, arrays, "mlp")
    return eqx.tree_at(lambda f: f.mlp.layers, operator, layers)


def transformer(block, arrays, name):
    parts = [
        arrays[f"weights/{name}/attention/{part}/weight"] for part in ("query", "key", "value")
    ]
    block = filled(block, arrays, f"{name}/attention_norm", lambda b: b.attention_norm)
    block = filled(block, arrays, f"{name}/mlp_norm", lambda b: b.mlp_norm)
    block = filled(block, arrays, f"{name}/mlp/0", lambda b: b.widen)
    block = filled(block, arrays, f"{name}/mlp/1", lambda b: b.narrow)
    return eqx.tree_at(
        lambda b: (b.attention.enter.weight, b.attention.leave.weight),
        block,
        (
            jnp.asarray(np.concatenate(parts)),
            jnp.asarray(arrays[f"weights/{name}/attention/output/weight"]),
        ),
    )


def _recurrent(block, arrays, name):
    for part, where in (
        ("gate", lambda b: b.gate),
        ("input", lambda b: b.enter),
        ("output", lambda b: b.leave),
        ("lru/input_gate", lambda b: b.unit.input_gate),
        ("lru/recurrence_gate", lambda b: b.unit.recurrence_gate),
    ):
        block = filled(block, arrays, f"{name}/{part}", where)
    return eqx.tree_at(
        lambda b: (b.norm.weight, b.kernel, b.bias, b.unit.decay),
        block,
        (
            jnp.asarray(arrays[f"weights/{name}/norm/weight"]),
            jnp.asarray(arrays[f"weights/{name}/conv/weight"][:, 0]),
            jnp.asarray(arrays[f"weights/{name}/conv/bias"][:, 0]),
            jnp.asarray(arrays[f"weights/{name}/lru/a"]),
        ),
    )


def _positions(arrays):
    positions = arrays["weights/encoder/position"]
    return jnp.asarray(positions.reshape(positions.shape[0], -1).T)


def _chain(layers, arrays, name):
    return tuple(
        filled(layer, arrays, f"{name}/{i}", lambda layer: layer) for i, layer in enumerate(layers)
    )


def filled(tree, arrays, name, where):
    """A part of a tree with its weight and bias from the record, shaped as ours."""
    part = where(tree)
    weight = jnp.asarray(arrays[f"weights/{name}/weight"].reshape(part.weight.shape))
    bias = jnp.asarray(arrays[f"weights/{name}/bias"].reshape(part.bias.shape))
    new = eqx.tree_at(lambda p: (p.weight, p.bias), part, (weight, bias))
    return new if part is tree else eqx.tree_at(where, tree, new)


def _tuple(value) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, list) else (value,)
