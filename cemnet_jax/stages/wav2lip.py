"""Stage `wav2lip`: the baseline's generator, taught by pixels and the frozen lip expert.

Without the optional visual-quality discriminator of the paper (Prajwal et al. 2020): the published
net with the best lip-sync is the one without, and it is the one that tables call Wav2Lip.
"""

import jax
import jax.numpy as jnp
from clu.metrics import Average

from cemnet_jax import losses
from cemnet_jax.errors import UserError
from cemnet_jax.nets.pipeline import to_float
from cemnet_jax.stages import build
from cemnet_jax.stages.lip_expert import lower_half
from cemnet_jax.stages.renderer import mask_lower_half, psnr_lower
from cemnet_jax.stages.supervised import apply_train, masked_sum, split, variables
from cemnet_jax.train import state as train_state
from cemnet_jax.train.optim import make_optimizer
from cemnet_jax.train.stage import Stage


def make(cfg) -> Stage:
  """Batches of kind 'talk': five frames at a time, drawn one by one and judged together.

  Raises:
    UserError: the expert was trained on pictures of another size.
  """
  size, known = cfg.data.image_size, cfg.frozen.lip_expert.data.image_size
  if size != known:
    raise UserError(f'data.image_size={size}: the lip expert was trained at {known} px; train both '
                    'at one size')
  generator = build.wav2lip(cfg.model)
  expert = build.lip_expert(cfg.frozen.lip_expert.model)
  tx = {'generator': make_optimizer(cfg.optimizer, cfg.steps)}

  def inputs(batch):
    frames = lambda x: x.reshape(-1, *x.shape[2:])  # B T ... -> B*T ...
    masked = mask_lower_half(to_float(batch['target']))
    return frames(masked), frames(to_float(batch['reference'])), frames(batch['mel'])

  def judge(frozen, images, batch, mask):
    """The expert's loss on pictures (B, T, H, W, 3), as frozen: with its stored statistics.

    The mel window of the centre frame begins with the block and lasts as long.
    """
    mel = batch['mel'][:, batch['mel'].shape[1] // 2]
    pair = expert.apply(variables(frozen['lip_expert'], 'expert'), lower_half(images), mel,
                        train=False)
    return losses.lip_sync(losses.sync_probability(*pair), jnp.ones(len(mel)), mask)

  def init(key, frozen, batch):
    params, stats = split({'generator': generator.init({'params': key}, *inputs(batch),
                                                       train=False)})
    return train_state.create(params, stats, tx)

  def loss(params, stats, frozen, batch, weight):
    images, new = apply_train(generator, params, stats, *inputs(batch))
    target, mask = to_float(batch['target']), batch['mask']
    images = images.reshape(target.shape)
    terms = {'l1': losses.l1(images, target, mask=mask),
             'sync': judge(frozen, images, batch, mask)}
    return (1 - weight) * terms['l1'] + weight * terms['sync'], (new, terms)

  def step(state, frozen, batch, seed):
    del seed  # nothing is drawn
    weight = jnp.where(state.step >= cfg.loss.sync_from, cfg.loss.sync, 0.0)
    (total, (new, terms)), grads = jax.value_and_grad(loss, has_aux=True)(
      state.params['generator'], state.stats['generator'], frozen, batch, weight)
    state = train_state.apply_grads(state, {'generator': grads}, tx, {'generator': new})
    return state, {'loss': total, **terms}

  def evaluate(state, frozen, batch):
    tree = {'params': state.params, 'stats': state.stats}
    images = generator.apply(variables(tree, 'generator'), *inputs(batch), train=False)
    target, mask = to_float(batch['target']), batch['mask']
    images, count = images.reshape(target.shape), mask.sum()
    copied = to_float(batch['reference'])
    quality = lambda x: masked_sum(psnr_lower(x, target).mean(axis=1), mask)
    sync = lambda x: Average(judge(frozen, x, batch, mask) * count, count)
    return {'psnr_lower': quality(images), 'psnr_copied': quality(copied),
            'sync': sync(images), 'sync_real': sync(target)}

  return Stage(init=init, step=step, evaluate=evaluate)
