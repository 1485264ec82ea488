"""A system of untrained debug-width nets on disk, and a drawn face with known landmarks."""

import importlib
from functools import partial

import cv2
import jax
import numpy as np

from benchmarks.speed.inputs import drawn
from cemnet_jax import topology
from cemnet_jax.stages import build
from cemnet_jax.train import ckpt
from cemnet_jax.train.state import TrainState

DIM = 16  # of the debug audio encoder


def save_system(folder):
  """Writes the stages that inference reads, with random weights."""
  cfg = {name: importlib.import_module(f'configs.{name}').get_config('debug')
         for name in ('audio2mouth', 'aee', 'image_emotion', 'identity', 'ebm', 'renderer')}
  size = cfg['renderer'].data.image_size
  zeros = lambda *shape: np.zeros(shape, np.float32)
  images = zeros(1, size, size, 3)
  nets = {
    'audio2mouth': ('a2m', build.audio2mouth, (
      zeros(1, 5, 80, 16), zeros(1, 5, 74, 2), zeros(1, 5, 131, 2))),
    'aee': ('emotion', build.audio_encoder, (zeros(1, 28, 12),)),
    'image_emotion': ('image_emotion', build.image_emotion, (images,)),
    'identity': ('identity', build.identity, (images,)),
    'renderer': ('generator', build.renderer, (
      images, zeros(1, 5, size, size), zeros(1, 2, size, size, 3), zeros(1, 2, size, size),
      zeros(1, 80, 16)))}
  for stage, (name, make, args) in nets.items():
    save_stage(folder, cfg[stage], name, make(cfg[stage].model), args, _extra(stage))
  picture = build.image_emotion(cfg['image_emotion'].model)
  (feature, _), _ = jax.eval_shape(
    partial(picture.init_with_output, train=False), jax.random.key(0), images)
  inputs = (zeros(1, 5, 114), zeros(1, DIM), zeros(*feature.shape),
            zeros(1, cfg['identity'].model.dim))
  save_stage(folder, cfg['ebm'], 'memory', build.memory(cfg['ebm'].model), inputs, _extra('ebm'))
  return folder


def _extra(stage):
  if stage == 'audio2mouth':
    face, _ = drawn_face(64)
    return {'landmarks': {'mean': aligned_mean(face), 'std': np.full((131, 2), 0.05, np.float32)}}
  if stage == 'ebm':
    rng = np.random.default_rng(0)
    return {'prototypes': {'sum': rng.normal(size=(8, DIM)).astype(np.float32) * 4,
                           'count': np.float32([4, 4, 4, 4, 4, 4, 4, 0])}}
  return {}


def save_stage(folder, cfg, name, net, args, extra):
  """Writes one stage: net `name` with random weights for inputs `args`, `extra` among its stats;
  without a name the parts of `net` are the stage's nets."""
  shapes = jax.eval_shape(partial(net.init, train=False), jax.random.key(0), *args)
  variables = drawn(shapes, len(name or ''))
  params, stats = variables['params'], variables.get('batch_stats', {})
  if name:
    params, stats = {name: params}, {name: stats}
  state = jax.tree.map(jax.numpy.asarray, TrainState(
    step=np.int32(1), params=params, opt={}, stats={**stats, **extra}, ema={}))
  workdir = folder / cfg.stage
  workdir.mkdir(parents=True)
  ckpt.write_json(workdir / ckpt.CONFIG, cfg.to_dict())
  with ckpt.Checkpoints(workdir) as checkpoints:
    checkpoints.save(state, 1, score=None, metadata={})
    checkpoints.wait()


def aligned_mean(face):
  """Mean landmarks in the stable frame of nets.landmark_frame."""
  from cemnet_jax.preprocess.stable_frame import align
  return align(np.asarray(face, np.float64)[None])[0].astype(np.float32)


def drawn_face(size=96, shift=0.0):
  """A cartoon face: (131, 2) landmarks in px and the (size, size, 3) picture."""
  points = np.zeros((131, 2))
  angle = np.linspace(np.pi * 1.02, -0.02 * np.pi, 25)
  points[topology.OVAL] = np.stack([np.cos(angle) * 0.26, np.sin(angle) * 0.36 - 0.02], 1)
  for index, x, y, w, h in (
      (topology.RIGHT_BROW, -.12, -.12, .08, .01), (topology.LEFT_BROW, .12, -.12, .08, .01),
      (topology.RIGHT_EYE, -.12, -.05, .06, .02), (topology.LEFT_EYE, .12, -.05, .06, .02),
      (topology.OUTER_LIP, 0, .2, .11, .05), (topology.INNER_LIP, 0, .2, .08, .02)):
    turn = np.linspace(np.pi, -np.pi, len(index), endpoint=False)
    points[index] = np.stack([x + w * np.cos(turn), y - h * np.sin(turn)], 1)
  points[topology.NOSE_BRIDGE] = np.stack([np.zeros(5), np.linspace(-.07, .05, 5)], 1)
  points[topology.NOSE_BOTTOM] = np.stack([np.linspace(-.05, .05, 9), np.full(9, .09)], 1)
  points = (points + [0.5 + shift, 0.5]) * size
  image = np.full((size, size, 3), (90, 120, 150), np.uint8)
  for index, colour in ((topology.OVAL, (215, 170, 140)), (topology.RIGHT_EYE, (250, 250, 250)),
                        (topology.LEFT_EYE, (250, 250, 250)), (topology.OUTER_LIP, (190, 70, 80))):
    cv2.fillPoly(image, [cv2.convexHull(np.rint(points[index] * 16).astype(np.int32))], colour,
                 cv2.LINE_AA, 4)
  return points.astype(np.float32), image
