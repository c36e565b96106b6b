"""Lays assay's numbers for full-size ONNX files beside onnxruntime's, as read and in canonical form.

    onnx_parity.py ASSAY THREADS CLIP... -- MODEL.onnx...

Each clip is normalised as audeering's preprocessor says and fed to both as it is. Prints Markdown.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from safetensors.numpy import load_file


def main():
    assay, threads, *rest = sys.argv[1:]
    clips, models = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
    print("| export | clip | as read, apart from onnxruntime by at most | canonical | converted |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
            names = [output.name for output in session.get_outputs()]
            artifact = f"{folder}/model.assay"
            subprocess.run([assay, "convert", model, "-o", artifact, "--quiet"], check=True, stdout=subprocess.DEVNULL)
            for clip in clips:
                signal = np.load(clip).astype(np.float32).reshape(1, -1)
                signal = ((signal - signal.mean()) / np.sqrt(signal.var() + 1e-7)).astype(np.float32)
                np.save(f"{folder}/signal.npy", signal)
                expected = dict(zip(names, session.run(names, {session.get_inputs()[0].name: signal})))
                apart = []
                for path, flags in ((model, ["--unfused"]), (model, []), (artifact, [])):
                    command = [assay, "run", path, "--input", f"{session.get_inputs()[0].name}={folder}/signal.npy"]
                    command += ["--threads", threads, "--save", f"{folder}/out.safetensors", *flags]
                    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                    actual = load_file(f"{folder}/out.safetensors")
                    apart.append(max(float(np.abs(actual[name] - expected[name]).max()) for name in names))
                row = " | ".join(f"{value:.1e}" for value in apart)
                print(f"| {Path(model).parent.name} | {Path(clip).stem} | {row} |", flush=True)
    print()


main()
