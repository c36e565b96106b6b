"""What a wav2vec 2.0 of transformers computes on the way, by the names of contracts.md and of its modules."""

import torch


def encoder_of(model):
    """The Wav2Vec2Model inside a model with a head, or the model itself."""
    return getattr(model, "wav2vec2", model)


def observe(model, waveform, fine=False):
    """Runs [1, samples] through the model: {name: tensor}, all [B, T, C] or [B, C], in order of computation.

    Outputs (`hidden_states` and `logits`, or `last_hidden_state`) and `layer.N`; with `fine` also, by module path
    without `wav2vec2.`: each conv layer, the projection, the positional conv after trim and GELU, and in each block
    q_proj, k_proj, v_proj, attention (after out_proj) and feed_forward; `classifier.dense` is before tanh. A model with
    another head than audeering's gives its outputs by name, and has `stages`: names of modules beside their names here,
    a name that starts with < being what enters the module.
    """
    inner = encoder_of(model)
    seen, hooks = {}, []

    def keep(name, module, change=lambda output: output):
        hooks.append(module.register_forward_hook(lambda _, __, output: seen.__setitem__(name, change(output))))

    if fine:
        for i, layer in enumerate(inner.feature_extractor.conv_layers):
            keep(f"feature_extractor.conv_layers.{i}", layer, lambda output: output.transpose(1, 2))
        keep("feature_projection", inner.feature_projection, lambda output: output[0])
        keep("encoder.pos_conv_embed", inner.encoder.pos_conv_embed)
    blocks = inner.encoder.layers
    hooks.append(blocks[0].register_forward_pre_hook(lambda _, arguments: seen.__setitem__("layer.0", arguments[0])))
    for i, block in enumerate(blocks):
        if fine:
            for part in ("q_proj", "k_proj", "v_proj"):
                keep(f"encoder.layers.{i}.attention.{part}", getattr(block.attention, part))
            keep(f"encoder.layers.{i}.attention", block.attention, lambda output: output[0])
            keep(f"encoder.layers.{i}.feed_forward", block.feed_forward)
        keep(f"layer.{i + 1}", block)
    if inner is model or fine:
        keep("last_hidden_state", inner, lambda output: output.last_hidden_state)
    if fine and inner is not model:
        for name, path in getattr(model, "stages", {"classifier.dense": "classifier.dense"}).items():
            module = model.get_submodule(path.removeprefix("<"))
            if path.startswith("<"):
                enters = lambda _, arguments, name=name: seen.__setitem__(name, arguments[0])
                hooks.append(module.register_forward_pre_hook(enters))
            else:
                keep(name, module)

    with torch.no_grad():
        outputs = model(waveform)
    for hook in hooks:
        hook.remove()
    if inner is not model:
        seen |= outputs if isinstance(outputs, dict) else dict(zip(("hidden_states", "logits"), outputs))
    return {name: tensor.clone().contiguous() for name, tensor in seen.items()}
