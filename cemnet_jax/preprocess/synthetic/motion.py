"""Tracks that move a synthetic face at 25 fps: action units, visemes, blinks, head pose, gaze."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.action_units import INTENSITY_GAIN, expression
from cemnet_jax.preprocess.synthetic.identity import MOTION_STREAM, Identity, stream
from cemnet_jax.preprocess.synthetic.phones import (
  SILENCE,
  VISEME_CHANNELS,
  VISEMES,
  split_stress,
)
from cemnet_jax.topology import EMOTIONS, FPS

GRID = 100  # visemes are laid out and smoothed at this rate, Hz
ANTICIPATION = .02  # seconds by which the mouth leads the sound
_CLOSE = VISEME_CHANNELS.index('close')
# At full intensity: how far the mouth opens in speech, and how the head is held (radians, + down).
_ARTICULATION = dict(angry=1.15, happy=1.10, surprised=1.15, sad=.80, contempt=.85, disgusted=.90,
                     fear=.95, neutral=1.0)
_HEAD_PITCH = dict(sad=.10, contempt=-.08, surprised=-.05, angry=.04)
_ATTACK = .4  # seconds in which an expression grows from 3/4 to all of it


@dataclass(frozen=True)
class Motion:
  """Tracks of one clip; pose is yaw, pitch, roll (rad), x, y shift (head units), scale."""

  au: Float[np.ndarray, 'T 20']
  viseme: Float[np.ndarray, 'T 8']
  blink: Float[np.ndarray, 'T']  # 0 open to 1 closed
  pose: Float[np.ndarray, 'T 6']
  gaze: Float[np.ndarray, 'T 2']  # iris shift, -1 to 1

  def without_emotion(self) -> Motion:
    """The counterfactual: same speech, head and blinks with every action unit at zero."""
    return replace(self, au=np.zeros_like(self.au))


def still_motion(au: Float[np.ndarray, 'T 20'], viseme: Float[np.ndarray, 'T 8']) -> Motion:
  """Given expression and mouth with a still, frontal head: for pictures and tests."""
  num_frames = len(au)
  pose = np.zeros((num_frames, 6))
  pose[:, 5] = 1
  return Motion(np.asarray(au, float), np.asarray(viseme, float), np.zeros(num_frames), pose,
                np.zeros((num_frames, 2)))


def _viseme_track(phones, num_frames: int) -> Float[np.ndarray, 'T 8']:
  """Phone targets on a 100 Hz grid, smoothed over 90 ms, with lip closures kept complete."""
  steps = GRID // FPS
  time = np.arange(num_frames * steps + 2 * steps) / GRID + ANTICIPATION
  target = np.tile(np.array(VISEMES[SILENCE], float), (len(time), 1))
  for phone, start, end in phones:
    target[(time >= start) & (time < end)] = VISEMES[split_stress(phone)[0]]
  window = np.hanning(11)[1:-1]
  window /= window.sum()
  padded = np.pad(target, ((4, 4), (0, 0)), mode='edge')
  smooth = np.stack([np.convolve(padded[:, i], window, 'valid') for i in range(8)], 1)
  shut = np.maximum(smooth[:, _CLOSE], np.where(target[:, _CLOSE] > .9, .9, 0))
  smooth[:, _CLOSE] = shut
  smooth[:, 0] *= 1 - .5 * shut
  return smooth[steps // 2::steps][:num_frames]  # the middle of each frame


def _wander(random: np.random.Generator, num_frames: int, reach: int) -> np.ndarray:
  """Unit-variance noise smoothed over 2 * reach + 1 frames."""
  window = np.hanning(2 * reach + 1)
  noise = random.normal(0, 1, num_frames + 2 * reach)
  return np.convolve(noise, window / np.sqrt((window ** 2).sum()), 'valid')


def _blinks(random: np.random.Generator, num_frames: int, emotion: str) -> np.ndarray:
  time, blink = np.arange(num_frames) / FPS, np.zeros(num_frames)
  pace = .7 if emotion in ('fear', 'angry') else 1.0
  at = random.uniform(.3, 2.)
  while at < num_frames / FPS:
    blink = np.maximum(blink, np.exp(-((time - at) / .06) ** 2))
    at += random.uniform(1.5, 4) * pace
  return blink


def motion_tracks(phones: list[tuple[str, float, float]], num_frames: int, emotion: str,
                  intensity: int, identity: Identity, seed_ids: tuple[int, ...]) -> Motion:
  """Tracks of a clip in which `identity` says `phones` with `emotion` at `intensity` 1-3.

  Args:
    phones: (ARPAbet phone, start s, end s) in order; '_' is silence, a stress digit is ignored.
    num_frames: T, at 25 fps.
    seed_ids: non-negative numbers that name the take; with speaker, emotion and intensity they
      choose head motion, blinks, gaze and the wavering of the expression.
  """
  random = stream(MOTION_STREAM, identity.speaker, EMOTIONS.index(emotion), intensity, *seed_ids)
  level = INTENSITY_GAIN[intensity]
  viseme = _viseme_track(phones, num_frames)
  viseme[:, :2] *= 1 + (_ARTICULATION[emotion] - 1) * level

  def wander(reach, scale=1.):
    return np.clip(_wander(random, num_frames, reach), -2.5, 2.5) * scale

  attack = np.minimum(1, .75 + .25 * np.arange(num_frames) / FPS / _ATTACK)[:, None]
  shown = expression(identity, emotion, intensity)
  au = shown * attack * (1 + wander(12, .10)[:, None])
  au = np.clip(au + wander(8, .02)[:, None] * (shown > .02), 0, 1.6)
  blink = _blinks(random, num_frames, emotion)
  tilt = _HEAD_PITCH.get(emotion, 0.) * level
  turn = np.clip(random.normal(0, .03), -.06, .06)
  pose = np.stack([wander(15, .055) + turn, wander(12, .03) + tilt, wander(15, .03),
                   wander(15, .025), wander(12, .025), 1 + wander(20, .010)], 1)
  gaze = np.stack([wander(10, .25), wander(10, .12)], 1)
  return Motion(au, viseme, blink, pose, gaze)
