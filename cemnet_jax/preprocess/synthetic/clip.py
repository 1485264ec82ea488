"""One clip of a synthetic world, whole: speech, face, crop and labels as a record."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int16

from cemnet_jax.preprocess.crop import crop_frame, encode_jpeg, stable_boxes, to_crop
from cemnet_jax.preprocess.parallel import ordered_map
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.motion import motion_tracks
from cemnet_jax.preprocess.synthetic.render import LANDMARK_STEP, FaceRenderer
from cemnet_jax.preprocess.synthetic.speech import speak
from cemnet_jax.preprocess.synthetic.voices import Voice, make_voice
from cemnet_jax.preprocess.synthetic.world import ClipKey, World
from cemnet_jax.topology import FPS, SAMPLES_PER_FRAME

CLIPS_PER_TASK = 16


def make_clip(world: World, key: ClipKey) -> dict:
  """The record of clip `key` (fields: `tfds_builders.clip_schema`), a function of its arguments."""
  text, phones = world.words(key)
  speaker = _speaker(key.speaker, world.scene, world.supersample)
  take = (*key.sentence.encode(), key.take)
  speech = speak(speaker.voice, phones, key.emotion, key.intensity, take)
  num_frames = len(speech.pcm) // SAMPLES_PER_FRAME
  pcm = speech.pcm[:num_frames * SAMPLES_PER_FRAME]
  renderer = speaker.renderer
  motion = motion_tracks(speech.phones, num_frames, key.emotion, key.intensity, renderer.identity,
                         take)
  frames, landmarks = renderer.frames(motion)
  neutral = renderer.landmarks_px(motion.without_emotion())
  boxes = stable_boxes(landmarks)
  return {
    'id': f'{key.speaker:04d}_{key.emotion}_{key.intensity}_{key.sentence}_{key.take}',
    'speaker': f'{key.speaker:04d}',
    'speaker_index': world.speaker_indices()[key.speaker],
    'emotion': key.emotion,
    'intensity': key.intensity,
    'sentence': key.sentence,
    'transcript': text,
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


def digest(pcm: Int16[np.ndarray, 'S'], landmarks_px: Float[np.ndarray, 'T 131 2']) -> str:
  """sha256 of a clip's samples and of its landmarks in steps of 1/64 px.

  These have the same bits on every machine of an architecture; JPEG bytes depend on the codec.
  """
  steps = np.rint(landmarks_px / LANDMARK_STEP).astype('<i4')
  return hashlib.sha256(pcm.astype('<i2').tobytes() + steps.tobytes()).hexdigest()


class _Speaker(NamedTuple):
  renderer: FaceRenderer
  voice: Voice


@functools.lru_cache(maxsize=2)
def _speaker(speaker: int, scene: int, supersample: int) -> _Speaker:
  """Face and voice, kept because clips of a speaker follow each other."""
  return _Speaker(FaceRenderer(make_identity(speaker), scene, supersample), make_voice(speaker))


def _make_task(world, keys):
  return [make_clip(world, key) for key in keys]
