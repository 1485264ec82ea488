"""The nets of IP-LAP and Wav2Lip beside their PyTorch counterparts, as `cases` has all others."""

import numpy as np
import torch

from benchmarks.torch_nets import audio2mouth, discriminator, renderer, wav2lip
from benchmarks.torch_nets.compare import Case, randomise
from cemnet_jax.nets.audio2mouth import Audio2Mouth
from cemnet_jax.nets.discriminator import MultiScaleDiscriminator
from cemnet_jax.nets.layers import scaled
from cemnet_jax.nets.lip_expert import LipExpert
from cemnet_jax.nets.renderer import Renderer
from cemnet_jax.nets.wav2lip import Wav2Lip
from cemnet_jax.weights import iplap
from cemnet_jax.weights import wav2lip as wav2lip_weights
from cemnet_jax.weights.mapping import Entry, convolution

BATCH, FRAMES, REFERENCES = 4, 5, 3  # BatchNorm of single vectors needs a few examples


def random(*shape: int, seed: int = 0) -> np.ndarray:
  """Uniform numbers in [0, 1]."""
  return np.random.default_rng(seed).random(shape, np.float32)


def mel(*shape: int) -> np.ndarray:
  """Noise in place of mel windows (*shape, 80, 16)."""
  return np.random.default_rng(9).normal(size=(*shape, 80, 16)).astype(np.float32)


def to_bgr(images: torch.Tensor) -> torch.Tensor:
  """RGB (..., H, W, 3) -> BGR (..., 3, H, W)."""
  return images.flip(-1).movedim(-1, -3)


def to_rgb(images: torch.Tensor) -> torch.Tensor:
  """BGR (..., 3, H, W) -> RGB (..., H, W, 3)."""
  return images.movedim(-3, -1).flip(-1)


def audio2mouth_case(paper: bool) -> Case:
  size = dict(dropout=0.0) | ({} if paper else dict(width=0.25, dim=32, layers=2, ffn=48))
  net, model = Audio2Mouth(**size), randomise_but_tables(audio2mouth.Audio2Mouth(**size))
  inputs = mel(BATCH, FRAMES), random(BATCH, FRAMES, 74, 2), random(BATCH, REFERENCES, 131, 2)
  return Case(net, model, iplap.landmark_entries(net), inputs, run_audio2mouth, iplap.POSITIONS)


def randomise_but_tables(model: audio2mouth.Audio2Mouth) -> audio2mouth.Audio2Mouth:
  """`randomise` without the tables of positions, which are constants."""
  tables = {name: table.clone() for name, table in model.named_buffers() if name.endswith('.pe')}
  randomise(model).load_state_dict(tables, strict=False)
  return model


def run_audio2mouth(model, mel, pose, ref):
  """IP-LAP's layout: coordinates before points."""
  return model(mel, pose.transpose(-1, -2), ref.transpose(-1, -2)).transpose(-1, -2)


def renderer_case(paper: bool) -> Case:
  size = {} if paper else dict(width=8, wide=16, hidden=8, audio_dim=16, audio_width=1 / 16)
  side = 64 if paper else 16  # the paper's 128 px take four times as long, on the same weights
  inputs = (random(BATCH, side, side, 3), random(BATCH, FRAMES, side, side),
            random(BATCH, REFERENCES, side, side, 3, seed=1),
            random(BATCH, REFERENCES, side, side, seed=2), mel(BATCH))
  return Case(Renderer(**size), randomise(renderer.Renderer(**size)), iplap.renderer_entries(),
              inputs, run_renderer)


def run_renderer(model, masked, sketches, reference, ref_sketches, mel):
  """IP-LAP's layout: BGR, and sketches of three equal channels."""
  three = lambda x: x[:, :, None].expand(-1, -1, 3, -1, -1)
  face, warped = model(to_bgr(masked), three(sketches), to_bgr(reference), three(ref_sketches), mel)
  return to_rgb(face), to_rgb(warped)


def discriminator_case(paper: bool) -> Case:
  size = {} if paper else dict(width=8)
  side = 128 if paper else 32
  net = MultiScaleDiscriminator(**size)
  return Case(net, randomise(discriminator.Discriminator(**size)), discriminator_entries(net),
              (random(BATCH, side, side, 3),),
              lambda model, images: [[x.movedim(1, -1) for x in maps]
                                     for maps in model(images.movedim(-1, 1))], has_modes=False)


def discriminator_entries(net: MultiScaleDiscriminator) -> list[Entry]:
  """pix2pixHD counts scales from the coarsest; no public file has IP-LAP's."""
  return [entry for scale in range(net.scales) for i in range(net.layers + 2)
          for entry in convolution(f'scale{net.scales - 1 - scale}_layer{i}.0',
                                   (f'scale_{scale}', f'layer_{i}'))]


def wav2lip_case(paper: bool) -> Case:
  width = 1.0 if paper else 0.0625
  inputs = random(BATCH, 96, 96, 3), random(BATCH, 96, 96, 3, seed=1), mel(BATCH)
  return Case(Wav2Lip(width), randomise(wav2lip.Wav2Lip(width)),
              wav2lip_weights.generator_entries(), inputs,
              lambda model, masked, other, mel: to_rgb(
                model(torch.cat([to_bgr(masked), to_bgr(other)], 1), mel)), kinked=True)


def lip_expert_case(paper: bool) -> Case:
  width = 1.0 if paper else 0.0625
  size = dict(width=width, dim=scaled(512, width))
  inputs = random(BATCH, FRAMES, 48, 96, 3), mel(BATCH)
  return Case(LipExpert(**size), randomise(wav2lip.LipExpert(**size)),
              wav2lip_weights.expert_entries(), inputs,
              lambda model, lower, mel: model(to_bgr(lower).flatten(1, 2), mel), kinked=True)


CASES = {
  'Audio2Mouth': audio2mouth_case,
  'renderer': renderer_case,
  'discriminator': discriminator_case,
  'Wav2Lip': wav2lip_case,
  'lip expert': lip_expert_case,
}
