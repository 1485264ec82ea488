"""Wav2Lip's generator and lip expert against PyTorch layers as published, with copied weights."""

from functools import partial

import flax.linen as flax_nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip('torch')
reference = pytest.importorskip('tests.nets.torch_reference')

from cemnet_jax.errors import UserError  # noqa: E402
from cemnet_jax.nets.layers import MEL_TABLE, nearest_up, scaled  # noqa: E402
from cemnet_jax.nets.lip_expert import SPEECH_TABLE, LipExpert, face_table  # noqa: E402
from cemnet_jax.nets.wav2lip import DoublingDeconv, Wav2Lip  # noqa: E402
from tests.nets.random_variables import random_variables  # noqa: E402

nn = torch.nn
WIDTH = 0.0625
RNG = np.random.default_rng(0)


def channels_first(x):
  return torch.from_numpy(np.moveaxis(x, -1, 1).copy())


def check(net, params, stats, args, want):
  ours = jax.eval_shape(lambda *x: net.init(jax.random.key(0), *x, train=False), *args)
  reference.same_structure(ours['params'], params)
  reference.same_structure(ours['batch_stats'], stats)
  got = jax.jit(lambda v, *x: net.apply(v, *x, train=False))(
    {'params': params, 'batch_stats': stats}, *args)
  for a, b in zip(jax.tree.leaves(got), want, strict=True):
    np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-4)


def blocks_of(table, channels, width=WIDTH):
  """The blocks of rows (channels, kernel, stride, padding, residual), one after the other."""
  blocks = []
  for out, *row in table:
    blocks.append(reference.Block(channels, scaled(out, width), *row))
    channels = scaled(out, width)
  return blocks


class Up(nn.Module):
  """Transposed convolution, BatchNorm, ReLU, as published."""

  def __init__(self, inputs, outputs, stride, padding, output_padding):
    super().__init__()
    self.conv = nn.ConvTranspose2d(inputs, outputs, 3, stride, padding, output_padding)
    self.norm = nn.BatchNorm2d(outputs)

  def forward(self, x):
    return torch.relu(self.norm(self.conv(x)))

  def copy(self):
    return ({'conv': reference.deconvolution(self.conv), 'norm': reference.norm(self.norm)},
            {'norm': reference.statistics(self.norm)})


class TorchWav2Lip(nn.Module):
  """The public generator at 96 px: channel numbers are written out as it has them."""

  def __init__(self, width):
    super().__init__()
    c = lambda channels: max(min(channels, 16), scaled(channels, width))
    block = reference.Block
    same = lambda n, count: [block(c(n), c(n), 3, 1, 1, True) for _ in range(count)]
    faces = [[block(6, c(16), 7, 1, 3)]]
    for i, o, count in ((16, 32, 2), (32, 64, 3), (64, 128, 2), (128, 256, 2), (256, 512, 1)):
      faces.append([block(c(i), c(o), 3, 2, 1), *same(o, count)])
    faces.append([block(c(512), c(512), 3), block(c(512), c(512), 1)])
    ups = [[block(c(512), c(512), 1)]]
    for (i, skip), o, count in (((512, 512), 512, 1), ((512, 512), 512, 2), ((512, 256), 384, 2),
                                ((384, 128), 256, 2), ((256, 64), 128, 2), ((128, 32), 64, 2)):
      how = (1, 0, 0) if len(ups) == 1 else (2, 1, 1)
      ups.append([Up(c(i) + c(skip), c(o), *how), *same(o, count)])
    self.faces, self.ups = (nn.ModuleList(nn.Sequential(*part) for part in parts)
                            for parts in (faces, ups))
    self.audio = nn.Sequential(*blocks_of(MEL_TABLE, 1, width))
    self.output, self.rgb = block(c(64) + c(16), c(32), 3, 1, 1), nn.Conv2d(c(32), 3, 1)

  def forward(self, faces, mel):
    maps = []
    for part in self.faces:
      faces = part(faces)
      maps.append(faces)
    x = self.audio(mel[:, None])
    for part in self.ups:
      x = torch.cat([part(x), maps.pop()], 1)
    return torch.sigmoid(self.rgb(self.output(x)))

  def copy(self):
    params, stats = {'rgb': reference.convolution(self.rgb)}, {}
    named = [('output', self.output)]
    for prefix, parts in (('face', self.faces), ('up', self.ups)):
      named += [(f'{prefix}_{i}_{j}', b) for i, part in enumerate(parts)
                for j, b in enumerate(part)]
    for name, b in named:
      params[name], stats[name] = b.copy() if isinstance(b, Up) else reference.conv_block(b)
    audio = reference.conv_blocks(self.audio, 'block_{}')
    params['audio'], stats['audio'] = ({'convs': tree} for tree in audio)
    return params, stats


def test_generator_is_the_public_one():
  model = reference.randomise(TorchWav2Lip(WIDTH))
  masked, other = RNG.random((2, 2, 96, 96, 3), np.float32)
  mel = RNG.normal(size=(2, 80, 16)).astype(np.float32)
  faces = torch.cat([channels_first(masked), channels_first(other)], 1)
  want = model(faces, torch.from_numpy(mel)).permute(0, 2, 3, 1)
  assert want.std() > 0.02
  check(Wav2Lip(WIDTH), *model.copy(), [masked, other, mel], [want])


def test_expert_is_the_public_one():
  # 96 px: face encoder of Wav2Lip's SyncNet_color, rows written out as it has them.
  table = [(32, 7, 1, 3), (64, 5, (1, 2), 1), 64, 64, (128, 3, 2, 1), 128, 128, 128,
           (256, 3, 2, 1), 256, 256, (512, 3, 2, 1), 512, 512, (512, 3, 2, 1), (512, 3, 1, 0),
           (512, 1, 1, 0)]
  table = [(*r, False) if isinstance(r, tuple) else (r, 3, 1, 1, True) for r in table]
  face, speech = blocks_of(table, 15), blocks_of(SPEECH_TABLE, 1)
  reference.randomise(nn.Sequential(*face, *speech))
  nn.Sequential(*face, *speech).eval()
  lower = RNG.random((2, 5, 48, 96, 3), np.float32)
  mel = RNG.normal(size=(2, 80, 16)).astype(np.float32)
  frames = torch.cat([channels_first(lower[:, t]) for t in range(5)], 1)
  want = [nn.functional.normalize(net(x).flatten(1), dim=1) for net, x in (
    (nn.Sequential(*face), frames), (nn.Sequential(*speech), torch.from_numpy(mel)[:, None]))]
  trees = [reference.conv_blocks(blocks, 'block_{}') for blocks in (face, speech)]
  params, stats = ({'face': a, 'speech': b} for a, b in zip(*trees))
  check(LipExpert(WIDTH, dim=scaled(512, WIDTH)), params, stats, [lower, mel], want)


def test_doubling_is_a_transposed_convolution():
  x = RNG.normal(size=(2, 5, 4, 6)).astype(np.float32)
  slow = flax_nn.ConvTranspose(7, (3, 3), (2, 2), ((1, 2), (1, 2)))
  variables = random_variables(slow, x)
  np.testing.assert_allclose(DoublingDeconv(7).apply(variables, x), slow.apply(variables, x),
                             atol=1e-5)


def test_centred_start_doubles_like_nearest_neighbour():
  x = RNG.normal(size=(2, 4, 4, 6)).astype(np.float32)
  net = DoublingDeconv(6, centred=True)
  variables = net.init(jax.random.key(0), x)
  mixed = x @ variables['params']['kernel'][1, 1]
  want = np.asarray(nearest_up(mixed))
  assert np.abs(net.apply(variables, x) - want).mean() < 0.05 * np.abs(want).mean()


def test_parameter_counts_are_the_public_ones():
  count = lambda model: sum(p.numel() for p in model.parameters())
  with torch.device('meta'):
    assert count(TorchWav2Lip(1.0)) == 36_298_035
  spec = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
  for net, args, want in (
      (Wav2Lip(), [spec(1, 96, 96, 3)] * 2 + [spec(1, 80, 16)], 36_298_035),
      (LipExpert(), [spec(1, 5, 48, 96, 3), spec(1, 80, 16)], 16_435_072)):
    tree = jax.eval_shape(partial(net.init, train=False), jax.random.key(0), *args)['params']
    assert sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree)) == want


@pytest.mark.parametrize('size', [12, 24, 48, 96])
def test_smaller_pictures_leave_out_shallow_levels(size):
  spec = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
  run = lambda net, *x: net.init_with_output(jax.random.key(0), *x, train=False)
  out, tree = jax.eval_shape(
    lambda *x: run(Wav2Lip(WIDTH), *x), spec(2, size, size, 3), spec(2, size, size, 3),
    spec(2, 80, 16))
  assert out.shape == (2, size, size, 3)
  depth = int(np.log2(size // 3))
  levels = {name.split('_')[1] for name in tree['params'] if name.startswith('face')}
  assert len(levels) == depth + 2
  if size > 12:
    (face, speech), _ = jax.eval_shape(
      lambda *x: run(LipExpert(WIDTH, 16), *x), spec(2, 5, size // 2, size, 3), spec(2, 80, 16))
    assert face.shape == speech.shape == (2, 16)


@pytest.mark.parametrize('size', [20, 192, 3])
def test_other_sizes_are_refused(size):
  with pytest.raises(UserError, match='24, 48, 96'):
    face_table(size)
  picture = jnp.zeros((1, size, size, 3))
  with pytest.raises(UserError, match='12, 24, 48, 96 px'):
    jax.eval_shape(lambda: Wav2Lip().init(jax.random.key(0), picture, picture,
                                          jnp.zeros((1, 80, 16)), train=False))


def test_embeddings_are_unit_vectors_of_one_orthant():
  lower, mel = RNG.random((3, 5, 12, 24, 3), np.float32), np.zeros((3, 80, 16), np.float32)
  net = LipExpert(WIDTH, 16)
  for out in net.apply(random_variables(net, lower, mel, train=False), lower, mel, train=False):
    assert (np.asarray(out) >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(out, axis=-1), 1, atol=1e-5)
