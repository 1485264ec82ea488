"""Speed of the audio features, and whether a jitted JAX twin of the mel would pay.

  python -m benchmarks.audio_features --seconds 10

It would not, so there is none. On two shared CPU cores, 10 s of speech: a compiled twin takes 0.4
to 0.6 of numpy's time and so saves 2 ms of a video that takes seconds, but each new length of
audio compiles first, 31 times numpy's time, and float32 is 1e-4 away from the features that the
nets were trained on (numpy: 1e-7). The twin stays here to repeat the measurement elsewhere.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np

from cemnet_jax.preprocess import audio
from cemnet_jax.preprocess.synthetic.speech import make_voice, speak
from cemnet_jax.topology import SAMPLE_RATE


def speech(seconds):
  """Float samples: one synthetic sentence after the other."""
  clip = speak(make_voice(0), 'please move the chair away from them', 'happy', 3, (0,)).pcm
  return audio.load_wav16(np.resize(clip, seconds * SAMPLE_RATE))


def jax_mel(wav):
  """`audio.mel_spectrogram` in jnp, float32."""
  window, bank = (jnp.asarray(x, jnp.float32) for x in audio.mel_constants())
  emphasised = wav - 0.97 * jnp.concatenate([jnp.zeros(1, wav.dtype), wav[:-1]])
  padded = jnp.pad(emphasised, audio.MEL_FFT // 2)
  starts = audio.MEL_HOP * jnp.arange(audio.mel_length(len(wav)))
  frames = padded[starts[:, None] + jnp.arange(audio.MEL_FFT)] * window
  energy = jnp.matmul(jnp.abs(jnp.fft.rfft(frames)), bank, precision='highest')
  decibel = 20 * jnp.log10(jnp.maximum(1e-5, energy)) - 20
  return jnp.clip(8 * (decibel + 100) / 100 - 4, -4, 4)


def milliseconds(call, repeats):
  """Median and best wall time of a call, the first one left out."""
  call()
  times = []
  for _ in range(repeats):
    began = time.perf_counter()
    call()
    times.append(1000 * (time.perf_counter() - began))
  return np.median(times), min(times)


def main():
  """Prints one line per feature and the ratio of the JAX twin."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--seconds', type=int, default=10, help='of speech')
  parser.add_argument('--repeats', type=int, default=30)
  args = parser.parse_args()
  wav = speech(args.seconds)
  calls = {
    'mel spectrogram': lambda: audio.mel_spectrogram(wav),
    'mel windows, 5 frames': lambda: audio.mel_windows(wav, 20, 5),
    'mfcc': lambda: audio.mfcc(wav),
    'mfcc windows': lambda: audio.mfcc_windows(wav)}
  for name, call in calls.items():
    print(f'{name:24s} %8.3f ms median, %8.3f best' % milliseconds(call, args.repeats))
  compiled = jax.jit(jax_mel)
  began = time.perf_counter()
  compiled(wav).block_until_ready()
  first = 1000 * (time.perf_counter() - began)
  here, there = np.asarray(compiled(wav)), audio.mel_spectrogram(wav)
  print(f'largest difference of the JAX twin: {np.abs(here - there).max():.1e}')
  numpy_time = milliseconds(calls['mel spectrogram'], args.repeats)
  jax_time = milliseconds(lambda: np.asarray(compiled(wav)), args.repeats)
  print(f'JAX twin on {jax.devices()[0].platform}: %8.3f ms median, %8.3f best' % jax_time)
  print(f'time of the JAX twin / numpy: {jax_time[0] / numpy_time[0]:.2f} median, '
        f'{jax_time[1] / numpy_time[1]:.2f} best, '
        f'{first / numpy_time[0]:.1f} with its compilation, which every new length needs')


if __name__ == '__main__':
  main()
