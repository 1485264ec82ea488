"""One clip of a synthetic world, whole: speech, face, crop and labels as a record."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16, UInt8

from cemnet_jax.preprocess.crop import crop_frame, encode_jpeg, stable_boxes, to_crop
from cemnet_jax.preprocess.parallel import ordered_map
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import Motion, motion_tracks
from cemnet_jax.preprocess.synthetic.render import LANDMARK_STEP, FaceRenderer
from cemnet_jax.preprocess.synthetic.speech import speak
from cemnet_jax.preprocess.synthetic.voices import Voice, make_voice
from cemnet_jax.preprocess.synthetic.world import ClipKey, World
from cemnet_jax.topology import EMOTIONS, FPS, SAMPLES_PER_FRAME

CLIPS_PER_TASK = 16


class Performance(NamedTuple):
  """What a speaker says and does in a clip of T frames."""
  pcm: Int16[np.ndarray, ' S']
  motion: Motion
  take: tuple[int, ...]  # names it within speaker, emotion and intensity


def perform(world: World, key: ClipKey) -> Performance:
  """Speech and motion of clip `key`."""
  _, phones = world.words(key)
  take = (*key.sentence.encode(), key.take)
  speech = speak(_voice(key.speaker), phones, key.emotion, key.intensity, take)
  num_frames = len(speech.pcm) // SAMPLES_PER_FRAME
  # The timeline is silence, what was asked for with its stress, silence.
  said = [(token, start, end)
          for token, (_, start, end) in zip(phones, speech.phones[1:-1], strict=True)]
  motion = motion_tracks([speech.phones[0], *said, speech.phones[-1]], num_frames, key.emotion,
                         key.intensity, make_identity(key.speaker), take)
  return Performance(speech.pcm[:num_frames * SAMPLES_PER_FRAME], motion, take)


def film(renderer: FaceRenderer, key: ClipKey, performance: Performance
         ) -> tuple[UInt8[np.ndarray, 'T S S 3'], Float[np.ndarray, 'T 131 2']]:
  """Pictures of clip `key` as the speaker's camera stores them, and their landmarks in px."""
  frames, landmarks = renderer.frames(performance.motion)
  take = (EMOTIONS.index(key.emotion), key.intensity, *performance.take)
  return renderer.identity.camera.expose(frames, take), landmarks


def make_clip(world: World, key: ClipKey) -> dict:
  """The record of clip `key` (fields: `tfds_builders.clip_schema`), a function of its arguments."""
  renderer = _renderer(key.speaker, world.scene, world.supersample)
  performance = perform(world, key)
  pcm = performance.pcm
  frames, landmarks = film(renderer, key, performance)
  neutral = renderer.landmarks_px(performance.motion.without_emotion())
  boxes = stable_boxes(landmarks)
  return {
    'id': f'{key.speaker:04d}_{key.emotion}_{key.intensity}_{key.sentence}_{key.take}',
    'speaker': f'{key.speaker:04d}',
    'speaker_index': world.speaker_indices()[key.speaker],
    'emotion': key.emotion,
    'intensity': key.intensity,
    'sentence': key.sentence,
    'transcript': world.words(key)[0],
    'fps': float(FPS),
    'frames': [encode_jpeg(crop_frame(frame, box, world.crop), world.jpeg_quality)
               for frame, box in zip(frames, boxes, strict=True)],
    'landmarks': to_crop(landmarks, boxes).astype(np.float16),
    'neutral_landmarks': to_crop(neutral, boxes).astype(np.float16),
    'crop_box': boxes,
    'audio': pcm,
    'source': f'synthetic world {world.name}',
    'sha256': digest(pcm, landmarks),
  }


def make_clips(world: World, keys: Sequence[ClipKey], processes: int = 1) -> Iterator[dict]:
  """Records of `keys` in order, made by so many processes; their number changes no record."""
  tasks = [keys[i:i + CLIPS_PER_TASK] for i in range(0, len(keys), CLIPS_PER_TASK)]
  for clips in ordered_map(functools.partial(_make_task, world), tasks,
                           min(processes, len(tasks))):
    yield from clips


def digest(pcm: Int16[np.ndarray, ' S'], landmarks_px: Float[np.ndarray, 'T 131 2']) -> str:
  """sha256 of a clip's samples and of its landmarks in steps of 1/64 px.

  These have the same bits on every machine of an architecture; JPEG bytes depend on the codec.
  """
  steps = np.rint(landmarks_px / LANDMARK_STEP).astype('<i4')
  return hashlib.sha256(pcm.astype('<i2').tobytes() + steps.tobytes()).hexdigest()


@functools.lru_cache(maxsize=2)
def _renderer(speaker: int, scene: int, supersample: int) -> FaceRenderer:
  """Kept because clips of a speaker follow each other."""
  return FaceRenderer(make_identity(speaker), scene, supersample)


@functools.lru_cache(maxsize=2)
def _voice(speaker: int) -> Voice:
  return make_voice(speaker)


def _make_task(world, keys):
  return [make_clip(world, key) for key in keys]
