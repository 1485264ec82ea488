"""A stage's training step in PyTorch: our nets, weights, losses, optimizers and batch."""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from cemnet_jax.stages.supervised import variables
from cemnet_jax.weights.mapping import Entry, to_tensors

Tree = Any
Batch = dict[str, torch.Tensor]
# Without a leaf on our side: constants, counters, and biases that a GRU of ours does not have.
OWN = re.compile(r'.*(num_batches_tracked|\.pe|features\.weight|bias_hh_l0(_reverse)?)')


class Part(NamedTuple):
  """A net and which tensor of it is which leaf of ours."""
  module: nn.Module
  entries: list[Entry]

  def load(self, variables: Tree) -> None:
    """Gives it the weights of our net; ValueError where some are missing."""
    tensors = {key: torch.from_numpy(np.array(value))
               for key, value in to_tensors(self.entries, variables).items()}
    missing, unexpected = self.module.load_state_dict(tensors, strict=False)
    wrong = [key for key in (*missing, *unexpected) if not OWN.fullmatch(key)]
    if wrong:
      raise ValueError(f'{type(self.module).__name__}: no weights for {wrong[:3]}')


class Update(NamedTuple):
  """One loss and the nets that learn from it.

  Attributes:
    loss: batch -> (loss, what later updates of the step find in the batch).
    optimizers: {net: its optimizer's config}.
  """
  loss: Callable[[Batch], tuple[torch.Tensor, Batch]]
  optimizers: dict[str, Any]


class Counterpart(NamedTuple):
  """A stage in PyTorch.

  Attributes:
    nets: {net of the stage's state: Part}.
    updates: one after the other; each sees the nets before any of this step's updates.
    frozen: {(stage, net): Part}, not trained; a stage of '' has no weights of ours.
    augment: batch -> batch, by PyTorch's random numbers, where the stage augments its pictures.
    as_ours: (key, batch) -> batch in JAX: what the stage's own step makes of them with that key.
    bgr: whether the nets know pictures as BGR.
    ema: {net: decay of the average of its parameters}.
  """
  nets: dict[str, Part]
  updates: list[Update]
  frozen: dict[tuple[str, str], Part] = {}
  augment: Callable[[Batch], Batch] | None = None
  as_ours: Callable[[Any, dict], dict] | None = None
  bgr: bool = False
  ema: dict[str, float] = {}


def supervised(cfg, nets: dict[str, Part], loss: Callable[[Batch], torch.Tensor],
               optimizers: Mapping[str, Any] | None = None, **rest) -> Counterpart:
  """The counterpart of `cemnet_jax.stages.supervised`: all nets learn from one loss."""
  own = dict.fromkeys(nets, cfg.optimizer) | dict(optimizers or {})
  return Counterpart(nets, [Update(lambda batch: (loss(batch), {}), own)], **rest)


def load(side: Counterpart, state, frozen: Mapping[str, Tree], device: str) -> None:
  """Gives all nets our weights, on `device`; frozen ones go into evaluation mode."""
  trained = {'params': state.params, 'stats': state.stats}
  for name, part in side.nets.items():
    part.load(variables(trained, name))
    part.module.to(device).train()
  for (stage, name), part in side.frozen.items():
    if stage:
      part.load(variables(frozen[stage], name))
    part.module.to(device).eval().requires_grad_(False)


def to_torch(batch: Mapping[str, np.ndarray], side: Counterpart, device: str) -> Batch:
  """Arrays as PyTorch's loaders give them: pictures (..., 3, H, W), labels as 64-bit integers."""
  tensors = {}
  for name, value in batch.items():
    x = torch.from_numpy(np.array(value))
    if x.ndim >= 4 and x.shape[-1] == 3:
      x = (x.flip(-1) if side.bgr else x).movedim(-1, -3)
    tensors[name] = (x.long() if x.dtype == torch.int32 else x).contiguous().to(device)
  return tensors


def make_step(side: Counterpart, compiled: bool = False) -> Callable[[Batch], torch.Tensor]:
  """batch -> loss of the first update; changes the weights, as a step of ours does.

  Args:
    compiled: augmentation and losses, so forward and backward, through torch.compile.
  """
  wrap = torch.compile if compiled else (lambda function: function)
  augment = side.augment and wrap(side.augment)
  learning = {net: [p for p in part.module.parameters() if p.requires_grad]
              for net, part in side.nets.items()}
  updates = [(wrap(update.loss), update.optimizers, _adam(update.optimizers, learning))
             for update in side.updates]
  averages = {net: AveragedModel(side.nets[net].module, multi_avg_fn=get_ema_multi_avg_fn(decay))
              for net, decay in side.ema.items()}

  def step(batch: Batch) -> torch.Tensor:
    batch = augment(batch) if augment else batch
    first = None
    for loss, configs, optimizer in updates:
      for net, parameters in learning.items():
        for parameter in parameters:
          parameter.requires_grad = net in configs
      total, made = loss(batch)
      optimizer.zero_grad()
      total.backward()
      for net, config in configs.items():
        if config.clip:
          nn.utils.clip_grad_norm_(learning[net], config.clip)
      optimizer.step()
      batch = batch | made
      first = total.detach() if first is None else first
    for net, average in averages.items():
      average.update_parameters(side.nets[net].module)
    return first

  return step


def _adam(configs: dict[str, Any], learning: dict[str, list]) -> torch.optim.Optimizer:
  """Adam for all nets, each at its own rate; without weight decay AdamW is Adam."""
  groups = [{'params': learning[net], 'lr': config.lr, 'betas': (config.b1, config.b2),
             'weight_decay': config.weight_decay} for net, config in configs.items()]
  return torch.optim.AdamW(groups, fused=True)


def without_dropout(side: Counterpart) -> None:
  """Turns it off in all nets, for comparison."""
  for part in side.nets.values():
    for module in part.module.modules():
      if isinstance(module, nn.Dropout):
        module.p = 0.0
      elif isinstance(module, nn.MultiheadAttention):
        module.dropout = 0.0
