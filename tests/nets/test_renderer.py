"""The renderer: the paper's size, references encoded once, gradients, its variants."""

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


def test_with_skip_the_painted_face_does_not_bend_the_flow(batch):
  net = nets.Renderer(**TINY, skip=True)
  variables = random_variables(net, *batch, train=False)
  variables['params']['translation']['conv_last']['kernel'] *= 0  # of the change: as at the start

  @jax.jit
  def gradient(which):
    def loss(params):
      pictures = net.apply({**variables, 'params': params}, *batch, train=False)
      return jnp.square(jnp.stack(pictures)[which] - batch[0]).mean()
    return jax.grad(loss)(variables['params'])['flow_module']['flow']['kernel']

  assert not gradient(0).any() and gradient(1).any()


def test_a_correspondence_takes_the_place_of_the_flow(tiny, batch):
  """Places are taken from where they are seen; still and seen is a flow of zero."""
  variables = jax.tree.map(lambda x: x, tiny[1])
  net = nets.Renderer(**TINY, quirk=False)
  run = jax.jit(lambda variables, known: net.apply(variables, *batch, known, train=False))
  still = jnp.zeros((B, N, SIZE, SIZE, 3)).at[..., 2].set(1)
  flow, part = run(variables, still), variables['params']['flow_module']
  part['flow'] = jax.tree.map(jnp.zeros_like, part['flow'])
  for a, b in zip(run(variables, None), flow, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-5)
  part['weight_2'] = jax.tree.map(jnp.zeros_like, part['weight_2'])  # all references alike
  warped = lambda known: run(variables, known)[1]
  pixels = 2
  shifted = warped(still.at[..., 0].set(pixels / SIZE))
  np.testing.assert_allclose(shifted[:, :, :-pixels], warped(still)[:, :, pixels:], atol=1e-5)
  place = 6, 4
  hidden = warped(still.at[:, :, *place, 2].set(0))
  assert not hidden[:, *place].any() and hidden[:, 6, 5].any()
  of_first = warped(still.at[:, 1:, *place, 2].set(0))[:, *place]
  np.testing.assert_allclose(of_first, batch[2][:, 0, *place], atol=1e-4)


def test_a_single_reference_is_not_weighed(tiny, batch):
  """It is drawn as two equal ones are, and none of the layers that make weights is run."""
  net, variables = nets.Renderer(**TINY, quirk=False), jax.tree.map(lambda x: x, tiny[1])
  flow = variables['params']['flow_module']
  flow['weight_2'] = jax.tree.map(jnp.zeros_like, flow['weight_2'])  # weights are far from none
  rng = np.random.default_rng(0)
  known = jnp.asarray(rng.uniform(0, .1, (B, 1, SIZE, SIZE, 3)), jnp.float32).at[..., 2].set(1)

  def run(n, variables):
    twice = lambda x: jnp.repeat(x[:, :1], n, axis=1)
    return net.apply(variables, *batch[:2], *map(twice, batch[2:4]), batch[4], twice(known),
                     train=False)
  one, two = run(1, variables), run(2, variables)
  for a, b in zip(one, two, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-4)
  without = {**variables, 'params': {**variables['params'], 'flow_module': {
    k: v for k, v in flow.items() if k in ('conv1', 'conv2', 'conv1_norm', 'conv2_norm')}}}
  for a, b in zip(run(1, without), one, strict=True):
    np.testing.assert_array_equal(a, b)


def test_an_occlusion_map_takes_away_what_is_known(batch):
  plain, net = (nets.Renderer(**TINY, skip=True, occlusion=on) for on in (False, True))
  variables = random_variables(net, *batch, train=False)
  paint = variables['params']['translation']
  paint['occlusion'] = {'kernel': 0 * paint['occlusion']['kernel'], 'bias': jnp.full(1, 5.0)}
  run = jax.jit(lambda net: net.apply(variables, *batch, train=False), static_argnums=0)
  image, warped = run(net)
  known = jnp.where(jnp.arange(SIZE)[:, None, None] < SIZE // 2, batch[0], warped)
  kept = jax.nn.sigmoid(-3.0)  # 5, less what it starts with
  np.testing.assert_allclose(image, run(plain)[0] - (1 - kept) * known, atol=1e-5)


def test_the_head_sees_the_sketches_itself(batch):
  masked, sketches, _, _, mel = batch
  rng = np.random.default_rng(1)
  fine, coarse, images = (jnp.asarray(rng.uniform(size=(B, 1, s, s, c)), jnp.float32)
                          for s, c in ((SIZE, 4), (SIZE // 2, 16), (SIZE, 3)))
  warped, stacked = nets.References(images, fine, coarse), jnp.moveaxis(sketches, 1, -1)
  for head in (0, 4):
    net = nets.Generator(**TINY, skip=True, head=head)
    variables = random_variables(net, masked, stacked, warped, mel, train=False)
    # Nothing comes through the blocks.
    last = variables['params']['spade_4']
    variables['params']['spade_4'] = jax.tree.map(jnp.zeros_like, last)
    run = jax.jit(lambda x, net=net, v=variables: net.apply(v, masked, x, warped, mel, train=False))
    assert bool(jnp.any(run(stacked) != run(1 - stacked))) == bool(head)


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
