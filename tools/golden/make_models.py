"""Makes golden/models: tiny wav2vec 2.0 packages with random weights, and what real transformers computes with them.

Needs golden/audio (make_audio.py). Each package gets goldens/ and a manifest.json that says how it was made, how far
float32 is from float64 in it, and how much each mistake of mutations.py moves its output.
"""

import copy
import json
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, Wav2Vec2ForPreTraining, Wav2Vec2Model

from cases import save_arrays
from emotion_model import CONFIG, PREPROCESSOR, EmotionModel
from mutations import sensitivities
from observe import observe
from packages import empty, make_goldens, models, receptive_field, write_folder
from weights import fill, folded, reproducible_legacy_keys, with_old_names

SEED = 20260
PACKAGES = ("torch", "transformers", "safetensors", "torchaudio", "soundfile")
# What float32 loses against float64 at most in these packages, and a tolerance with room for that on both sides and
# for other orders of summation: of outputs absolute, of stages relative to their largest value.
OUTPUTS = {"wav2vec2-regression": (3e-6, 1e-5), "wav2vec2": (8e-6, 3e-5)}
STAGES = (3e-6, 2e-5)


def make_package_goldens(folder, model, extractor, system, outputs, clip):
    """The cases of one package, by its model and its feature extractor."""
    double = copy.deepcopy(model).double()

    def values(waveform):
        return extractor(waveform.numpy(), sampling_rate=16000, return_tensors="pt").input_values

    config = model.config
    make_goldens(
        folder, system, outputs, lambda x, fine: observe(model, values(x), fine),
        lambda x, fine: observe(double, values(x).double(), fine), lambda x: sensitivities(model, values(x), outputs[-1]),
        command="make_models.py", seed=SEED, shortest=receptive_field(config.conv_kernel, config.conv_stride),
        packages=PACKAGES, losses=(("absolute", *OUTPUTS[system]), ("relative", *STAGES)), files={"speech": clip})


def save_real(model, folder, **options):
    """Weights as `save_pretrained` of transformers writes them, without the configuration that it writes too."""
    with tempfile.TemporaryDirectory() as temporary:
        model.save_pretrained(temporary, **options)
        for path in sorted(Path(temporary).glob("model*.safetensors*")):
            shutil.copyfile(path, folder / path.name)


def make_audeering():
    """One model, in every container that its kind has been published in."""
    folder = empty(models / "audeering")
    config = CONFIG | {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "conv_dim": [32] * 7,
        "output_hidden_size": 32,
    }

    def container(name):
        write_folder(folder / name, config, PREPROCESSOR, "cc-by-nc-sa-4.0", "make_models.py")
        return folder / name

    def new_model(seed):
        return fill(EmotionModel(Wav2Vec2Config.from_dict(config)), seed)

    model, other = new_model(SEED), new_model(SEED + 1)
    state = model.state_dict()
    old_state = with_old_names(state)

    save_real(model, container("safetensors"))
    save_real(model, container("sharded"), max_shard_size="120KB")
    save_arrays(folded(state, model), container("folded") / "model.safetensors", {"format": "pt"})
    torch.save(state, container("pytorch") / "pytorch_model.bin")
    torch.save(old_state, container("pytorch-old-names") / "pytorch_model.bin")
    with reproducible_legacy_keys():
        torch.save(old_state, container("legacy") / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    save_real(model, container("both"))
    torch.save(other.state_dict(), folder / "both" / "pytorch_model.bin")  # other numbers: which file was read, shows

    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder / "safetensors")
    make_package_goldens(folder, model, extractor, "wav2vec2-regression", ("hidden_states", "logits"), "speech.flac")


def make_bare(name, config, preprocessor, licence, clip, make=Wav2Vec2Model):
    """A package whose output is the last hidden state; `make` is the class that the file is saved from."""
    folder = empty(models / name)
    config = Wav2Vec2Config(**config)
    model = fill(make(config), SEED)
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    written = json.loads((folder / "config.json").read_text())
    write_folder(folder, written, PREPROCESSOR | preprocessor, licence, "make_models.py")
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    inner = getattr(model, "wav2vec2", model)
    make_package_goldens(folder, inner, extractor, "wav2vec2", ("last_hidden_state",), clip)
    return folder, config, model


def make_base():
    """wav2vec2-base as pretraining left it (quantizer and projections in the file), and as a CTC checkpoint of the
    same encoder in `ctc/`: post-norm blocks, one group norm in the features, no conv bias."""
    folder, config, model = make_bare(
        "base",
        {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "conv_dim": [32] * 7,
            "codevector_dim": 16,
            "proj_codevector_dim": 16,
            "num_codevectors_per_group": 8,
        },
        {"do_normalize": False, "return_attention_mask": False},
        "apache-2.0",
        "stereo-44k1.flac",
        Wav2Vec2ForPreTraining,
    )
    ctc = fill(Wav2Vec2ForCTC(config), SEED)
    ctc.wav2vec2.load_state_dict(model.wav2vec2.state_dict())
    written = json.loads((folder / "config.json").read_text()) | {"architectures": ["Wav2Vec2ForCTC"]}
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    write_folder(folder / "ctc", written, preprocessor, "apache-2.0", "make_models.py")
    torch.save(with_old_names(ctc.state_dict()), folder / "ctc" / "pytorch_model.bin")


def make_mixed():
    """No published model, but what the configuration allows: the other pairings of block order and feature norm,
    and sizes, kernels, activations and epsilon that no constant of a checkpoint would fit."""
    make_bare(
        "mixed",
        {
            "do_stable_layer_norm": True,
            "feat_extract_norm": "group",
            "conv_bias": True,
            "conv_dim": [20, 24, 24, 32, 28],
            "conv_kernel": [10, 4, 3, 2, 2],
            "conv_stride": [5, 3, 2, 2, 2],
            "hidden_size": 40,
            "intermediate_size": 72,
            "num_hidden_layers": 3,
            "num_attention_heads": 5,
            "num_conv_pos_embeddings": 15,
            "num_conv_pos_embedding_groups": 4,
            "layer_norm_eps": 1e-4,
            "hidden_act": "gelu_new",
        },
        {},
        "cc0-1.0",
        "pcm24-16k.wav",
    )
    make_bare(
        "mixed-postnorm",
        {
            "do_stable_layer_norm": False,
            "feat_extract_norm": "layer",
            "conv_bias": False,
            "conv_dim": [24] * 7,
            "hidden_size": 24,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_conv_pos_embeddings": 16,
            "num_conv_pos_embedding_groups": 8,
            "layer_norm_eps": 1e-3,
            "hidden_act": "relu",
        },
        {"do_normalize": False},
        "cc0-1.0",
        "float32-16k.wav",
    )


def main():
    torch.set_num_threads(1)  # another number of threads moves the last bits
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    make_audeering()
    make_base()
    make_mixed()


main()
