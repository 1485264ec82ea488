"""Frames in chunks: those of one pass wherever a batch begins, and no sooner than asked for."""

import numpy as np
import pytest

from cemnet_jax.infer import forward
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import RENDER_BATCH
from cemnet_jax.topology import SAMPLES_PER_FRAME
from tests.infer.tiny_system import drawn_face

FRAMES = 75
# Around a chunk: as far as sketches and mel windows of its own frames reach. Mel frames are made in
# blocks of 16, which are five video frames.
CONTEXT = 5


@pytest.fixture(scope='module')
def plan(talker, speech):
  faces = [drawn_face(64, 0.004 * i) for i in range(7)]
  moving = refs.from_arrays([f[1] for f in faces], np.stack([f[0] for f in faces]), moving=True)
  return talker.plan(moving, np.tile(speech, 3))


def part_of(plan, start, stop):
  """The plan of frames [start, stop) alone."""
  return plan._replace(
    shown=plan.shown[start:stop], landmarks=plan.landmarks[start:stop],
    audio=plan.audio[start * SAMPLES_PER_FRAME:stop * SAMPLES_PER_FRAME])


def test_chunks_are_one_pass(talker, plan):
  whole = np.stack(list(talker.frames(plan)))
  assert len(whole) == FRAMES and (whole[1:] != whole[:-1]).any(axis=(1, 2, 3)).all()
  for start, stop in ((0, 20), (20, 35), (35, FRAMES)):
    low, high = max(0, start - CONTEXT), min(FRAMES, stop + CONTEXT)
    assert not start or low % RENDER_BATCH  # frames stand elsewhere in their batches
    chunk = np.stack(list(talker.frames(part_of(plan, low, high))))
    np.testing.assert_array_equal(chunk[start - low:stop - low], whole[start:stop])


def test_frames_are_rendered_as_they_are_asked_for(talker, plan, monkeypatch):
  calls, render = [], forward.render
  monkeypatch.setattr(forward, 'render', lambda *args: calls.append(1) or render(*args))
  frames = talker.frames(plan)
  for i in range(2 * RENDER_BATCH + 1):
    next(frames)
    assert len(calls) == 1 + i // RENDER_BATCH
