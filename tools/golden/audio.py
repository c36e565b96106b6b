"""Audio files to waveforms, as every system here takes them."""

import soundfile
import torch
import torchaudio

MODEL_RATE = 16000


def resample(waveform, rate, to=MODEL_RATE):
    """torchaudio's default resampler, on one channel."""
    return waveform if rate == to else torchaudio.transforms.Resample(rate, to)(waveform)


def decode(path):
    """Audio file to mono at the model's rate: decode, mean over channels, resample."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return resample(torch.from_numpy(samples).mean(dim=1), rate)
