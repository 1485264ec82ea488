"""A whole synthetic clip: reproducible to the bit, and consistent in itself.

Samples and landmarks are integers after rounding and have the same bits whatever vector units the
processor has; this file pins their sha256. Pictures pass OpenCV and a JPEG codec, whose builds
differ by a grey level here and there, so they are held to thumbnails within one level.
To renew both after a wanted change: raise the builder's VERSION, then run
`python -m tests.preprocess.synthetic.test_clip`.
"""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from cemnet_jax.preprocess.crop import decode_jpeg, from_crop, stable_boxes
from cemnet_jax.preprocess.synthetic.clip import digest, make_clip, make_clips
from cemnet_jax.preprocess.synthetic.world import WORLDS
from cemnet_jax.topology import FPS, LIPS, SAMPLES_PER_FRAME, STABLE

WORLD = WORLDS['mead_debug']
GOLDEN = Path(__file__).with_name('golden_clip.json')
OLDER_CPU = {'NPY_DISABLE_CPU_FEATURES': 'X86_V4 AVX512_ICL AVX512_SPR',
             'OPENBLAS_CORETYPE': 'Haswell'}


def key(emotion='happy', split='train'):
  return next(k for k in WORLD.keys(split) if k.emotion == emotion)


def thumbnails(clip):
  """Three frames of 8 x 8 px."""
  chosen = np.linspace(0, len(clip['frames']) - 1, 3).astype(int)
  return np.stack([cv2.resize(decode_jpeg(clip['frames'][i]).astype(np.float32), (8, 8),
                              interpolation=cv2.INTER_AREA) for i in chosen])


@pytest.mark.skipif(platform.machine() not in ('x86_64', 'AMD64'), reason='pinned for x86-64')
def test_pinned_samples_and_landmarks():
  golden = json.loads(GOLDEN.read_text())
  assert make_clip(WORLD, key())['sha256'] == golden['sha256']


def test_pinned_pictures():
  golden = json.loads(GOLDEN.read_text())
  assert np.abs(thumbnails(make_clip(WORLD, key())) - golden['thumbnails']).mean() <= 1


@pytest.mark.skipif(platform.machine() not in ('x86_64', 'AMD64'), reason='x86-64 vector units')
def test_an_older_processor_makes_the_same_bits():
  code = ('from tests.preprocess.synthetic.test_clip import *\n'
          'print(make_clip(WORLD, key())["sha256"])')
  done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                        env={**os.environ, **OLDER_CPU})
  assert done.stdout.strip() == make_clip(WORLD, key())['sha256']


def test_clips_do_not_depend_on_what_was_made_before():
  keys = [key('happy'), key('sad', 'val'), key('angry')]
  forward = [make_clip(WORLD, k) for k in keys]
  backward = [make_clip(WORLD, k) for k in reversed(keys)][::-1]
  assert [c['frames'] for c in forward] == [c['frames'] for c in backward]
  assert [c['sha256'] for c in forward] == [c['sha256'] for c in backward]


def test_processes_change_nothing():
  keys = WORLD.keys('train')[:18]
  alone, shared = list(make_clips(WORLD, keys, 1)), list(make_clips(WORLD, keys, 2))
  assert [c['id'] for c in shared] == [c['id'] for c in alone]
  assert [c['sha256'] for c in shared] == [c['sha256'] for c in alone]
  assert [c['frames'] for c in shared] == [c['frames'] for c in alone]


def test_parts_of_a_clip_fit_together():
  clip = make_clip(WORLD, key())
  frames = len(clip['frames'])
  assert len(clip['audio']) == frames * SAMPLES_PER_FRAME and clip['fps'] == FPS
  assert decode_jpeg(clip['frames'][0]).shape == (WORLD.crop, WORLD.crop, 3)
  pixels = from_crop(clip['landmarks'].astype(np.float64), clip['crop_box'])
  assert ((pixels >= 0) & (pixels <= WORLD.scene)).all()
  np.testing.assert_allclose(stable_boxes(pixels), clip['crop_box'], atol=0.1)
  assert clip['transcript'] == WORLD.words(key())[0]


def test_digest_is_blind_to_the_last_bits_only():
  pcm, points = np.arange(640, dtype=np.int16), np.arange(262.).reshape(1, 131, 2) / 64
  assert digest(pcm, points) == digest(pcm, np.nextafter(points, np.inf))
  assert digest(pcm, points) != digest(pcm, points + 1 / 64)
  assert digest(pcm, points) != digest(pcm + np.int16(1), points)


def test_counterfactual_has_the_same_pose_and_another_mouth():
  happy, neutral = make_clip(WORLD, key('happy')), make_clip(WORLD, key('neutral'))
  moved = np.abs(happy['landmarks'].astype(float) - happy['neutral_landmarks'])
  assert moved[:, LIPS].mean() > 3 * moved[:, STABLE].mean()
  assert moved[:, LIPS].mean() > 0.01
  still = np.abs(neutral['landmarks'].astype(float) - neutral['neutral_landmarks'])
  assert still[:, LIPS].mean() < moved[:, LIPS].mean()


if __name__ == '__main__':
  made = make_clip(WORLD, key())
  GOLDEN.write_text(json.dumps({'sha256': made['sha256'],
                                'thumbnails': np.rint(thumbnails(made)).astype(int).tolist()}))
