"""Runs a peer on one clip in this process, which should be fresh, and prints one line of JSON.

    peers.py onnxruntime --model audeering-full-onnx/model.onnx --input inputs/noise-1s.npy [--threads 2] [--repeat 5] [--raw]
    peers.py pytorch     --model audeering-full ...
    peers.py openvino    --model audeering-full-onnx/model.onnx ...      if it is installed

load_seconds    start of this script to a loaded model, imports included (import_seconds of them)
first_seconds   the first run; seconds: `repeat` further ones
peak_rss_bytes  high-water mark of this process
logits          of the last run

The input is a mono waveform of 16 kHz as .npy; it is normalised as audeering's preprocessor says, unless --raw.
"""

import time

started = time.perf_counter()

import argparse
import json
import sys
from pathlib import Path


def onnxruntime(model, threads):
    import onnxruntime

    imported()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return onnxruntime.__version__, lambda signal: session.run(["logits"], {session.get_inputs()[0].name: signal})[0]


def openvino(model, threads):
    import openvino

    imported()
    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    return openvino.__version__, lambda signal: compiled([signal])["logits"]


def pytorch(model, threads):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))
    import torch
    import transformers
    from emotion_model import EmotionModel

    imported()
    torch.set_num_threads(threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    network = EmotionModel.from_pretrained(model).eval()

    def run(signal):
        with torch.inference_mode():
            return network(torch.from_numpy(signal))[1].numpy()

    return f"torch {torch.__version__}, transformers {transformers.__version__}", run


def imported():
    global import_seconds
    import_seconds = time.perf_counter() - started


def peak_rss_bytes():
    """VmHWM, as getrusage's maximum is inherited from whoever started this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def timed(run, signal):
    begun = time.perf_counter()
    logits = run(signal)
    return time.perf_counter() - begun, logits


def main():
    peers = {"onnxruntime": onnxruntime, "pytorch": pytorch, "openvino": openvino}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=peers)
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--raw", action="store_true")
    options = parser.parse_args()

    try:
        version, run = peers[options.peer](options.model, options.threads)
    except ModuleNotFoundError as missing:
        sys.exit(f"peers.py: {options.peer} is not installed ({missing})")
    load_seconds = time.perf_counter() - started

    import numpy as np

    signal = np.load(options.input).astype(np.float32).reshape(1, -1)
    if not options.raw:
        signal = ((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)).astype(np.float32)
    first, logits = timed(run, signal)
    seconds = []
    for _ in range(options.repeat):
        elapsed, logits = timed(run, signal)
        seconds.append(round(elapsed, 5))
    print(
        json.dumps(
            {
                "peer": options.peer,
                "version": version,
                "threads": options.threads,
                "samples": signal.shape[1],
                "import_seconds": round(import_seconds, 4),
                "load_seconds": round(load_seconds, 4),
                "first_seconds": round(first, 5),
                "seconds": seconds,
                "peak_rss_bytes": peak_rss_bytes(),
                "logits": [float(value) for value in logits.ravel()],
            }
        )
    )


main()
