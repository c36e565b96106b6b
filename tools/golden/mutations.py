"""Mistakes that an implementation of wav2vec 2.0 can make. A golden is worth something if each of them shows."""

import copy

from torch import nn
from observe import encoder_of, observe


def mutations(model):
    """{what is wrong: function that makes it so in a copy}."""
    inner = encoder_of(model)
    config, last = inner.config, len(inner.encoder.layers) - 1
    wrong = {
        "q and k swapped in the last block": lambda m: swap(m.encoder.layers[last].attention, "q_proj", "k_proj"),
        "first two blocks exchanged": lambda m: exchange(m.encoder.layers, 0, 1),
        "tanh GELU everywhere": tanh_gelu,
        "tanh GELU in the conv layers": lambda m: tanh_gelu(m.feature_extractor),
        "tanh GELU in the positional conv": lambda m: tanh_gelu(m.encoder.pos_conv_embed),
        "norms of the conv layers with epsilon 1e-4": lambda m: epsilon(m.feature_extractor, 1e-4),
        "norms of the encoder with 10 x epsilon": lambda m: epsilon(m.encoder, 10 * config.layer_norm_eps),
        "epsilon of the encoder's norms 1e-7": lambda m: epsilon(m.encoder, 1e-7),
        "weight norm over the output channels": weight_norm_over_outputs,
        "attention not scaled": lambda m: [setattr(layer.attention, "scaling", 1.0) for layer in m.encoder.layers],
        "no encoder.layer_norm": lambda m: setattr(m.encoder, "layer_norm", nn.Identity()),
    }
    if config.hidden_act == "gelu":
        wrong["tanh GELU in the last block"] = lambda m: tanh_gelu(m.encoder.layers[last])
    if config.hidden_act == "gelu_new":
        wrong["erf GELU in the last block"] = lambda m: setattr(
            m.encoder.layers[last].feed_forward, "intermediate_act_fn", nn.GELU()
        )
    if config.num_conv_pos_embeddings % 2 == 0:
        wrong["positional conv drops its first frame"] = lambda m: setattr(m.encoder.pos_conv_embed, "padding", DropFirst())
    # Softmax doesn't see a key's bias, and a group norm with one group a channel not that of the conv before it.
    unseen = ["k_proj.bias"] + (["conv_layers.0.conv.bias"] if config.feat_extract_norm == "group" else [])
    for name, _ in inner.named_parameters():
        if name.endswith("bias") and not any(part in name for part in unseen):
            wrong[f"{name} zeroed"] = lambda m, name=name: m.get_parameter(name).data.zero_()
        if name.endswith("norm.weight"):
            wrong[f"{name} all ones"] = lambda m, name=name: m.get_parameter(name).data.fill_(1)
    return wrong


def sensitivities(model, waveform, output, of_head={}):
    """Largest change of an output under each mutation of the encoder, and under those `of_head`, which get the model."""
    right = observe(model, waveform)[output]

    def change(mutate):
        mutant = copy.deepcopy(model)
        mutate(mutant)
        return (observe(mutant, waveform)[output] - right).abs().max().item()

    wrong = {name: lambda m, mutate=mutate: mutate(encoder_of(m)) for name, mutate in mutations(model).items()}
    return {name: change(mutate) for name, mutate in (wrong | of_head).items()}


def swap(module, first, second):
    a, b = getattr(module, first), getattr(module, second)
    setattr(module, first, b), setattr(module, second, a)


def exchange(layers, i, j):
    layers[i], layers[j] = layers[j], layers[i]


def tanh_gelu(module):
    for part in module.modules():
        for attribute in ("activation", "intermediate_act_fn"):
            if hasattr(part, attribute):
                setattr(part, attribute, nn.GELU(approximate="tanh"))


def epsilon(module, value):
    for part in module.modules():
        if isinstance(part, (nn.LayerNorm, nn.GroupNorm)):
            part.eps = value


def weight_norm_over_outputs(model):
    """v divided by its norm over each output channel's weights, where each tap should have one."""
    weight = model.encoder.pos_conv_embed.conv.parametrizations.weight
    v = weight.original1.data / weight.original1.data.norm(dim=(1, 2), keepdim=True)
    weight.original1.data = v
    weight.original0.data = weight.original0.data * v.norm(dim=(0, 1), keepdim=True)  # takes back the norm by tap


class DropFirst(nn.Module):
    def forward(self, hidden_states):
        return hidden_states[:, :, 1:]
