"""MediaPipe agrees with the known landmarks; runs where a face_landmarker.task is at hand."""

import os
import pathlib

import numpy as np
import pytest

from cemnet_jax.preprocess.synthetic import agreement
from cemnet_jax.topology import LIPS

_NEXT_TO_REPOSITORY = pathlib.Path(__file__).parents[4] / 'shared/models/face_landmarker.task'
LANDMARKER = os.environ.get('CEMNET_LANDMARKER', str(_NEXT_TO_REPOSITORY))


def _known(count=3):
  motion = agreement.clip_motion(0, 'happy')
  renderer = agreement.FaceRenderer(agreement.make_identity(0), 64)
  return renderer.frames(motion)[0][:count], renderer.landmarks_px(motion)[:count]


def test_distance_is_in_percent_of_the_face_width():
  frames, known = _known()
  width = np.ptp(known[:, :25, 0], axis=1)
  detected = known + np.stack([.03 * width, .04 * width], -1)[:, None]
  detected[2] = np.nan
  result = agreement.Agreement(frames, known, detected)
  np.testing.assert_allclose(result.distance()[:2], 5.)
  assert result.found() == pytest.approx(2 / 3)
  assert '66.7 %' in agreement.report(result)
  assert agreement.contact_sheet(result).shape == (64, 512, 3)


def test_missing_model_is_one_clear_line(capsys, tmp_path):
  pytest.importorskip('mediapipe')
  missing = str(tmp_path / 'none.task')
  assert agreement.main(['--landmarker', missing, '--speakers', '1', '--size', '64']) == 2
  assert missing in capsys.readouterr().out


@pytest.mark.skipif(not os.path.isfile(LANDMARKER), reason='no face_landmarker.task')
def test_mediapipe_agrees():
  pytest.importorskip('mediapipe')
  result = agreement.measure(LANDMARKER, range(4), frames_each=4, size=256)
  assert len(result.frames) >= 100
  distance = result.distance()
  assert result.found() == 1.0
  assert distance.mean() < 4 and distance[:, LIPS].mean() < 3
