"""Record the original baselines' answers in baselines_original.npz and .json.

Run ``python tests/oracle/record_baselines.py FOLDER`` where FOLDER is a checkout of the authors'
repository ``xx257xx/CONTEXT_FLUX_NO``, with Python 3.12 or later and jax, equinox, einops,
jaxtyping, diffrax, dm-haiku and einshape installed. The models are small, run in float64, and every
parameter is moved by random numbers, so that nothing zero hides an error; then it is rounded to a
multiple of 2⁻¹⁰, so that the file is small.

Each case NAME has in the NPZ its input, all weights, ``NAME/weights/...``, and what the original
made of them, ``NAME/out/...``:

``dpot``, ``dpot_2d``: from ``context`` (time, field, *cells) the features after the sum over time,
``aggregated``, and after the last block, ``blocks``; the next frame, ``next``, and three frames
with a sliding context, ``rollout``.

``disco``, ``disco_2d``: from ``context`` the patches before the first attention, ``encoded``, and
after the last, ``latent`` (time, channel, three axes), their mean, ``embedding``, and what the
heads get, ``trunk``; the vectors of the heads, ``head0`` to ``head2``, and the operator's arrays
cut from them and bounded, ``params/...``; the standardised last frame, ``state``, what the
operator's stages make of it, ``stages/...``, and its ``derivative``; ``next`` and ``rollout``; and
how many steps were tried, accepted and rejected for ``next``, ``steps``. The bounds come from
``NAME/scale/...``, for each of the operator's arrays the largest absolute value that it had when
the model was made. The arrays that the operator has by itself, and the encoders for other
dimensions, are never used and not recorded.

``icon``: pairs ``conditions`` and ``quantities`` (pair, cell, value) at ``coordinates`` (cell,
coordinate), of which the last condition is the question; the ``prompt``, ``mask`` and ``query``
that the original makes of them; the answer, ``value``. The weights have Haiku's names.

``fno``: from ``input`` (field, cells) the ``value`` of the vanilla FNO, in one dimension only: the
original transforms the last axis alone, but all axes back.

The JSON gives the sizes of each case, the arrays in the vector of each of DISCO's heads in their
order, and the versions that made the file. Its ``parameter_counts`` are of the models at the sizes
of the original's configurations, on 100 cells with 20 frames: ``counted`` as the original counts
them, a complex number once, ``real`` with complex numbers twice, and for DISCO ``used``, without
the arrays that are never used and the rates of its DropPath, which the original counts too.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import sys
import types
import warnings
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import diffrax
import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import record_hfluxno
from baseline_names import disco_weights, dpot_weights, fno_weights, haiku_weights, operator_weights
from record_hfluxno import check_complete

HERE = Path(__file__).resolve().parent

#: A case is a model, its sizes as the original's constructor takes them, and the context's shape.
DPOT = {
    "embedding_dim": 16,
    "fno_depth": 2,
    "num_blocks": 4,
    "hidden_dim_patch": 12,
    "hidden_dim_fno": 20,
    "hidden_dim_output": 18,
}
DISCO = {
    "embedding_dim": 16,
    "patch_size": 4,
    "num_hypernet_blocks": 2,
    "droppath": 0.0,
    "num_hypernet_heads": 4,
    "mlp_hidden_dim": 8,
    "boundary_condition": "periodic",
    "opnet_norm_groups": 2,
    "max_steps": 16,
}
#: The original's configurations, and its defaults, which the shortest step allowed cannot meet.
LOOSE, TIGHT = {"rtol": 1e-4, "atol": 1e-6}, {"rtol": 5e-6, "atol": 1e-9}
CASES = {
    "dpot": (
        "DPOT",
        {**DPOT, "grid_size": (40,), "patch_size": (4,), "max_frequency_modes": 3},
        (20, 1, 40),
    ),
    "dpot_2d": (
        "DPOT",
        {**DPOT, "grid_size": (8, 12), "patch_size": (4, 3), "max_frequency_modes": (1, 1)},
        (6, 2, 8, 12),
    ),
    "disco": ("DISCO", {**DISCO, **LOOSE, "opnet_hidden_channels": 4}, (20, 1, 40)),
    "disco_2d": ("DISCO", {**DISCO, **TIGHT, "opnet_hidden_channels": 2}, (4, 2, 16, 20)),
}
ICON = {"hidden_dim": 16, "num_heads": 4, "num_layers": 2, "k_dim": 1, "v_dim": 1, "demo_num": 3}
ICON_CELLS = 10
FNO = {
    "num_spatial_dims": 1,
    "in_channels": 5,
    "lift_dim": 8,
    "depth": 3,
    "frequency_modes": 4,
    "out_channels": 1,
    "width_lift": 9,
    "width_project": 10,
    "stack_grid": True,
    "residual_connection": False,
}
FNO_SHAPE = (5, 30)

#: The sizes of the original's configurations: dpot.yaml, disco.yaml and hyperfluxfno_local.yaml in
#: scripts/training/configs/model, and the defaults of icon/run_h5py.py.
PAPER_SHAPES = {"cubic": (20, 1, 100), "shallow_water": (20, 2, 100)}
PAPER = {
    "DPOT": {
        "grid_size": (100,),
        "patch_size": (4,),
        "embedding_dim": 128,
        "max_frequency_modes": 12,
        "fno_depth": 10,
        "num_blocks": 8,
        "hidden_dim_patch": 512,
        "hidden_dim_fno": 512,
        "hidden_dim_output": 512,
    },
    "DISCO": {
        "embedding_dim": 128,
        "patch_size": 4,
        "num_hypernet_blocks": 3,
        "droppath": 0.1,
        "num_hypernet_heads": 8,
        "mlp_hidden_dim": 32,
        "opnet_hidden_channels": 4,
        "opnet_norm_groups": 2,
        "boundary_condition": "periodic",
        "rtol": 1e-4,
        "atol": 1e-6,
        "max_steps": 16,
    },
    "HFluxNO": {
        "embedding_dim": 128,
        "encoder_type": "TRecViT",
        "encoder_kwargs": {
            "grid_size": (100,),
            "patch_size": (4,),
            "depth": 2,
            "temporal_block_width": 128,
            "num_heads": 8,
            "mlp_hidden_dim": 64,
        },
        "depth": 4,
        "lift_dim": 128,
        "stencil_size": (10, 10),
        "width_hyper": 128,
        "blocks_hyper": 4,
        "stack_grid": True,
    },
    "ICON": {"hidden_dim": 256, "num_heads": 8, "num_layers": 6, "k_dim": 1, "v_dim": 1},
}
PAPER_DEMOS = (5, 20)


# --- the original's models --------------------------------------------------------------------


def build(name: str, sizes: dict, shape: tuple):
    """A model of the original that takes contexts of this shape."""
    from context_flux_no.models import multiphysics

    frames, fields, *cells = shape
    own = {
        "DPOT": {"in_channels": fields, "out_channels": fields, "in_timesteps": frames},
        "DISCO": {"channels": fields},
        "HFluxNO": {"in_channels": fields, "in_timesteps": None},
    }[name]
    kind = multiphysics.HyperFluxFNOLocal if name == "HFluxNO" else getattr(multiphysics, name)
    return kind(num_spatial_dims=len(cells), key=jax.random.key(0), **own, **sizes)


def icon_modules(folder: Path):
    """The original's modules of ICON's network and of its prompts.

    They import ``utils``, which needs plotting and TensorFlow, and ``h5py``, but what is called
    here uses neither.
    """
    sys.path.insert(0, str(folder / "icon"))
    with mock.patch.dict(sys.modules, {name: types.ModuleType(name) for name in ("utils", "h5py")}):
        import h5loader
        import models
    return models, h5loader


def icon(models, sizes: dict):
    """ICON as a pair of functions of Haiku, as the original's Runner makes it."""

    def forward(prompt, mask, query):
        hidden = sizes["hidden_dim"]
        network = models.SolverModel(
            q_size=hidden,
            kv_size=hidden,
            qoi_v_size=sizes["v_dim"],
            QK_size=hidden,
            V_size=hidden,
            num_heads=sizes["num_heads"],
            num_layers=sizes["num_layers"],
        )
        return network(prompt, mask, query)

    return hk.transform(forward)


def moved(model, size: float = 0.1):
    """The model with its parameters moved (see record_hfluxno) and rounded."""
    return jax.tree.map(
        lambda x: rounded(x) if eqx.is_inexact_array(x) else x, record_hfluxno.moved(model, size)
    )


def rounded(x):
    """The nearest multiples of 2⁻¹⁰, exact in float32 and mostly zeros in float64."""
    return jnp.asarray(np.round(np.asarray(x) * 1024) / 1024)


def normal(seed: int, shape: tuple):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def without_rates(model):
    """The model with DISCO's rates of DropPath as Python's numbers: NumPy's pass for arrays."""
    return jax.tree.map(lambda x: x.item() if isinstance(x, np.generic) else x, model)


def layer_scales(model) -> list:
    """What multiplies the branches of DISCO's attention: 1e-6 when the model is made."""
    blocks = model.hypernet.blocks
    return (
        [b.temporal_block.layer_scale for b in blocks]
        + [b.spatial_block.layer_scale_attention for b in blocks]
        + [b.spatial_block.layer_scale_mlp for b in blocks]
    )


# --- its answers ------------------------------------------------------------------------------


def dpot_answers(model, context) -> dict:
    from context_flux_no.nn.operators.fourier_utils import append_grid_channels

    stages = record_hfluxno.dpot_stages(model, jax.vmap(append_grid_channels)(context))
    return {
        "aggregated": stages["aggregated"],
        "blocks": stages[f"layer{len(model.blocks) - 1}"],
        "next": model(context)[0],
        "rollout": model.rollout(context, None, 3)[0],
    }


def disco_answers(model, context) -> dict:
    from context_flux_no.nn.misc import apply_along_axis, standardize

    over_time = (0, *range(2, context.ndim))
    u = standardize(context, over_time)[0]
    found = {"latent": model.hypernet(u, inference=True)}
    hypernet = model.hypernet
    channels = apply_along_axis(hypernet.adapter, standardize(u, over_time)[0], axis=1)
    found["encoded"] = jax.vmap(hypernet.encoders[context.ndim - 2])(channels)
    found["embedding"] = found["latent"].mean(axis=(0, 2, 3, 4))
    trunk = found["trunk"] = model.mlp_params_common(found["embedding"])

    operator = model.operatornet
    for i, head in enumerate(model.mlp_params_heads):
        found[f"head{i}"] = head.linear(trunk)
        operator = head(trunk, operator)
    operator = model.scale_operatornet(operator)
    found |= {f"params/{name}": x for name, x in operator_weights(operator).items()}

    found["state"] = standardize(u[-1], tuple(range(1, context.ndim - 1)))[0]
    found |= {f"stages/{n}": x for n, x in operator_stages(operator, found["state"]).items()}
    found["derivative"] = operator(found["state"])
    found["next"] = model(context, inference=True)[0]
    found["rollout"] = model.rollout(context, None, 3, inference=True)[0]
    return found


def operator_stages(operator, x) -> dict:
    found = {"input": operator.input_block(x)}
    skipped = [found["input"]]
    for i, block in enumerate(operator.downsampling_blocks):
        skipped.append(block(skipped[-1]))
        found[f"down{i}"] = skipped[-1]
    x = skipped.pop()
    x = found["bottleneck"] = x + operator.bottleneck(x)
    for i, block in enumerate(operator.upsampling_blocks):
        x = found[f"up{i}"] = block(x, skipped.pop())
    found["output"] = operator.output_block(x)
    return found


def steps(model, context):
    """How many steps the solver tried, accepted and rejected on the way to the next frame."""
    solve, found = diffrax.diffeqsolve, {}

    def watched(*args, **kwargs):
        solution = solve(*args, **kwargs)
        found.update(solution.stats)
        return solution

    def follow(context):
        model(context, inference=True)
        return [found[f"num_{name}"] for name in ("steps", "accepted_steps", "rejected_steps")]

    with mock.patch.object(diffrax, "diffeqsolve", watched):
        return jnp.stack(jax.jit(follow)(context))


# --- recording --------------------------------------------------------------------------------


def record_case(name: str, case) -> tuple[dict, dict]:
    """The arrays of a case and its description."""
    kind, sizes, shape = case
    axes = len(shape) - 2
    about = {"model": kind, "sizes": sizes, "context_shape": shape}
    context = jnp.asarray(0.5 * normal(11, shape))
    model = moved(without_rates(build(kind, sizes, shape)))
    if kind == "DPOT":  # more in the head, so that the frames vary as much as the features do
        model = eqx.tree_at(lambda m: m.output_head, model, moved(model.output_head, 0.4))
        weights = dpot_weights(model)
        check_complete(name, model, weights)
        answers = eqx.filter_jit(dpot_answers)(model, context)
        return arrays_of(name, {"context": context}, weights, answers), about
    model = eqx.tree_at(layer_scales, model, moved(layer_scales(model), 1.0))
    weights = disco_weights(model, axes)
    check_complete(name, used_by_disco(model, axes), weights)
    answers = eqx.filter_jit(disco_answers)(model, context)
    np.testing.assert_allclose(answers["stages/output"], answers["derivative"], rtol=1e-9)
    answers["steps"] = steps(model, context)
    scales = operator_weights(model.operatornet_scale)
    inputs = {"context": context} | {f"scale/{n}": x for n, x in scales.items()}
    about["heads"] = head_orders(model)
    return arrays_of(name, inputs, weights, answers), about


def used_by_disco(model, axes: int) -> tuple:
    """The parts of DISCO that a context in ``axes`` dimensions meets."""
    hypernet = model.hypernet
    return (
        hypernet.adapter,
        hypernet.encoders[axes],
        hypernet.blocks,
        model.mlp_params_common,
        model.mlp_params_heads,
    )


def head_orders(model) -> list:
    """Per head of DISCO the names and shapes of the arrays in its vector, in their order."""
    names = {id(x): name for name, x in operator_weights(model.operatornet).items()}
    parts = [head.where(model.operatornet) for head in model.mlp_params_heads]
    arrays = [jax.tree.leaves(eqx.filter(part, eqx.is_inexact_array)) for part in parts]
    found = [[(names[id(x)], x.shape) for x in part] for part in arrays]
    if len(names) != sum(map(len, found)):
        raise RuntimeError("DISCO's heads do not make every array of its operator.")
    return found


def record_icon(modules) -> tuple[dict, dict]:
    models, h5loader = modules
    demos, cells = ICON["demo_num"], ICON_CELLS
    coordinates = np.asarray(rounded((np.arange(cells)[:, None] + 0.5) / cells))
    conditions = np.asarray(rounded(0.5 * normal(17, (demos + 1, cells, 1))))
    quantities = np.asarray(rounded(0.5 * normal(19, (demos, cells, 1))))
    keys = np.broadcast_to(coordinates, conditions.shape)
    prompt, mask = h5loader._build_prompt_and_mask_numpy(
        keys[:demos],
        conditions[:demos],
        keys[:demos],
        quantities,
        keys[demos:],
        conditions[demos:],
        demos,
        cells,
        cells,
    )
    prompt = jnp.asarray(prompt, dtype=jnp.float64)  # the original makes it in float32
    network = icon(models, ICON)
    key = jax.random.key(0)
    params = moved(network.init(key, prompt, mask, coordinates))
    weights = haiku_weights(params)
    check_complete("icon", params, weights)
    answers = {"value": jax.jit(network.apply)(params, key, prompt, mask, coordinates)}
    inputs = {
        "coordinates": coordinates,
        "conditions": conditions,
        "quantities": quantities,
        "prompt": prompt,
        "mask": mask,
        "query": coordinates,
    }
    about = {"model": "ICON", "sizes": ICON, "cells": cells}
    return arrays_of("icon", inputs, weights, answers), about


def record_fno() -> tuple[dict, dict]:
    from context_flux_no.models.fno import FNO as Network

    model = moved(Network(key=jax.random.key(0), **FNO), 0.4)
    weights = fno_weights(model)
    check_complete("fno", model, weights)
    values = jnp.asarray(0.5 * normal(23, FNO_SHAPE))
    answers = {"value": eqx.filter_jit(model)(values)}
    about = {"model": "FNO", "sizes": FNO, "input_shape": FNO_SHAPE}
    return arrays_of("fno", {"input": values}, weights, answers), about


def arrays_of(name: str, inputs: dict, weights: dict, answers: dict) -> dict:
    return {
        **{f"{name}/{n}": x for n, x in inputs.items()},
        **{f"{name}/weights/{n}": x for n, x in weights.items()},
        **{f"{name}/out/{n}": x for n, x in answers.items()},
    }


def parameter_counts(models) -> dict:
    found = {}
    for problem, shape in PAPER_SHAPES.items():
        dpot, hfluxno = (
            eqx.filter_eval_shape(build, name, PAPER[name], shape) for name in ("DPOT", "HFluxNO")
        )
        disco = build("DISCO", PAPER["DISCO"], shape)  # it needs values for its scales
        used = size(used_by_disco(without_rates(disco), 1))
        found[problem] = {
            "DPOT": counts(dpot),
            "DISCO": counts(disco) | {"used": used},
            "HFluxNO": counts(hfluxno),
        }
    for demos in PAPER_DEMOS:
        rows = jnp.zeros((10, PAPER["ICON"]["k_dim"] + PAPER["ICON"]["v_dim"] + demos + 1))
        query = jnp.zeros((5, PAPER["ICON"]["k_dim"]))
        init = icon(models, PAPER["ICON"]).init
        params = jax.eval_shape(init, jax.random.key(0), rows, jnp.ones(10), query)
        found["cubic"][f"ICON, {demos} demos"] = counts(params)
    return found


def counts(model) -> dict:
    return {"counted": size(model), "real": size(model, 2)}


def size(model, complex_size: int = 1) -> int:
    """The number of parameters, a complex one counted this often."""
    kinds = (jax.Array, np.generic, jax.ShapeDtypeStruct)
    leaves = [x for x in jax.tree.leaves(model) if isinstance(x, kinds)]
    leaves = [x for x in leaves if jnp.issubdtype(x.dtype, jnp.inexact)]
    return sum(
        x.size * (complex_size if jnp.issubdtype(x.dtype, jnp.complexfloating) else 1)
        for x in leaves
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="checkout of the original repository")
    folder = parser.parse_args().folder.resolve()
    sys.path.insert(0, str(folder / "src"))
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")

    arrays, cases = {}, {}
    with contextlib.redirect_stdout(io.StringIO()):  # the original prints shapes
        modules = icon_modules(folder)
        records = {name: record_case(name, case) for name, case in CASES.items()}
        records |= {"icon": record_icon(modules), "fno": record_fno()}
        for name, (found, about) in records.items():
            arrays |= found
            cases[name] = about
        counted = parameter_counts(modules[0])
    np.savez_compressed(
        HERE / "baselines_original.npz", **{name: np.asarray(x) for name, x in arrays.items()}
    )
    packages = ("jax", "equinox", "diffrax", "dm-haiku", "numpy")
    about = {
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "cases": cases,
        "parameter_counts": counted,
    }
    (HERE / "baselines_original.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
