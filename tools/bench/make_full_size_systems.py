"""Makes the other systems of the seed documents at full size, with random weights, and goldens of their own frameworks.

    $(tools/golden/setup) tools/bench/make_full_size_systems.py [FOLDER]

FOLDER is $ASSAY_BENCH, or ~/.cache/assay/bench: 5.6 GB, about four minutes, 7 GB of memory. What exists is kept.
    superb-full/                  Wav2Vec2ForSequenceClassification: weighted sum of 13 states, 4 labels
    speechbrain-full/             base-960h's architecture as a CTC checkpoint, and emotion_classifier.pth of the notebook
    emotion2vec-base-full/        fairseq checkpoint: decoder, optimizer state, objects of classes that are not there
    emotion2vec-plus-seed-full/   FunASR folder, 768 channels, nine labels, optimizer state in model.pt
    emotion2vec-plus-large-full/  the same with 1,024 channels
    clips/                        100 clips of 5 s for `systems.py`, 16 kHz, and clips.scp
    audeering-full/goldens-clips/ for the package of make_full_size.py
Each has goldens/: silence, noise, speech, the shortest clip, an odd length, 44.1 kHz in stereo, 8 kHz.
"""

import gc
import json
import os
import sys
import types
from argparse import Namespace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import numpy as np
import soundfile
import torch
import transformers
from torch import nn
from torch.nn import functional as F
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2ForSequenceClassification

from cases import CaseFolder, maker
from made import make
from packages import FILES, clips, write_readme
from surgery import layers_of
from weights import fill, fill_norms, with_old_names

SEED = 768
BASE = {"model_type": "wav2vec2", "vocab_size": 32}  # transformers' defaults are wav2vec2-base
SUPERB = BASE | {
    "architectures": ["Wav2Vec2ForSequenceClassification"], "use_weighted_layer_sum": True, "classifier_proj_size": 256,
    "id2label": {"0": "neu", "1": "hap", "2": "ang", "3": "sad"}, "label2id": {"neu": 0, "hap": 1, "ang": 2, "sad": 3},
}  # fmt: skip
CTC = BASE | {"architectures": ["Wav2Vec2ForCTC"]}
EXTRACTOR = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "padding_side": "right",
             "padding_value": 0.0, "sampling_rate": 16000}  # fmt: skip
TOKENS = ["生气/angry", "厌恶/disgusted", "恐惧/fearful", "开心/happy", "中立/neutral", "其他/other", "难过/sad",
          "吃惊/surprised", "<unk>"]  # fmt: skip
TOLERANCE = {"absolute": 0, "relative": 1e-5, "reason": "the design's parity at full size"}
LAYER_TOLERANCE = {
    "absolute": 0, "relative": 2e-4,
    "reason": "errors of twelve blocks add up, and the largest of a million values counts",
}  # fmt: skip


def write_json(value, path):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def save(value, path):
    with open(path, "wb") as file:  # through a file object torch calls the zip's root `archive`
        torch.save(value, file)


def states(blocks, run):
    """What enters the first block and what leaves each, with what `run` gives."""
    seen = {}
    hooks = [blocks[0].register_forward_pre_hook(lambda _, given: seen.__setitem__("layer.0", given[0]))]

    def keep(number):
        def hook(_, __, output):
            seen[f"layer.{number}"] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks += [block.register_forward_hook(keep(i + 1)) for i, block in enumerate(blocks)]
    with torch.no_grad():
        outputs = run()
    for hook in hooks:
        hook.remove()
    return {name: value.clone().contiguous() for name, value in (seen | outputs).items()}


def goldens(folder, system, outputs, run, packages, name="goldens"):
    def write(partial):
        partial.mkdir()
        cases = CaseFolder(partial, system, TOLERANCE, LAYER_TOLERANCE, maker("torch", "torchaudio", "soundfile", *packages))
        for name, (input, waveform) in clips(partial, SEED, 400, FILES).items():
            cases.add("odd-length" if name == "stages" else name, input, run(waveform), outputs)
        cases.write()

    make(folder / name, write)


# wav2vec 2.0


def superb(folder):
    if (folder / "goldens").exists():
        return
    model = fill(Wav2Vec2ForSequenceClassification(Wav2Vec2Config.from_dict(SUPERB)), SEED, {"classifier.weight": 3.0})
    write_readme_of(folder, "apache-2.0")
    make(folder / "config.json", partial(write_json, SUPERB))
    make(folder / "preprocessor_config.json",
         partial(write_json, EXTRACTOR | {"do_normalize": False, "return_attention_mask": True}))  # fmt: skip
    make(folder / "pytorch_model.bin", partial(save, with_old_names(model.state_dict())))
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)

    def run(waveform):
        def outputs():
            logits = model(**extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt")).logits
            return {"logits": logits, "scores": logits.softmax(dim=-1)}

        return states(layers_of(model.eval()), outputs)

    goldens(folder, "wav2vec2-classification", ("logits", "scores"), run, ("transformers",))


def head():
    linears = [nn.Linear(*sizes) for sizes in ((768, 256), (256, 128), (128, 2))]
    random = torch.Generator().manual_seed(SEED)
    for linear in linears:
        linear.weight.data = torch.randn(linear.weight.shape, generator=random) * (2 / linear.in_features) ** 0.5
        linear.bias.data = 0.3 * torch.randn(linear.bias.shape, generator=random)
    return nn.Sequential(
        linears[0], nn.ReLU(), nn.Dropout(0.3), linears[1], nn.ReLU(), nn.Dropout(0.3), linears[2]).eval()  # fmt: skip


def speechbrain(folder):
    if (folder / "goldens").exists():
        return
    from speechbrain.integrations.huggingface.wav2vec2 import Wav2Vec2

    model, classifier = fill(Wav2Vec2ForCTC(Wav2Vec2Config.from_dict(CTC)), SEED), head()
    write_readme_of(folder, "apache-2.0")
    make(folder / "config.json", partial(write_json, CTC))
    make(folder / "preprocessor_config.json",
         partial(write_json, EXTRACTOR | {"do_normalize": True, "return_attention_mask": False}))  # fmt: skip
    make(folder / "pytorch_model.bin", partial(save, with_old_names(model.state_dict())))
    make(folder / "emotion_classifier.pth", partial(save, classifier.state_dict()))
    lobe = Wav2Vec2(source=str(folder), save_path=str(folder.parent / "speechbrain-cache")).eval()

    def run(waveform):
        def outputs():
            pooled = lobe(waveform[None]).mean(dim=1)
            logits = classifier(pooled)
            return {"hidden_states": pooled, "logits": logits, "scores": logits.softmax(dim=-1)}

        return states(list(lobe.model.encoder.layers), outputs)

    goldens(folder, "speechbrain", ("hidden_states", "logits", "scores"), run, ("transformers", "speechbrain"))


def audeering(folder):
    if not folder.exists() or (folder / "goldens-clips").exists():
        return
    from emotion_model import EmotionModel

    model, extractor = EmotionModel.from_pretrained(folder).eval(), Wav2Vec2FeatureExtractor.from_pretrained(folder)

    def run(waveform):
        def outputs():
            values = extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt").input_values
            return dict(zip(("hidden_states", "logits"), model(values)))

        return states(layers_of(model), outputs)

    goldens(folder, "wav2vec2-regression", ("hidden_states", "logits"), run, ("transformers",), "goldens-clips")


# emotion2vec


def emotion2vec_config(width, heads):
    audio = {
        "type": "AUDIO", "prenet_depth": 4, "prenet_layerdrop": 0.0, "prenet_dropout": 0.1, "model_depth": 8,
        "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0, "num_extra_tokens": 10, "init_extra_token_zero": True,
        "mask_noise_std": 0.01, "mask_prob": 0.5, "mask_length": 5, "keep_masked_pct": 0.0, "encoder_zero_mask": True,
        "use_alibi_encoder": True, "num_alibi_heads": heads, "alibi_scale": 1.0, "alibi_max_pos": None,
        "learned_alibi": False, "learned_alibi_scale": True, "learned_alibi_scale_per_head": True,
        "learned_alibi_scale_per_layer": False, "local_grad_mult": 1.0, "decoder": None, "extractor_mode": "layer_norm",
        "feature_encoder_spec": "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] + [(512,2,2)]",
        "conv_pos_width": 95, "conv_pos_depth": 5, "conv_pos_groups": 16, "conv_pos_pre_ln": False,
    }  # fmt: skip
    return {
        "depth": 8, "embed_dim": width, "num_heads": heads, "mlp_ratio": 4.0, "norm_eps": 1e-05, "norm_affine": True,
        "layer_norm_first": False, "normalize": True, "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0,
        "encoder_dropout": 0.1, "attention_dropout": 0.1, "activation_dropout": 0.0, "post_mlp_drop": 0.1,
        "dropout_input": 0.0, "layerdrop": 0.05, "average_top_k_layers": 8, "end_of_block_targets": False,
        "clone_batch": 8, "loss_beta": 0.0, "loss_scale": None, "modalities": {"audio": audio},
    }  # fmt: skip


def emotion2vec_model(width, heads, labels):
    from funasr.models.emotion2vec.model import Emotion2vec

    model = Emotion2vec(model_conf=emotion2vec_config(width, heads), vocab_size=labels)
    model.config = types.SimpleNamespace(do_stable_layer_norm=False, feat_extract_norm="layer", hidden_size=width)
    fill(model, SEED, {"alibi_scale": 1.0, "attn.qkv": 1.0, "attn.proj": 0.3, "mlp.fc2": 0.4, "conv_layers": 0.4})
    fill_norms(model, SEED)
    scale = model.modality_encoders["AUDIO"].alibi_scale.data
    scale[:] = scale.abs()
    scale.view(-1)[1] = -0.5  # clamped: this head hears no distance
    return model.eval()


def optimizer_state(state):
    """As Adam leaves it behind: two more of every tensor."""
    return {"state": {i: {"step": 1000, "exp_avg": torch.full_like(v, 1e-3), "exp_avg_sq": torch.full_like(v, 1e-6)}
                      for i, v in enumerate(state.values())}, "param_groups": []}  # fmt: skip


def emotion2vec_goldens(folder, model):
    labelled = model.proj is not None

    def run(waveform):
        def outputs():
            normalised = F.layer_norm(waveform, waveform.shape).view(1, -1)
            model.alibi_biases.clear()
            frames = model.extract_features(normalised, padding_mask=None)["x"]
            found = {"frames": frames, "utterance": frames.mean(dim=1)}
            if labelled:
                found["logits"] = model.proj(frames.mean(dim=1))
                found["scores"] = found["logits"].softmax(dim=-1)
            return found

        return states(layers_of(model), outputs)

    outputs = ("frames", "utterance") + (("logits", "scores") if labelled else ())
    goldens(folder, "emotion2vec", outputs, run, ("funasr",))


def emotion2vec_base(folder):
    if (folder / "goldens").exists():
        return
    model = emotion2vec_model(768, 12, -1)
    decoder = {f"modality_encoders.AUDIO.decoder.blocks.{i}.0.weight": torch.zeros(384, 24, 7) for i in range(4)}
    state = model.state_dict()
    absent = types.ModuleType("fairseq_like")

    class Absent:
        def __init__(self):
            self.name = "a class that a reader does not have"

    Absent.__module__, Absent.__qualname__ = "fairseq_like", "Absent"
    absent.Absent, sys.modules["fairseq_like"] = Absent, absent
    checkpoint = {
        "args": Namespace(arch="data2vec_multi"), "cfg": {"model": Absent()}, "model": state | decoder,
        "criterion": Absent(), "optimizer_history": [{"criterion_name": "ModelCriterion", "num_updates": 100000}],
        "task_state": {}, "extra_state": {"metrics": Absent()}, "last_optimizer_state": optimizer_state(state),
    }  # fmt: skip
    write_readme_of(folder, "apache-2.0")
    make(folder / "emotion2vec_base.pt", partial(save, checkpoint))
    emotion2vec_goldens(folder, model)


def emotion2vec_plus(folder, width, heads):
    if (folder / "goldens").exists():
        return
    import yaml

    model = emotion2vec_model(width, heads, len(TOKENS))
    state = {name if name.startswith("proj.") else "d2v_model." + name: value for name, value in model.state_dict().items()}
    write_readme_of(folder, "apache-2.0")
    config = {
        "model": "Emotion2vec", "model_conf": emotion2vec_config(width, heads), "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True}, "scope_map": ["d2v_model.", "none"],
    }  # fmt: skip
    make(folder / "config.yaml", lambda path: path.write_text(yaml.dump(config, sort_keys=False)))
    make(folder / "tokens.txt", lambda path: path.write_text("".join(token + "\n" for token in TOKENS)))
    make(folder / "configuration.json", partial(write_json, {
        "framework": "pytorch", "task": "emotion-recognition", "model": {"type": "funasr"},
        "pipeline": {"type": "funasr-pipeline"}, "model_name_in_hub": {"ms": "", "hf": ""},
        "file_path_metas": {"init_param": "model.pt", "config": "config.yaml",
                            "tokenizer_conf": {"token_list": "tokens.txt"}}}))  # fmt: skip
    make(folder / "model.pt", partial(save, {"model": state, "last_optimizer_state": optimizer_state(state)}))
    emotion2vec_goldens(folder, model)


def write_readme_of(folder, licence):
    folder.mkdir(parents=True, exist_ok=True)
    write_readme(folder, licence, "../bench/make_full_size_systems.py")


def make_clips(folder):
    def write(partial):
        partial.mkdir()
        lines = []
        for number in range(100):
            random = np.random.RandomState(number)
            samples = 0.1 * random.standard_normal(80000) * (1 + np.sin(np.arange(80000) / 4000))
            soundfile.write(partial / f"{number:03}.wav", samples.clip(-1, 1), 16000, subtype="PCM_16")
            lines.append(f"clip-{number:03} {folder / f'{number:03}.wav'}\n")
        (partial / "clips.scp").write_text("".join(lines))

    make(folder, write)


def main():
    if len(sys.argv) > 2 or sys.argv[1:] in (["-h"], ["--help"]):
        sys.exit(__doc__)
    torch.set_num_threads(2)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    given = sys.argv[1] if len(sys.argv) == 2 else os.environ.get("ASSAY_BENCH")
    root = Path(given or Path.home() / ".cache/assay/bench").resolve()
    make_clips(root / "clips")
    for name, make_system in (
        ("audeering-full", audeering),
        ("superb-full", superb), ("speechbrain-full", speechbrain), ("emotion2vec-base-full", emotion2vec_base),
        ("emotion2vec-plus-seed-full", partial(emotion2vec_plus, width=768, heads=12)),
        ("emotion2vec-plus-large-full", partial(emotion2vec_plus, width=1024, heads=16)),
    ):  # fmt: skip
        make_system(root / name)
        gc.collect()


if __name__ == "__main__":
    main()
