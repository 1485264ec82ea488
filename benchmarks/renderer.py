"""Time of one renderer training step (generator and discriminator, Adam) and of one frame.

  python -m benchmarks.renderer --size 64 --batch 4 --references 2 --width 16 --wide 64 --hidden 32

Weights and pictures are random: the numbers are times, parameter counts and XLA's count of
operations, never quality.
"""

import argparse
import time

import jax
import optax

from cemnet_jax.losses import images as losses
from cemnet_jax.nets.discriminator import MultiScaleDiscriminator
from cemnet_jax.nets.renderer import Renderer
from cemnet_jax.nets.vgg import VGG19Features


def parse_args() -> argparse.Namespace:
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument('--size', type=int, default=64, help='pixels of the square pictures')
  parser.add_argument('--batch', type=int, default=4)
  parser.add_argument('--references', type=int, default=2)
  parser.add_argument('--width', type=int, default=32)
  parser.add_argument('--wide', type=int, default=256)
  parser.add_argument('--hidden', type=int, default=256)
  parser.add_argument('--kernel', type=int, default=7)
  parser.add_argument('--audio-dim', type=int, default=512)
  parser.add_argument('--audio-width', type=float, default=1.0)
  parser.add_argument('--no-audio', action='store_true')
  parser.add_argument('--discriminator-width', type=int, default=64)
  parser.add_argument('--vgg', action='store_true', help='perceptual loss through VGG19')
  parser.add_argument('--steps', type=int, default=5)
  return parser.parse_args()


def median_ms(function, repeats: int) -> float:
  """Median wall time of `function()` in milliseconds, until its result is ready."""
  times = []
  for _ in range(repeats):
    start = time.perf_counter()
    jax.block_until_ready(function())
    times.append(time.perf_counter() - start)
  return sorted(times)[len(times) // 2] * 1e3


def random_batch(args: argparse.Namespace) -> tuple[jax.Array, ...]:
  """masked, sketches, reference, ref_sketches, mel of the shapes asked for."""
  b, n, s = args.batch, args.references, args.size
  shapes = ((b, s, s, 3), (b, 5, s, s), (b, n, s, s, 3), (b, n, s, s), (b, 80, 16))
  keys = jax.random.split(jax.random.key(0), len(shapes))
  return tuple(jax.random.uniform(k, shape) for k, shape in zip(keys, shapes, strict=True))


def make_step(renderer: Renderer, critic: MultiScaleDiscriminator, maps_fn):
  """One update of both networks, as the renderer stage does it after its warm-up."""
  opt = optax.adam(1e-4)

  def generator_loss(params, critic_params, stats, batch, target):
    variables = {'params': params, 'batch_stats': stats}
    (image, warped), updates = renderer.apply(
      variables, *batch, train=True, mutable=['batch_stats'])
    fake = critic.apply({'params': critic_params}, image)
    real = critic.apply({'params': critic_params}, target)
    loss = (losses.WARP_WEIGHT * losses.perceptual(maps_fn, warped, target)
            + losses.PERCEPTUAL_WEIGHT * losses.perceptual(
              maps_fn, image, target, losses.STYLE_WEIGHT)
            + losses.GAN_WEIGHT * losses.lsgan_generator(fake)
            + losses.FEATURE_MATCHING_WEIGHT * losses.feature_matching(real, fake))
    return loss, (image, updates['batch_stats'])

  def critic_loss(params, target, image):
    return losses.lsgan_discriminator(
      critic.apply({'params': params}, target), critic.apply({'params': params}, image))

  @jax.jit
  def step(state, batch, target):
    params, critic_params, stats, opt_g, opt_d = state
    grads, (image, stats) = jax.grad(generator_loss, has_aux=True)(
      params, critic_params, stats, batch, target)
    image = jax.lax.stop_gradient(image)
    critic_grads = jax.grad(critic_loss)(critic_params, target, image)
    updates, opt_g = opt.update(grads, opt_g)
    critic_updates, opt_d = opt.update(critic_grads, opt_d)
    return (optax.apply_updates(params, updates),
            optax.apply_updates(critic_params, critic_updates), stats, opt_g, opt_d)

  return opt, step


def count(tree) -> int:
  return sum(x.size for x in jax.tree.leaves(tree))


def main() -> None:
  args = parse_args()
  batch = random_batch(args)
  target = batch[0]
  renderer = Renderer(
    args.width, args.wide, args.hidden, args.kernel, not args.no_audio, args.audio_dim,
    args.audio_width)
  critic = MultiScaleDiscriminator(width=args.discriminator_width)
  key = jax.random.key(0)
  variables = jax.jit(lambda: renderer.init(key, *batch, train=True))()
  critic_params = jax.jit(lambda: critic.init(key, target))()['params']
  vgg = VGG19Features()
  vgg_params = jax.jit(lambda: vgg.init(key, target))() if args.vgg else None
  maps_fn = (lambda x: vgg.apply(vgg_params, x)) if args.vgg else (lambda x: [x])

  opt, step = make_step(renderer, critic, maps_fn)
  params, stats = variables['params'], variables['batch_stats']
  state = (params, critic_params, stats, opt.init(params), opt.init(critic_params))
  start = time.perf_counter()
  compiled = step.lower(state, batch, target).compile()
  compile_s = time.perf_counter() - start
  compiled(state, batch, target)
  step_ms = median_ms(lambda: compiled(state, batch, target), args.steps)

  masked, sketches, reference, ref_sketches, mel = batch
  references = renderer.apply(
    variables, reference[:1], ref_sketches[:1], method='encode_references')
  frame = jax.jit(lambda: renderer.apply(
    variables, masked, sketches, references, mel, method='render')[0])
  jax.block_until_ready(frame())
  frame_ms = median_ms(frame, args.steps) / args.batch

  print(f'parameters: renderer {count(params):,}, discriminator {count(critic_params):,}')
  print(f'training step: {step_ms:.0f} ms, {compiled.cost_analysis()["flops"] / 1e9:.1f} GFLOP, '
        f'compiled in {compile_s:.1f} s; generation: {frame_ms:.1f} ms a frame')


if __name__ == '__main__':
  main()
