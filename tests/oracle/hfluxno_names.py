"""The weights of the original HFluxNO code's modules, under the names of hfluxno_original.npz.

Every function takes a module of the original and returns a flat dictionary, name -> array. The
modules are read by their attributes, so nothing of the original is imported here.
"""

from __future__ import annotations


def affine(name: str, layer) -> dict:
    """Weight and, where there is one, bias of a linear map, a convolution or a norm."""
    arrays = {f"{name}/weight": layer.weight, f"{name}/bias": layer.bias}
    return {key: value for key, value in arrays.items() if value is not None}


def chain(name: str, layers) -> dict:
    """The layers that have weights, counted from 0."""
    found = {}
    for i, layer in enumerate(layer for layer in layers if hasattr(layer, "weight")):
        found |= affine(f"{name}/{i}", layer)
    return found


def transformer_weights(name: str, block) -> dict:
    attention = block.attention
    return {
        **affine(f"{name}/attention/query", attention.query_proj),
        **affine(f"{name}/attention/key", attention.key_proj),
        **affine(f"{name}/attention/value", attention.value_proj),
        **affine(f"{name}/attention/output", attention.output_proj),
        **affine(f"{name}/attention_norm", block.layernorms[0]),
        **affine(f"{name}/mlp_norm", block.layernorms[1]),
        **chain(f"{name}/mlp", block.mlp.layers),
    }


def recurrent_weights(name: str, block) -> dict:
    inner = block.recurrent_block
    return {
        f"{name}/norm/weight": block.pre_norm.weight,
        **affine(f"{name}/gate", inner.linear_y),
        **affine(f"{name}/input", inner.linear_x),
        **affine(f"{name}/conv", inner.conv1d),
        **affine(f"{name}/lru/input_gate", inner.lru.input_gate),
        **affine(f"{name}/lru/recurrence_gate", inner.lru.recurrence_gate),
        f"{name}/lru/a": inner.lru.a,
        **affine(f"{name}/output", inner.linear_out),
    }


def spectral_weights(name: str, layer) -> dict:
    return chain(f"{name}/mlp", layer.per_block_mlp.layers)


def encoder_weights(kind: str, encoder) -> dict:
    patch = encoder.tokenizer.patch_embedding if kind == "TRecViT" else encoder.patch_embedding
    found = chain("patch", patch.layers)
    if kind == "TRecViT":
        found["position"] = encoder.tokenizer.position_encoding.encodings
        for i in range(encoder.depth):
            found |= recurrent_weights(f"layer{i}/recurrent", encoder.temporal_layers[i])
            found |= transformer_weights(f"layer{i}/transformer", encoder.spatial_layers[i])
        return found | affine("norm", encoder.norm)
    if kind == "ViT":
        for i, block in enumerate(encoder.encoder_blocks):
            found |= transformer_weights(f"layer{i}", block)
        return found | affine("norm", encoder.layernorm)
    found["position"] = encoder.position_embedding.encodings
    found["time/frequencies"] = encoder.time_aggregator.fourier_freqs
    found["time/weight"] = encoder.time_aggregator.weights
    for i, block in enumerate(encoder.blocks):
        found |= affine(f"layer{i}/spectral_norm", block.norm1)
        found |= spectral_weights(f"layer{i}/spectral", block.spatial_mixing)
        found |= affine(f"layer{i}/mlp_norm", block.norm2)
        found |= chain(f"layer{i}/mlp", block.channel_mixing.layers)
    return found


def flux_weights(target: str, flux) -> dict:
    if target == "local":
        return {**affine("lift", flux.lift_layer), **chain("mlp", flux.mlp.layers)}
    found = chain("lift", flux.lift_layer.layers)
    for i, layer in enumerate(flux.fourier_layers):
        found |= spectral_weights(f"layer{i}", layer)
    return found | chain("project", flux.project_layer.layers)


def hypernetwork_weights(model) -> dict:
    found = chain("trunk", model.hypernetwork_trunk.layers)
    for axis, head in enumerate(model.hypernetwork_heads):
        for group, linear in zip(("real", "complex"), head.linears, strict=True):
            if linear is not None:
                found |= affine(f"head{axis}/{group}", linear)
    return found
