"""The renderer: the paper's size, parity with IP-LAP's layers in PyTorch, references once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cemnet_jax.nets import renderer as nets

B, N, T, SIZE = 2, 3, 5, 8
TINY = dict(width=4, wide=16, hidden=6, audio_dim=8, audio_width=1 / 32)


def shapes(size=SIZE, b=B, n=N):
  return ((b, size, size, 3), (b, T, size, size), (b, n, size, size, 3), (b, n, size, size),
          (b, 80, 16))


@pytest.fixture(scope='module')
def batch():
  rng = np.random.default_rng(0)
  return tuple(jnp.asarray(rng.uniform(size=shape), jnp.float32) for shape in shapes())


def random_variables(net, *args, seed=0, **kwargs):
  """Variables of the right shapes filled with noise; running variances are positive."""
  rng = np.random.default_rng(seed)
  wanted = jax.eval_shape(lambda: net.init(jax.random.key(0), *args, **kwargs))

  def fill(path, x):
    name = path[-1].key
    value = rng.normal(scale=0.2, size=x.shape)
    offset = {'var': 1.5, 'scale': 1.0}.get(name, 0.0)
    return (value.clip(-0.6, 0.6) + offset).astype(np.float32)

  return jax.tree_util.tree_map_with_path(fill, wanted)


@pytest.fixture(scope='module')
def tiny(batch):
  net = nets.Renderer(**TINY)
  return net, random_variables(net, *batch, train=False)


@pytest.fixture(scope='module')
def run(tiny):
  """The tiny renderer, compiled once: arrays of the batch -> (image, warped)."""
  net, variables = tiny
  return jax.jit(lambda *args: net.apply(variables, *args, train=False))


def test_papers_sizes():
  args = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes(32)]
  init = lambda *args, **kw: nets.Renderer(**kw).init(jax.random.key(0), *args, train=True)
  count = lambda tree: sum(x.size for x in jax.tree.leaves(tree))
  params = jax.eval_shape(init, *args)['params']
  assert count(params['flow_module']) == 8_146_019  # spec section 12
  assert count(params['translation']) == 10_817_216
  without = jax.eval_shape(lambda *a: init(*a, audio_adain=False), *args[:4])['params']
  gone = sum(count(params['translation'][k]) for k in ('adain_1', 'adain_2', 'audio_encoder'))
  assert count(without['translation']) == 10_817_216 - gone
  assert not [k for k in without['translation'] if 'adain' in k or 'audio' in k]


def test_output_is_a_picture_of_any_even_size(tiny):
  net, variables = tiny
  args = [jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes(14, b=1, n=1)]
  image, warped = jax.eval_shape(lambda *a: net.apply(variables, *a, train=False), *args)
  assert image.shape == warped.shape == (1, 14, 14, 3)


def test_references_encoded_once_give_the_same_frames(tiny, run, batch):
  """One speaker's references for a batch of frames, encoded once with B = 1."""
  net, variables = tiny
  masked, sketches, reference, ref_sketches, mel = batch
  same = lambda x: jnp.repeat(x[:1], B, axis=0)
  whole = run(masked, sketches, same(reference), same(ref_sketches), mel)
  encoded = jax.jit(lambda *a: net.apply(variables, *a, method='encode_references'))(
    reference[:1], ref_sketches[:1])
  split = jax.jit(lambda *a: net.apply(variables, *a, method='render'))(
    masked, sketches, encoded, mel)
  for a, b in zip(whole, split, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_every_kernel_learns(tiny, batch):
  """Gradients reach all weights (biases aside: many precede a normalisation that removes them)."""
  net, variables = tiny
  target = batch[0]

  @jax.jit
  def gradients(params):
    def loss(params):
      (image, warped), _ = net.apply(
        {**variables, 'params': params}, *batch, train=True, mutable=['batch_stats'])
      return jnp.square(image - target).mean() + jnp.square(warped - target).mean()
    return jax.grad(loss)(params)

  for path, gradient in jax.tree_util.tree_leaves_with_path(gradients(variables['params'])):
    name = jax.tree_util.keystr(path, simple=True, separator='/')
    if not name.endswith('bias'):
      assert jnp.abs(gradient).max() > 1e-9, name


def test_mel_matters_only_with_adain(run, batch):
  louder = (*batch[:4], batch[4] + 1)
  assert np.abs(run(*batch)[0] - run(*louder)[0]).max() > 1e-4
  literal = nets.Renderer(**TINY, audio_adain=False)
  (image, _), _ = jax.eval_shape(
    lambda *args: literal.init_with_output(jax.random.key(0), *args, train=False), *batch[:4])
  assert image.shape == batch[0].shape


# The reference: IP-LAP's layers written with PyTorch's functions, on (B, C, H, W).

def nchw(x):
  torch = pytest.importorskip('torch')
  return torch.tensor(np.ascontiguousarray(np.moveaxis(np.asarray(x), -1, 1)))


def conv2d(x, params, stride=1):
  functional = pytest.importorskip('torch').nn.functional
  torch = pytest.importorskip('torch')
  kernel = torch.tensor(params['kernel'].transpose(3, 2, 0, 1))
  bias = torch.tensor(params['bias']) if 'bias' in params else None
  return functional.conv2d(x, kernel, bias, stride, kernel.shape[-1] // 2)


def batch_norm(x, params, stats):
  torch = pytest.importorskip('torch')
  return torch.nn.functional.batch_norm(
    x, *(torch.tensor(v) for v in (stats['mean'], stats['var'], params['scale'], params['bias'])))


def linear(x, params):
  torch = pytest.importorskip('torch')
  return x @ torch.tensor(params['kernel']) + torch.tensor(params['bias'])


def torch_spade(x, modulation, params):
  functional = pytest.importorskip('torch').nn.functional
  for i in (1, 2):
    norm = params[f'norm_{i}']
    both = conv2d(conv2d(modulation, norm['shared']), norm['gain_shift'])
    gamma, beta = both.chunk(2, dim=1)
    n = functional.instance_norm(x)
    x = conv2d(functional.leaky_relu(n + n * gamma + beta, 0.2), params[f'conv_{i}'])
  return x


def torch_adain(x, vector, params):
  functional = pytest.importorskip('torch').nn.functional
  for i in (1, 2):
    norm = params[f'norm_{i}']
    both = linear(linear(vector, norm['shared']).relu(), norm['gain_shift'])[..., None, None]
    gamma, beta = both.chunk(2, dim=1)
    x = functional.instance_norm(x) * (1 + gamma) + beta
    x = conv2d(functional.leaky_relu(x, 0.2), params[f'conv_{i}'])
  return x


def torch_warp(x, grid):
  functional = pytest.importorskip('torch').nn.functional
  if grid.shape[1:3] != x.shape[2:]:
    grid = functional.interpolate(
      grid.permute(0, 3, 1, 2), size=x.shape[2:], mode='bilinear', align_corners=False)
    grid = grid.permute(0, 2, 3, 1)
  return functional.grid_sample(x, grid, align_corners=False)


def torch_flow_module(reference, ref_sketches, sketches, variables):
  """One reference after the other, as IP-LAP does -> warped fine, coarse and image."""
  torch = pytest.importorskip('torch')
  functional = torch.nn.functional
  p, s = (variables[k]['flow_module'] for k in ('params', 'batch_stats'))
  size = sketches.shape[-1]
  line = 2 * torch.arange(size) / (size - 1) - 1
  identity = torch.stack(torch.meshgrid(line, line, indexing='xy'), -1)
  sums, total, small_total = [0, 0, 0], 0, 0
  for i in range(reference.shape[1]):
    sketch = nchw(jnp.repeat(ref_sketches[:, i, ..., None], 3, -1))
    image = nchw(reference[:, i])
    x = torch.cat([image, sketch], 1)
    h1 = batch_norm(conv2d(x, p['conv1']), p['conv1_norm'], s['conv1_norm']).relu()
    h2 = batch_norm(conv2d(h1, p['conv2'], 2), p['conv2_norm'], s['conv2_norm']).relu()
    small = functional.interpolate(sketches, size=(size // 2,) * 2)
    x = torch_spade(torch_spade(h2, small, p['spade_1']), small, p['spade_2'])
    x = torch_spade(functional.pixel_shuffle(x, 2), sketches, p['spade_4'])
    flow = conv2d(x, p['flow']).permute(0, 2, 3, 1)
    weight = conv2d(conv2d(x, p['weight_1']).relu(), p['weight_2']).sigmoid()
    grid = identity + 2 * flow / (size - 1)
    small_weight = functional.interpolate(weight, size=(size // 2,) * 2)
    for j, (maps, w) in enumerate(((h1, weight), (h2, small_weight), (image, weight))):
      sums[j] = sums[j] + w * torch_warp(maps, grid)
    total, small_total = total + weight, small_total + small_weight
  return [x / (t + 1e-5) for x, t in zip(sums, (total, small_total, total), strict=True)]


def torch_generator(masked, sketches, warped, audio, variables):
  torch = pytest.importorskip('torch')
  functional = torch.nn.functional
  p, s = (variables[k]['translation'] for k in ('params', 'batch_stats'))
  fine, coarse, image = warped
  x = torch.cat([masked, sketches], 1)
  x = batch_norm(conv2d(x, p['conv1']), p['conv1_norm'], s['conv1_norm']).relu()
  x = batch_norm(conv2d(x, p['conv2'], 2), p['conv2_norm'], s['conv2_norm']).relu()
  x = torch_adain(torch_spade(x, coarse, p['spade_1']), audio, p['adain_1'])
  x = functional.pixel_shuffle(x, 2)
  x = torch_adain(torch_spade(x, fine, p['spade_2']), audio, p['adain_2'])
  x = functional.leaky_relu(torch_spade(x, image, p['spade_4']))
  return conv2d(x, p['conv_last']).sigmoid()


def close(ours, theirs, atol=2e-4):
  np.testing.assert_allclose(ours, np.moveaxis(theirs.numpy(), 1, -1), atol=atol)


@pytest.mark.parametrize(('block', 'reference'), [
  (nets.SpadeBlock(6), torch_spade), (nets.AdainBlock(), torch_adain)])
def test_block_parity_with_pytorch(block, reference):
  torch = pytest.importorskip('torch')
  rng = np.random.default_rng(1)
  x = jnp.asarray(rng.normal(size=(B, 1, 6, 6, 4)), jnp.float32)
  shape = (B, 6, 6, 5) if reference is torch_spade else (B, 7)
  condition = jnp.asarray(rng.normal(size=shape), jnp.float32)
  variables = random_variables(block, x, condition)
  ours = jax.jit(block.apply)(variables, x, condition)[:, 0]
  given = nchw(condition) if condition.ndim == 4 else torch.tensor(np.asarray(condition))
  close(ours, reference(nchw(x[:, 0]), given, variables['params']))


def test_renderer_parity_with_pytorch(tiny, run, batch):
  """Flow module, mixing, generator: the whole network with stored statistics."""
  torch = pytest.importorskip('torch')
  _, variables = tiny
  masked, sketches, reference, ref_sketches, mel = batch
  image, warped = run(*batch)
  encoder = nets.MelEncoder(TINY['audio_dim'], TINY['audio_width'], jax.nn.relu)
  audio = jax.jit(lambda v, mel: encoder.apply(v, mel, train=False))(
    {k: variables[k]['translation']['audio_encoder'] for k in ('params', 'batch_stats')}, mel)
  # IP-LAP stacks five pictures of three equal channels.
  stacked = torch.cat(
    [torch.tensor(np.asarray(sketches[:, t, None])).expand(-1, 3, -1, -1) for t in range(T)], 1)
  theirs = torch_flow_module(reference, ref_sketches, stacked, variables)
  close(warped, theirs[2])
  assert np.abs(warped - reference.mean(1)).max() > 0.05  # the flow moves something
  close(image, torch_generator(
    nchw(masked), stacked, theirs, torch.tensor(np.asarray(audio)), variables))


def test_skip_starts_with_what_is_known(batch):
  net = nets.Renderer(**TINY, skip=True)
  masked = batch[0].at[:, SIZE // 2:].set(0.0)

  @jax.jit
  def first():
    return net.init_with_output(jax.random.key(0), masked, *batch[1:], train=False)
  (image, warped), variables = first()
  np.testing.assert_array_equal(image[:, :SIZE // 2], masked[:, :SIZE // 2])
  np.testing.assert_array_equal(image[:, SIZE // 2:], warped[:, SIZE // 2:])
  last = variables['params']['translation']['conv_last']['kernel']
  assert last.shape[-1] == 3 and not last.any(), 'the same layer, with another start'
