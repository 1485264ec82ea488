"""Wav2Lip's public weights: its generator, and its lip-sync expert SyncNet_color.

Both know pictures as BGR; the imported nets take and give RGB.
"""

from pathlib import Path
from typing import Any

from cemnet_jax.nets.layers import MEL_TABLE
from cemnet_jax.nets.lip_expert import SPEECH_TABLE, LipExpert, face_table
from cemnet_jax.nets.wav2lip import DECODER, FACE, Wav2Lip
from cemnet_jax.weights.mapping import (
  CONV,
  DECONV,
  Entry,
  Turn,
  bgr,
  conv_block,
  convolution,
  norm,
  shapes_of,
  to_variables,
)
from cemnet_jax.weights.torch_files import read_tensors

Tree = Any
SIZE = 96  # px of the public nets' pictures
FRAMES = 5  # that the expert sees
REVERSED = Turn(lambda x: x[::-1], lambda x: x[::-1])  # a bias of blue, green, red


def block(tensor: str, path: tuple[str, ...], turn: Turn = CONV) -> list[Entry]:
  """One block of convolution and BatchNorm, as Wav2Lip and IP-LAP name it."""
  return conv_block(f'{tensor}.conv_block.0', f'{tensor}.conv_block.1', path, turn=turn)


def encoder(tensor: str, path: tuple[str, ...], count: int, first: Turn = CONV) -> list[Entry]:
  """Blocks `tensor`.0, .1, ... for a `layers.TableEncoder` at `path`; `first` turns the first."""
  return [entry for i in range(count) for entry in block(
    f'{tensor}.{i}', (*path, f'block_{i}'), CONV if i else first)]


def generator_entries() -> list[Entry]:
  """Tensors of the public generator and leaves of `Wav2Lip` at 96 px."""
  # The first level has one block; the last one, under the smallest map, two.
  downs = [1, *(1 + residuals for _, residuals in FACE[-2::-1]), 2]
  table = [entry for i, count in enumerate(downs) for j in range(count) for entry in block(
    f'face_encoder_blocks.{i}.{j}', (f'face_{i}_{j}',), CONV if i or j else bgr(1, 2))]
  table += encoder('audio_encoder', ('audio', 'convs'), len(MEL_TABLE))
  table += block('face_decoder_blocks.0.0', ('up_0_0',))
  for i, (_, residuals) in enumerate(DECODER, start=1):
    up = f'face_decoder_blocks.{i}'
    table += convolution(f'{up}.0.conv_block.0', (f'up_{i}_0', 'conv'), turn=DECONV)
    table += norm(f'{up}.0.conv_block.1', (f'up_{i}_0', 'norm'))
    for j in range(1, residuals + 1):
      table += block(f'{up}.{j}', (f'up_{i}_{j}',))
  return table + block('output_block.0', ('output',)) + [
    Entry('output_block.1.weight', ('params', 'rgb', 'kernel'), bgr(0)),
    Entry('output_block.1.bias', ('params', 'rgb', 'bias'), REVERSED)]


def expert_entries() -> list[Entry]:
  """Tensors of the public expert and leaves of `LipExpert` at 96 px."""
  return (encoder('face_encoder', ('face',), len(face_table(SIZE)), bgr(1, FRAMES))
          + encoder('audio_encoder', ('speech',), len(SPEECH_TABLE)))


def load_generator(path: str | Path, net: Wav2Lip | None = None) -> dict[str, Tree]:
  """Variables of `net`, by default of the public size, from its checkpoint.

  Raises:
    UserError: the file cannot be read or holds weights of another net.
  """
  pictures = (1, SIZE, SIZE, 3)
  shapes = shapes_of(net or Wav2Lip(), pictures, pictures, (1, 80, 16), train=False)
  return to_variables(generator_entries(), read_tensors(path), shapes, str(path))


def load_expert(path: str | Path, net: LipExpert | None = None) -> dict[str, Tree]:
  """The same for the lip-sync expert."""
  shapes = shapes_of(net or LipExpert(), (1, FRAMES, SIZE // 2, SIZE, 3), (1, 80, 16), train=False)
  return to_variables(expert_entries(), read_tensors(path), shapes, str(path))
