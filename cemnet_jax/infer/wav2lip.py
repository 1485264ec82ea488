"""The baseline Wav2Lip at work: crops of a face + speech -> the same crops with other mouths."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8
from ml_collections import ConfigDict

from cemnet_jax.infer.forward import Net
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.preprocess.audio import mel_windows
from cemnet_jax.stages import build
from cemnet_jax.stages.renderer import mask_lower_half
from cemnet_jax.train import ckpt

BATCH = 16  # frames at a time; the last batch is filled up with its last frame


class Networks(NamedTuple):
  """The trained generator; `image_size` is that of the crops it draws."""
  generator: Net
  image_size: int


def load(system_dir) -> Networks:
  """Loads the system `wav2lip` from its workdir; UserError when it is not trained."""
  folder = Path(system_dir) / 'wav2lip'
  trained, cfg = ckpt.load_params(folder), ConfigDict(ckpt.load_config(folder))
  variables = {'params': trained['params']['generator'],
               'batch_stats': trained['stats']['generator']}
  return Networks(Net(build.wav2lip(cfg.model), jax.device_put(variables)),
                  cfg.data.image_size)


def render(nets: Networks, crops: UInt8[np.ndarray, 'T S S 3'],
           references: UInt8[np.ndarray, 'N S S 3'], audio: Float[np.ndarray, ' A'],
           frames: Int[np.ndarray, ' T'] | None = None) -> UInt8[np.ndarray, 'T S S 3']:
  """The crops with the lower half drawn anew; the upper half keeps its bits.

  Frame t sees reference t mod N. The published inference on a video shows each frame itself as its
  reference: pass the video's crops as `references` for that. In a cross-emotion protocol it would
  give away the true mouth, so there the references are other pictures.

  Args:
    crops: of the face to be animated, S = `nets.image_size`; only their upper half is seen.
    references: crops of the same person with any mouth.
    audio: speech at 16 kHz in [-1, 1].
    frames: which frames of the speech the crops belong to; the first T by default.
  """
  frames = np.arange(len(crops)) if frames is None else np.asarray(frames)
  mel = mel_windows(audio, 0, int(frames.max()) + 1)[frames]
  shown = references[frames % len(references)]
  parts = []
  for start in range(0, len(crops), BATCH):
    at = np.minimum(np.arange(start, start + BATCH), len(crops) - 1)
    parts.append(np.asarray(draw(nets, crops[at], shown[at], mel[at])))
  return np.concatenate(parts)[:len(crops)]


def draw(nets: Networks, crops: UInt8[np.ndarray, 'B S S 3'],
         references: UInt8[np.ndarray, 'B S S 3'], mel: Float[np.ndarray, 'B 80 16'],
         ) -> UInt8[Array, 'B S S 3']:
  """One batch of `render`: each crop with its reference and its speech."""
  return _render(nets.generator.module, nets.generator.variables, crops, references, mel)


@partial(jax.jit, static_argnums=0)
def _render(net, variables, crops, references, mel):
  drawn = net.apply(variables, mask_lower_half(to_float(crops)), to_float(references), mel,
                    train=False)
  known = jnp.arange(crops.shape[1])[:, None, None] < crops.shape[1] // 2
  return jnp.where(known, crops, jnp.round(drawn * 255).astype(jnp.uint8))
