"""Tracks that move a synthetic face at 25 fps: action units, visemes, blinks, head pose, gaze.

Head and brows go with the speech: a nod and a raise of the brows on stressed vowels, and another
way to hold the head after every phrase, as much of all as the speaker and the emotion give.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float

from cemnet_jax.preprocess.synthetic.action_units import AU_INDEX, INTENSITY_GAIN, expression
from cemnet_jax.preprocess.synthetic.identity import MOTION_STREAM, Identity, stream
from cemnet_jax.preprocess.synthetic.phones import (
  SILENCE,
  VISEME_CHANNELS,
  VISEMES,
  split_stress,
)
from cemnet_jax.topology import EMOTIONS, FPS

GRID = 100  # visemes are laid out and smoothed at this rate, Hz
ANTICIPATION = .05  # seconds by which the mouth leads the sound; .04 to .16 in recorded speech
_CLOSE = VISEME_CHANNELS.index('close')
# At full intensity: how far the mouth opens in speech, how the head is held (radians, + up), and
# how much head and brows go with the speech.
_ARTICULATION = dict(angry=1.15, happy=1.10, surprised=1.15, sad=.80, contempt=.85, disgusted=.90,
                     fear=.95, neutral=1.0)
_HEAD_PITCH = dict(sad=-.10, contempt=.08, surprised=.05, angry=-.04)
_BEAT_GAIN = dict(angry=1.4, happy=1.2, sad=.6)
_ATTACK = .4  # seconds in which an expression grows from 3/4 to all of it
NOD = -.05  # radians of pitch on a stressed vowel, at gain 1
NOD_DELAY = .04  # seconds
BROW_RAISE = .15  # of AU1 and AU2 on a stressed vowel, at gain 1
_BEAT_WINDOW = .12  # seconds over which stress is smoothed
_SETTLE_START, _SETTLE_END = -.05, .35  # seconds after a phrase between which the head moves
_SETTLE_SD = np.array([.035, .03, .02, .015, .015, 0])  # of how far it moves, at gain 1
# Standard deviation of how the head is turned in a clip: mostly to the camera, at times aside.
_TURN, _TURN_ASIDE, _ASIDE_SHARE, _MOST_TURNED = .05, .16, .3, .32
_TILT, _MOST_TILTED = .065, .15


@dataclass(frozen=True)
class Motion:
  """Tracks of one clip; pose is yaw, pitch, roll (rad), x, y shift (head units), scale."""

  au: Float[np.ndarray, 'T 20']
  viseme: Float[np.ndarray, 'T 8']
  blink: Float[np.ndarray, ' T']  # 0 open to 1 closed
  pose: Float[np.ndarray, 'T 6']
  gaze: Float[np.ndarray, 'T 2']  # iris shift, -1 to 1
  beat: Float[np.ndarray, ' T']  # how far stress raises the brows, in AU1 and AU2

  def units(self) -> Float[np.ndarray, 'T 20']:
    """Action units of emotion and speech together."""
    units = self.au.copy()
    units[:, [AU_INDEX['AU1'], AU_INDEX['AU2']]] += self.beat[:, None]
    return np.clip(units, 0, 1.6)

  def without_emotion(self) -> Motion:
    """The counterfactual: same speech, head, beats and blinks with every action unit at zero."""
    return replace(self, au=np.zeros_like(self.au))

  def take(self, frames) -> Motion:
    """The tracks at `frames`, a slice or indices."""
    return Motion(*(getattr(self, field.name)[frames] for field in fields(self)))


def still_motion(au: Float[np.ndarray, 'T 20'], viseme: Float[np.ndarray, 'T 8']) -> Motion:
  """Given expression and mouth with a still, frontal head: for pictures and tests."""
  num_frames = len(au)
  pose = np.zeros((num_frames, 6))
  pose[:, 5] = 1
  return Motion(np.asarray(au, float), np.asarray(viseme, float), np.zeros(num_frames), pose,
                np.zeros((num_frames, 2)), np.zeros(num_frames))


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


def stress_track(phones, num_frames: int, delay: float = 0.) -> Float[np.ndarray, ' T']:
  """1 in the midst of stressed vowels, 0 away from them, smoothed and `delay` seconds late."""
  steps, reach = GRID // FPS, int(_BEAT_WINDOW * GRID / 2)
  time = np.arange(-reach, num_frames * steps + reach) / GRID - delay
  stressed = np.zeros(len(time))
  for phone, start, end in phones:
    if split_stress(phone)[1]:
      stressed[(time >= start) & (time < end)] = 1
  window = np.hanning(2 * reach + 3)[1:-1]
  smooth = np.convolve(stressed, window / window.sum(), 'valid')
  return smooth[steps // 2::steps][:num_frames]  # the middle of each frame


def _settling(random: np.random.Generator, phones, num_frames: int) -> Float[np.ndarray, 'T 6']:
  """Pose that changes once after each phrase."""
  time, pose = (np.arange(num_frames) + .5) / FPS, np.zeros((num_frames, 6))
  for (phone, _, end), (following, _, _) in zip(phones[:-1], phones[1:]):
    if following == SILENCE != phone:
      moved = np.clip((time - end - _SETTLE_START) / (_SETTLE_END - _SETTLE_START), 0, 1)
      way = _SETTLE_SD * np.clip(random.normal(0, 1, 6), -2, 2)
      pose += .5 * (1 - np.cos(np.pi * moved))[:, None] * way
  return pose


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
    phones: (ARPAbet phone, start s, end s) in order; '_' is silence, a vowel that ends in '1' is
      stressed: head and brows go with it.
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
  aside = _TURN_ASIDE if random.uniform() < _ASIDE_SHARE else _TURN
  turn = np.clip(random.normal(0, aside), -_MOST_TURNED, _MOST_TURNED)
  tilt = tilt + np.clip(random.normal(-.03, _TILT), -_MOST_TILTED, _MOST_TILTED)
  pose = np.stack([wander(15, .055) + turn, wander(12, .03) + tilt, wander(15, .03),
                   wander(15, .025), wander(12, .025), 1 + wander(20, .010)], 1)
  gaze = np.stack([wander(10, .25), wander(10, .12)], 1)
  gain = identity.habits.beat * (1 + (_BEAT_GAIN.get(emotion, 1.) - 1) * level)
  pose[:, 1] += NOD * gain * stress_track(phones, num_frames, NOD_DELAY)
  pose += gain * _settling(random, phones, num_frames)
  beat = BROW_RAISE * gain * stress_track(phones, num_frames)
  return Motion(au, viseme, blink, pose, gaze, beat)
