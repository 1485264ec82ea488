"""Whole pictures at their own size: what copies the truth scores perfectly, a blur does not."""

import numpy as np
import pytest

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import raw_size
from cemnet_jax.evaluate.cases import draw_cases
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Plan, Shot

SIZE = 64


class Played:
  """In place of a talker: `native` shows the canvas itself, `net` a blur of it."""
  crop = 'stable'

  def plan(self, references, audio, canvas, options):
    assert len(references.frames) == 2 and not options.calibrate
    shown = np.arange(len(canvas.frames))
    self.known = refs.crop_landmarks(canvas)
    return Plan(Shot(canvas, shown, references, audio), np.zeros_like(self.known, np.float32))

  def frames(self, plan, options):
    assert plan.landmarks.any() == np.allclose(plan.landmarks, self.known, atol=1e-5)
    for frame in plan.shot.canvas.frames:
      yield frame if options.resolution == 'native' else (
        np.broadcast_to(frame.mean((0, 1)).astype(np.uint8), frame.shape))


def test_the_truth_is_perfect_and_a_blur_is_not(debug_data):
  clips = Clips(debug_data, 'synth_mead/mead_debug')
  cases = draw_cases(clips, 'test', 'cross_emotion', 0, 1)
  found = raw_size.measure(Played(), clips, cases, SIZE, 2)
  for who in (raw_size.PREDICTED, raw_size.ORACLE):
    same, blur = ({name: t.total / t.count for name, t in found[who, resolution].items()}
                  for resolution in ('native', 'net'))
    assert same['psnr'] == same['psnr_region'] == pytest.approx(80)
    assert same['ssim'] == same['sharpness'] == pytest.approx(1)
    assert blur['psnr_region'] < 30 and blur['ssim_region'] < .9 and blur['sharpness'] < .05


@pytest.mark.parametrize('name', ['mead/front', 'synth_mead/other'])
def test_other_datasets_cannot_be_drawn_again(name):
  with pytest.raises(UserError, match=f'--raw-size: {name} holds crops alone'):
    raw_size.check(name)
