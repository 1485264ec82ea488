"""Frames in chunks: those of one pass wherever a batch begins, no sooner than asked for, and in no
more memory for more of them.
"""

import tracemalloc
from itertools import repeat

import numpy as np
import pytest

from cemnet_jax.infer import forward
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import RENDER_BATCH, Options, Plan
from cemnet_jax.preprocess.recording import Recording
from cemnet_jax.topology import CONTENT, SAMPLES_PER_FRAME
from tests.infer.tiny_system import drawn_face

FRAMES = 75
# Around a chunk: as far as sketches and mel windows of its own frames reach. Mel frames are made in
# blocks of 16, which are five video frames.
CONTEXT = 5


@pytest.fixture(scope='module')
def moving():
  faces = [drawn_face(64, 0.004 * i) for i in range(7)]
  return refs.from_arrays([f[1] for f in faces], np.stack([f[0] for f in faces]), moving=True)


@pytest.fixture(scope='module')
def plan(talker, moving, speech):
  return talker.plan(moving, np.tile(speech, 3))


def part_of(plan, start, stop):
  """The plan of frames [start, stop) alone."""
  shot = plan.shot._replace(
    shown=plan.shot.shown[start:stop],
    audio=plan.shot.audio[start * SAMPLES_PER_FRAME:stop * SAMPLES_PER_FRAME])
  return Plan(shot, plan.landmarks[start:stop])


def test_chunks_are_one_pass(talker, plan):
  whole = np.stack(list(talker.frames(plan)))
  assert len(whole) == FRAMES and (whole[1:] != whole[:-1]).any(axis=(1, 2, 3)).all()
  for start, stop in ((0, 20), (20, 35), (35, FRAMES)):
    low, high = max(0, start - CONTEXT), min(FRAMES, stop + CONTEXT)
    assert not start or low % RENDER_BATCH  # frames stand elsewhere in their batches
    chunk = np.stack(list(talker.frames(part_of(plan, low, high))))
    difference = np.abs(chunk[start - low:stop - low].astype(int) - whole[start:stop])
    assert difference.max() <= 1 and difference.mean() < 1e-4  # rounding by place in the batch


def test_frames_are_rendered_as_they_are_asked_for(talker, plan, monkeypatch):
  calls, paint = [], forward.paint
  monkeypatch.setattr(forward, 'paint', lambda *args: calls.append(1) or paint(*args))
  frames = talker.frames(plan)
  for i in range(2 * RENDER_BATCH + 1):
    next(frames)
    assert len(calls) == 2 + i // RENDER_BATCH  # one more is on its way


@pytest.mark.parametrize('seconds, options', [
  (3, Options()), (.19, Options(memory=False)), (2.51, Options(smooth=3., emotion='happy'))])
def test_a_stream_is_the_plan_drawn(talker, moving, speech, seconds, options):
  wav = np.tile(speech, 3)[:int(seconds * 16000)]
  plan = talker.plan(moving, wav, options=options)
  recording = Recording([wav[:999], wav[999:]], SAMPLES_PER_FRAME)
  streamed = list(talker.stream(moving, recording, options=options))
  assert len(streamed) == len(plan.landmarks) == -(-len(wav) // SAMPLES_PER_FRAME)
  np.testing.assert_array_equal(streamed, list(talker.frames(plan)))


def test_windows_in_batches_are_those_of_one_pass(talker, moving, speech):
  """Motion and mouths of every window from nets that see it in one batch with all others."""
  wav = np.tile(speech, 3)
  motion = talker.motion(moving, wav, moving)
  plan = talker.plan(moving, wav, options=Options(calibrate=False))
  assert len(motion.windows) == FRAMES - 4 and (motion.windows[:, 0] == np.arange(FRAMES - 4)).all()
  nets = talker._nets
  cues = talker._cues(talker._choose(moving, Options()), wav, Options())
  whole = np.asarray(forward.mouths(nets, motion.points, motion.frame, cues))
  for t in (0, 3, 31, 32, 36, 63, 64, 74):
    mine = [whole[w, t - w] for w in range(FRAMES - 4) if 0 <= t - w < 5]
    np.testing.assert_allclose(plan.landmarks[t, CONTENT], np.mean(mine, axis=0), atol=1e-5)


def test_memory_does_not_grow_with_the_speech(talker, moving, speech, monkeypatch):
  """Of all that numpy holds; landmarks only, since frames are made as they are asked for."""
  monkeypatch.setattr(talker, '_draw', lambda shot, landmarks, options: landmarks)

  def peak(seconds):
    recording = Recording(repeat(speech, seconds), SAMPLES_PER_FRAME)
    tracemalloc.start()
    try:
      assert sum(map(len, talker.stream(moving, recording))) == 25 * seconds
      return tracemalloc.get_traced_memory()[1]
    finally:
      tracemalloc.stop()

  peak(5)  # compiles
  # A buffer that waits for its thread adds to a peak now and then; growth is in every one.
  short, long = (min(peak(seconds) for _ in range(3)) for seconds in (10, 80))
  assert long < 1.05 * short + 8 * 25 * 70  # indices of the frames
