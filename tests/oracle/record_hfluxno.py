"""Record the original HFluxNO code's answers in hfluxno_original.npz and .json.

Run ``python tests/oracle/record_hfluxno.py FOLDER`` where FOLDER is a checkout of the authors'
repository ``xx257xx/CONTEXT_FLUX_NO``, with Python 3.12 or later and jax, equinox, einops,
jaxtyping and diffrax installed. The models are small, run in float64, and every parameter is
moved by random numbers, so that nothing zero hides an error.

Each case NAME has in the NPZ its input ``NAME/context`` (time, field, *cells) or, for Flux NO,
``NAME/state`` (field, cells); all weights, ``NAME/weights/...``; and what the original made of
them, ``NAME/out/...``: the encoder's tokens, its layers and its embedding; the trunk's output; per
axis A the vectors of the hypernetwork, ``headA/real`` and ``headA/complex``, the same cut into the
target's arrays, ``fluxA/...``, and the fluxes, ``interfaceA`` at the N + 1 interfaces (local) or
``leftA`` and ``rightA`` of each cell (Fourier); the next frame, ``next``, and three frames with a
sliding context, ``rollout``. The JSON gives the sizes and steps (Δt, Δx, ...) of each case and the
versions that made the file.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from hfluxno_names import encoder_weights, flux_weights, hypernetwork_weights

HERE = Path(__file__).resolve().parent
DT, DX, DY = 0.005, 0.025, 0.04

#: A case is a target ("none" records the encoder alone), an encoder, the two groups of sizes that
#: the original's constructors take, and the shape of the context: (time, field, cells).
TRECVIT = {"depth": 2, "temporal_block_width": 12, "num_heads": 4, "mlp_hidden_dim": 20}
HYPER = {"embedding_dim": 16, "width_hyper": 24, "blocks_hyper": 4}
CASES = {
    "local": (
        "local",
        "TRecViT",
        {**HYPER, "depth": 4, "lift_dim": 8, "width_flux": 8, "stencil_size": (10, 10)},
        {**TRECVIT, "grid_size": (40,), "patch_size": (4,)},
        (20, 1, 40),
    ),
    "local_two_fields": (
        "local",
        "TRecViT",
        {**HYPER, "depth": 4, "lift_dim": 8, "width_flux": 10, "stencil_size": (3, 2)},
        {**TRECVIT, "grid_size": (40,), "patch_size": (4,)},
        (20, 2, 40),
    ),
    "local_2d": (
        "local",
        "TRecViT",
        {**HYPER, "depth": 2, "lift_dim": 6, "width_flux": 7, "stencil_size": (2, 3)},
        {**TRECVIT, "grid_size": (8, 12), "patch_size": (4, 3)},
        (6, 2, 8, 12),
    ),
    "fourier": (
        "fourier",
        "TRecViT",
        {
            **HYPER,
            "depth": 3,
            "frequency_modes": 5,
            "lift_dim": 8,
            "width_lift": 9,
            "width_project": 10,
            "blocks_flux": 2,
            "stencil_size": (3, 2),
        },
        {**TRECVIT, "grid_size": (40,), "patch_size": (4,)},
        (20, 1, 40),
    ),
    "fourier_2d": (
        "fourier",
        "TRecViT",
        {
            **HYPER,
            "depth": 2,
            "frequency_modes": (2, 3),
            "lift_dim": 8,
            "width_lift": 9,
            "width_project": 10,
            "blocks_flux": 2,
            "stencil_size": (1, 1),
        },
        {**TRECVIT, "grid_size": (8, 12), "patch_size": (4, 3)},
        (6, 2, 8, 12),
    ),
    "vit": (
        "none",
        "ViT",
        {"embedding_dim": 16},
        {
            "patch_size": (2, 4),
            "hidden_dim": 20,
            "num_heads": 4,
            "num_layers": 2,
            "dropout": 0.0,
            "num_hidden_patch": 2,
        },
        (20, 1, 40),
    ),
    "dpot": (
        "none",
        "DPOT",
        {"embedding_dim": 16},
        {
            "grid_size": (40,),
            "patch_size": (4,),
            "max_frequency_modes": 3,
            "fno_depth": 2,
            "num_blocks": 4,
            "hidden_dim_patch": 12,
            "hidden_dim_fno": 20,
        },
        (20, 1, 40),
    ),
}
FLUX_NO = {"in_channels": 1, "stencil_widths": (3, 2), "lift_dim": 8, "hidden_dim": 10, "depth": 4}


# --- the original's models --------------------------------------------------------------------


def build(case):
    """The original model of a case (or its encoder alone), with every parameter moved."""
    from context_flux_no.models.multiphysics import HyperFluxFNO, HyperFluxFNOLocal
    from context_flux_no.models.multiphysics.hyperfluxfno.encoders import make_encoder

    target, kind, sizes, encoder, shape = case
    axes = len(shape) - 2
    if kind == "ViT":
        encoder = {**encoder, "activation": jax.nn.gelu}
    key = jax.random.key(0)
    if target == "none":
        times = shape[0] if kind == "DPOT" else None
        model = make_encoder(
            kind, axes, shape[1] + axes, in_timesteps=times, key=key, **sizes, **encoder
        )
    else:
        model = {"local": HyperFluxFNOLocal, "fourier": HyperFluxFNO}[target](
            num_spatial_dims=axes,
            in_channels=shape[1],
            in_timesteps=None,
            encoder_type=kind,
            encoder_kwargs=encoder,
            key=key,
            **sizes,
        )
    model = moved(model)
    if target == "none":
        return model
    # More in the heads, so that the fluxes vary as much as the states do.
    heads = moved(model.hypernetwork_heads, 0.4)
    return eqx.tree_at(lambda m: m.hypernetwork_heads, model, heads)


def flux_no_class(folder: Path):
    """The class of the fixed flux operator, which the original has only in a notebook."""
    notebook = json.loads((folder / "notebooks/training/fluxfno_burgers.ipynb").read_text())
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    from context_flux_no.nn.operators.fourier_utils import append_grid_channels
    from jaxtyping import Array, Float, PRNGKeyArray

    names = {
        "eqx": eqx,
        "jax": jax,
        "jnp": jnp,
        "append_grid_channels": append_grid_channels,
        "Array": Array,
        "Float": Float,
        "PRNGKeyArray": PRNGKeyArray,
        "__name__": __name__,
    }
    exec(next(s for s in sources if s.startswith("class FluxNO1D")), names)
    return names["FluxNO1D"]


def moved(model, size: float = 0.1):
    """The model with size * N(0, 1) added to each parameter, to both parts of complex ones."""
    rng = np.random.default_rng(7)

    def move(x):
        if not eqx.is_inexact_array(x):
            return x
        noise = rng.standard_normal(x.shape)
        if jnp.iscomplexobj(x):
            noise = noise + 1j * rng.standard_normal(x.shape)
        return x + size * noise

    return jax.tree.map(move, model)


# --- its answers ------------------------------------------------------------------------------


def encoder_answers(kind: str, encoder, v) -> dict:
    """What the encoder makes of a context ``v`` that has its coordinate channels already."""
    found = {"embedding": encoder(v)}
    if kind == "TRecViT":
        found |= trecvit_stages(encoder, v, found["embedding"])
    elif kind == "ViT":
        found |= vit_stages(encoder, v)
    else:
        found |= dpot_stages(encoder, v)
    return found


def trecvit_stages(encoder, v, embedding) -> dict:
    x = as_tokens(jax.vmap(encoder.tokenizer)(v))
    found = {"tokens": x}
    for i in range(encoder.depth):
        x = jax.vmap(encoder.temporal_layers[i], in_axes=1, out_axes=1)(x)
        found[f"layer{i}/recurrent"] = x
        x = jax.vmap(encoder.spatial_layers[i])(x)
        found[f"layer{i}/transformer"] = x
    last = jax.vmap(encoder.norm)(x[-1]).mean(axis=0)
    np.testing.assert_allclose(last, embedding, rtol=1e-12, atol=1e-12)
    return found


def vit_stages(encoder, v) -> dict:
    tokens = encoder.positional_encoding(encoder.patch_embedding(jnp.swapaxes(v, 0, 1)))
    x = tokens.reshape(tokens.shape[0], -1).T
    found = {"tokens": x}
    for i, block in enumerate(encoder.encoder_blocks):
        x = block(x)
        found[f"layer{i}"] = x
    return found


def dpot_stages(encoder, v) -> dict:
    tokens = jax.vmap(lambda u: encoder.position_embedding(encoder.patch_embedding(u)))(v)
    x = encoder.time_aggregator(tokens)
    found = {"tokens": as_tokens(tokens), "aggregated": x}
    for i, block in enumerate(encoder.blocks):
        found[f"layer{i}/spectral"] = block.spatial_mixing(block.norm1(x))
        x = block(x)
        found[f"layer{i}"] = x
    return found


def as_tokens(x):
    """(time, embedding, *tokens) -> (time, tokens, embedding)."""
    return jnp.swapaxes(x.reshape(*x.shape[:2], -1), 1, 2)


def model_answers(target: str, model, context, steps: tuple) -> dict:
    """Embedding, generated parameters, fluxes of the last frame, and the next frames."""
    from context_flux_no.nn.operators.fourier_utils import append_grid_channels

    v = jax.vmap(append_grid_channels)(context)
    if target == "local":
        found = encoder_answers("TRecViT", model.context_encoder, v)
    else:  # the encoder is the same one, so its stages are there already
        found = {"embedding": model.context_encoder(v)}
    found["trunk"] = model.hypernetwork_trunk(found["embedding"])
    for axis, head in enumerate(model.hypernetwork_heads):
        for group, linear in zip(("real", "complex"), head.linears, strict=True):
            if linear is not None:
                found[f"head{axis}/{group}"] = linear(found["trunk"])
        flux = head(found["trunk"])
        weights = flux_weights(target, flux)
        found |= {f"flux{axis}/{name}": value for name, value in weights.items()}
        if target == "local":
            found[f"interface{axis}"] = along_axis(flux, v[-1], axis)
        else:
            stencil = model.create_stencil_axis(v[-1], axis=axis + 1)
            left, right = stencil[:, :-1], stencil[:, 1:]
            found[f"left{axis}"] = flux(left.reshape(-1, *left.shape[2:]))
            found[f"right{axis}"] = flux(right.reshape(-1, *right.shape[2:]))
    found["next"] = model(context, steps)[0]
    found["rollout"] = model.rollout(context, steps, 3)[0]
    return found


def along_axis(flux, v, axis: int):
    """Fluxes at the N + 1 interfaces along one axis, line by line."""
    lines = jnp.moveaxis(v, axis + 1, 1)
    flat = lines.reshape(*lines.shape[:2], -1)
    out = jax.vmap(flux, in_axes=-1, out_axes=-1)(flat)
    return jnp.moveaxis(out.reshape(*out.shape[:2], *lines.shape[2:]), 1, axis + 1)


# --- recording --------------------------------------------------------------------------------


def record_case(name: str, case) -> dict:
    from context_flux_no.nn.operators.fourier_utils import append_grid_channels

    target, kind, _, _, shape = case
    model = build(case)
    context = jnp.asarray(0.5 * np.random.default_rng([11, *shape]).standard_normal(shape))
    if target == "none":
        weights = {f"encoder/{n}": x for n, x in encoder_weights(kind, model).items()}
        answers = encoder_answers(kind, model, jax.vmap(append_grid_channels)(context))
    else:
        encoder = encoder_weights(kind, model.context_encoder)
        weights = {f"encoder/{n}": x for n, x in encoder.items()} | hypernetwork_weights(model)
        steps = (DT, DX, DY)[: len(shape) - 1]
        answers = model_answers(target, model, context, steps)
    check_complete(name, model, weights)
    return {
        f"{name}/context": context,
        **{f"{name}/weights/{n}": x for n, x in weights.items()},
        **{f"{name}/out/{n}": x for n, x in answers.items()},
    }


def record_flux_no(folder: Path) -> dict:
    model = moved(flux_no_class(folder)(key=jax.random.key(0), **FLUX_NO), 0.4)
    state = jnp.asarray(0.5 * np.random.default_rng(13).standard_normal((1, 40)))
    weights = flux_weights("local", model)
    check_complete("flux_no", model, weights)
    return {
        "flux_no/state": state,
        **{f"flux_no/weights/{n}": x for n, x in weights.items()},
        "flux_no/out/next": model(state, DT, DX),
    }


def check_complete(name: str, model, weights: dict) -> None:
    """Every scalar parameter of the model has to be among the named weights."""
    total = sum(x.size for x in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array)))
    named = sum(x.size for x in weights.values())
    if total != named:
        raise RuntimeError(f"{name}: {total} parameters in the model, {named} were named.")


def describe(case) -> dict:
    target, kind, sizes, encoder, shape = case
    return {"target": target, "encoder": kind, "sizes": sizes, "encoder_sizes": encoder} | {
        "context_shape": shape,
        "steps": (DT, DX, DY)[: len(shape) - 1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="checkout of the original repository")
    folder = parser.parse_args().folder.resolve()
    sys.path.insert(0, str(folder / "src"))
    jax.config.update("jax_enable_x64", True)
    warnings.simplefilter("ignore")

    arrays = {}
    with contextlib.redirect_stdout(io.StringIO()):  # the original prints shapes
        for name, case in CASES.items():
            arrays |= record_case(name, case)
        arrays |= record_flux_no(folder)
    np.savez_compressed(
        HERE / "hfluxno_original.npz", **{name: np.asarray(x) for name, x in arrays.items()}
    )
    packages = ("jax", "equinox", "numpy")
    about = {
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "cases": {name: describe(case) for name, case in CASES.items()}
        | {"flux_no": {"sizes": FLUX_NO, "steps": (DT, DX)}},
    }
    (HERE / "hfluxno_original.json").write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
