"""Stage `renderer`: flow and generator against a multi-scale discriminator (Eq. 14-17)."""

import jax
import jax.numpy as jnp

from cemnet_jax import losses
from cemnet_jax.errors import UserError
from cemnet_jax.nets.discriminator import MultiScaleDiscriminator
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.nets.vgg import VGG19Features
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, variables
from cemnet_jax.train import state as train_state
from cemnet_jax.train.optim import make_optimizer
from cemnet_jax.train.stage import Stage

MOUTH_MARGIN = 0.02  # of the crop around the box of the lips: their rim and its shadow
PAINTED = 'perceptual', 'gan', 'feature_matching', 'mouth', 'unseen'  # the generator's terms
VGG19, STAND_IN = 'vgg19', 'image_emotion'  # nets of the perceptual loss


def mask_lower_half(images):
  """Pictures (..., H, W, 3) with rows H/2 and below set to zero: what the generator may see."""
  height = images.shape[-3]
  keep = (jnp.arange(height) < height // 2).astype(images.dtype)
  return images * keep[:, None, None]


def psnr_lower(images, target):
  """PSNR (dB) of the lower halves of pictures (..., H, W, 3) in [0, 1]: an array (...)."""
  half = target.shape[-3] // 2
  error = jnp.square(images - target)[..., half:, :, :].mean(axis=(-3, -2, -1))
  return -10.0 * jnp.log10(error.clip(1e-10))


def lips_box(batch, images):
  """(B, H, W, 1): 1 within the box of the target's lips."""
  return losses.box_around(batch['lips'], *images.shape[1:3], MOUTH_MARGIN)


def psnr_mouth(images, target, box):
  """PSNR (dB) of pictures (B, H, W, 3) within the box (B, H, W, 1): an array (B,)."""
  error = (jnp.square(images - target).mean(-1, keepdims=True) * box).sum((1, 2, 3))
  return -10.0 * jnp.log10((error / box.sum((1, 2, 3)).clip(1.0)).clip(1e-10))


def needs(cfg) -> tuple[str, ...]:
  """Frozen inputs: VGG19's ImageNet weights where they are asked for, else the stand-in.

  Raises:
    UserError: the perceptual loss names another net.
  """
  if cfg.loss.perceptual_net not in (VGG19, STAND_IN):
    raise UserError(f'loss.perceptual_net={cfg.loss.perceptual_net}: choose {VGG19} or {STAND_IN}')
  return (VGG19,) if cfg.loss.perceptual_net == VGG19 else tuple(cfg.needs)


def perceptual_maps(cfg):
  """(frozen, images) -> feature maps for the perceptual loss.

  `vgg19` uses ImageNet weights; `image_emotion` is the stand-in where none are given: the
  picture itself and the maps of the project's own emotion net, which attends to the mouth.
  """
  if cfg.loss.perceptual_net == VGG19:
    vgg = VGG19Features()
    return lambda frozen, images: vgg.apply({'params': frozen[VGG19]}, images)
  net = build.image_emotion(cfg.frozen.image_emotion.model)

  def maps(frozen, images):
    v = variables(frozen['image_emotion'], 'image_emotion')
    return [cfg.loss.pixel_weight * images, *net.apply(v, images, train=False, return_maps=True)[2]]

  return maps


def make(cfg) -> Stage:
  """Batches of kind 'render'. Two nets, two optimizers, one step; G's fake is reused for D."""
  generator = build.renderer(cfg.model)
  discriminator = MultiScaleDiscriminator(width=cfg.model.disc_width)
  maps_fn = perceptual_maps(cfg)
  weights = cfg.loss
  tx = {'generator': make_optimizer(cfg.optimizer, cfg.steps),
        'discriminator': make_optimizer(cfg.disc_optimizer, cfg.steps)}

  def inputs(batch):
    target = to_float(batch['target'])
    args = (mask_lower_half(target), to_float(batch['sketches']), to_float(batch['reference']),
            to_float(batch['ref_sketches']), batch['mel'],
            batch['correspondence'] if cfg.data.landmark_flow else None)
    return args, target

  def init(key, frozen, batch):
    args, target = inputs(batch)
    params, stats = split({
      'generator': generator.init({'params': key}, *args, train=False),
      'discriminator': discriminator.init({'params': key}, target)})
    return train_state.create(params, stats, tx, ('generator',) if cfg.ema else ())

  def generator_loss(params, disc_params, stats, frozen, batch, warm):
    args, target = inputs(batch)
    (image, warped), new = apply_train(generator, params, stats, *args)
    maps = lambda x: maps_fn(frozen, x)
    # No reference shows what is unseen. Asked for it, the flow would look for dark places anywhere.
    unseen = to_float(batch['unseen'])[..., None]
    terms = {
      'warp': losses.perceptual(maps, warped + unseen * (target - warped), target),
      'perceptual': losses.perceptual(maps, image, target, weights.style)}
    fake = discriminator.apply({'params': disc_params}, image)
    real = discriminator.apply({'params': disc_params}, target)
    terms |= {'gan': losses.lsgan_generator(fake),
              'feature_matching': losses.feature_matching(real, fake),
              'mouth': losses.masked_l1(image, target, lips_box(batch, target)),
              'unseen': losses.masked_l1(image, target, unseen)}
    # Spec 7.3: for the first steps only the warp is trained.
    rest = sum(weights[n] * terms[n] for n in PAINTED)
    total = weights.warp * terms['warp'] + jnp.where(warm, 0.0, rest)
    return total, (image, new, terms)

  def discriminator_loss(params, image, target):
    fake = discriminator.apply({'params': params}, image)
    real = discriminator.apply({'params': params}, target)
    return losses.lsgan_discriminator(real, fake)

  def step(state, frozen, batch, seed):
    del seed  # nothing is drawn
    p, s = state.params, state.stats
    warm = state.step < weights.warmup_steps
    (total, (image, new, terms)), g_grads = jax.value_and_grad(generator_loss, has_aux=True)(
      p['generator'], p['discriminator'], s['generator'], frozen, batch, warm)
    d_loss, d_grads = jax.value_and_grad(discriminator_loss)(
      p['discriminator'], jax.lax.stop_gradient(image), to_float(batch['target']))
    grads = {'generator': g_grads, 'discriminator': d_grads}
    metrics = {'loss': total, 'discriminator': d_loss, **terms}
    return train_state.apply_grads(state, grads, tx, {'generator': new}, cfg.ema), metrics

  def evaluate(state, frozen, batch):
    args, target = inputs(batch)
    tree = {'params': {**state.params, **state.ema}, 'stats': state.stats}
    image, warped = generator.apply(variables(tree, 'generator'), *args, train=False)
    box = lips_box(batch, target)
    psnr = lambda x: masked_sum(psnr_lower(x, target), batch['mask'])
    mouth = lambda x: masked_sum(psnr_mouth(x, target, box), batch['mask'])
    return {'psnr_lower': psnr(image), 'psnr_warped': psnr(warped),
            'psnr_mouth': mouth(image), 'psnr_mouth_warped': mouth(warped)}

  return Stage(init=init, step=step, evaluate=evaluate)
