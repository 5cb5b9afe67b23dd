"""The weights of the original baselines' modules, under the names of baselines_original.npz.

As in hfluxno_names: every function takes a module of the original (or Haiku's parameters) and
returns a flat dictionary, name -> array; nothing of the original is imported here.
"""

from __future__ import annotations

import jax
from hfluxno_names import affine, chain, encoder_weights


def dpot_weights(model) -> dict:
    """Those of the HFluxNO encoder of the same kind, and the output head."""
    return {**encoder_weights("DPOT", model), **chain("head", model.output_head.layers)}


def disco_weights(model, axes: int) -> dict:
    """All that a context in ``axes`` dimensions meets: the operator's arrays are generated."""
    hypernet = model.hypernet
    found = affine("adapter", hypernet.adapter)
    found |= convolutions("encoder", hypernet.encoders[axes].layers)
    for i, block in enumerate(hypernet.blocks):
        found |= temporal_weights(f"block{i}/temporal", block.temporal_block)
        found |= spatial_weights(f"block{i}/spatial", block.spatial_block)
    found |= chain("trunk", model.mlp_params_common.layers)
    for i, head in enumerate(model.mlp_params_heads):
        found |= affine(f"head{i}", head.linear)
    return found


def convolutions(name: str, layers) -> dict:
    """Convolutions, counted from 0, and the norm after each where it has weights."""
    found, count = {}, 0
    for layer in layers:
        if hasattr(layer, "kernel_size"):
            found |= affine(f"{name}/{count}", layer)
            count += 1
        elif getattr(layer, "weight", None) is not None:
            found |= affine(f"{name}/norm{count - 1}", layer)
    return found


def attention_weights(name: str, block) -> dict:
    attention = block.attention
    return {
        **affine(f"{name}/query", attention.query_proj),
        **affine(f"{name}/key", attention.key_proj),
        **affine(f"{name}/value", attention.value_proj),
        **affine(f"{name}/query_norm", attention.query_norm),
        **affine(f"{name}/key_norm", attention.key_norm),
        f"{name}/positions": block.rel_pos_encoding.embedding.weight,
    }


def temporal_weights(name: str, block) -> dict:
    return {
        **affine(f"{name}/attention_norm", block.norm1),
        **attention_weights(f"{name}/attention", block.attention_1d),
        **affine(f"{name}/output_norm", block.norm2),
        **affine(f"{name}/output", block.output_proj),
        f"{name}/attention_scale": block.layer_scale,
    }


def spatial_weights(name: str, block) -> dict:
    found = affine(f"{name}/attention_norm", block.norm1)
    for axis, attention in enumerate(block.attention_per_axis):
        found |= attention_weights(f"{name}/attention{axis}", attention)
    return found | {
        **affine(f"{name}/output_norm", block.norm2),
        **affine(f"{name}/output", block.output_proj),
        f"{name}/attention_scale": block.layer_scale_attention,
        **chain(f"{name}/mlp", block.mlp.layers),
        **affine(f"{name}/mlp_norm", block.norm_mlp),
        f"{name}/mlp_scale": block.layer_scale_mlp,
    }


def operator_weights(operator) -> dict:
    """The arrays of DISCO's operator; its norms have none. ``operator`` may hold other leaves."""
    found = convolutions("input", operator.input_block.layers)
    for i, block in enumerate(operator.downsampling_blocks):
        found |= convolutions(f"down{i}", (block.conv1, block.conv2))
    found |= convolutions("bottleneck", operator.bottleneck.layers)
    for i, block in enumerate(operator.upsampling_blocks):
        found |= convolutions(f"up{i}", (block.conv_transpose, block.conv))
    return found | convolutions("output", operator.output_block.layers)


def fno_weights(model) -> dict:
    found = chain("lift", model.lift_layer.layers)
    for i, layer in enumerate(model.fourier_layers):
        found |= affine(f"layer{i}/linear", layer.linear_transform)
        found[f"layer{i}/spectral/weight"] = layer.spectral_conv.weight
    return found | chain("project", model.project_layer.layers)


def haiku_weights(params) -> dict:
    """Haiku's own names: the module's path and then w, b, scale or offset."""
    return {
        "/".join(key.key for key in path): x
        for path, x in jax.tree_util.tree_leaves_with_path(dict(params))
    }
