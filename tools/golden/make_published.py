"""Makes golden/published: cases with the values that audEERING published for its real model, whose weights we lack."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from cases import save_arrays, write_json

NOISE_SHA256 = "42928c1bd6feb074714741283c3505d2c14a5f366e6fa84f7607fcb462eebf8d"
TOLERANCE = {
    "absolute": 1e-5,
    "relative": 0,
    "reason": "backends differ by 3e-6; the published digits end at 1e-7 or, of pooled states, at 1e-8",
}
ENDS = [[0, 0], [0, 1], [0, 2], [0, 1021], [0, 1022], [0, 1023]]  # the pooled states that a printed array shows

folder = Path(__file__).resolve().parents[2] / "golden" / "published"


def case(name, system, input, logits, hidden_states, maker):
    expected = {
        "logits": {"shape": [1, 3], "values": logits},
        "hidden_states": {"shape": [1, 1024], "at": ENDS, "values": hidden_states},
    }
    value = {
        "golden": 1,
        "name": name,
        "system": system,
        "input": input,
        "expected": expected,
        "tolerance": TOLERANCE,
        "maker": maker + "; published by audEERING, not checked in this repository",
    }
    write_json(value, folder / f"{name}.golden.json")


def main():
    folder.mkdir(parents=True, exist_ok=True)
    case(
        "audeering-silence-1s",
        "wav2vec2-regression",
        {"kind": "zeros", "samples": 16000},
        [0.5460754, 0.6062266, 0.40431657],
        [-0.00752167, 0.0065819, -0.00746342, 0.00663632, 0.00848748, 0.00599211],
        "the model card of audeering/wav2vec2-large-robust-12-ft-emotion-msp-dim",
    )

    np.random.seed(0)
    samples = np.random.normal(size=16000).astype(np.float32)
    assert hashlib.sha256(samples.tobytes()).hexdigest() == NOISE_SHA256
    save_arrays({"signal": torch.from_numpy(samples)}, folder / "noise-seed0.safetensors")
    case(
        "audeering-onnx-noise-seed0",
        "onnx",
        {"kind": "waveform", "file": "noise-seed0.safetensors", "tensor": "signal"},
        [0.6563389, 0.630771, 0.4762332],
        [-0.00723587, 0.00645568, -0.00865646, 0.00670633, 0.00948439, 0.0028789],
        "the notebook of audeering/w2v2-how-to, run on the ONNX file of doi:10.5281/zenodo.6221127",
    )


main()
