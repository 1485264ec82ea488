import numpy as np
import pytest

from cemnet_jax.metrics import expression


def scores(**values):
  """All expected blendshapes at .2 on both sides, but for those given."""
  names = {name for shapes in expression.EXPECTED.values() for name in shapes}
  base = {name: .2 for name in names} | values
  sided = {f'{n}{s}': v for n, v in base.items() for s in ('Left', 'Right') if n != 'jawOpen'}
  return sided | {'jawOpen': base['jawOpen']}


def test_sides_are_averaged():
  found = expression.joined({'mouthSmileLeft': .2, 'mouthSmileRight': .6, 'jawOpen': .1})
  assert found == pytest.approx({'mouthSmile': .4, 'jawOpen': .1})
  assert expression.joined({'mouthLeft': .3}) == {'mouth': .3}


@pytest.mark.parametrize('share', [0, .4, 1, -.5])
def test_a_share_of_the_real_effect_is_found(share):
  neutral = scores()
  real = expression.effect(scores(mouthSmile=.8, mouthPucker=.1, mouthDimple=.3), neutral)
  drawn = {name: share * value for name, value in real.items()}
  assert expression.effect_share(drawn, real, 'happy') == pytest.approx(share)


def test_what_the_real_clips_do_not_show_is_left_out():
  neutral = scores()
  real = expression.effect(scores(jawOpen=.5, mouthLowerDown=.1), neutral)  # lower lip goes up
  drawn = expression.effect(scores(jawOpen=.35, mouthLowerDown=.9), neutral)
  assert expression.effect_share(drawn, real, 'surprised') == pytest.approx(.5)
  assert np.isnan(expression.effect_share(drawn, expression.effect(neutral, neutral), 'happy'))


def test_a_frown_is_no_smile():
  neutral = scores()
  real = expression.effect(scores(mouthSmile=.8), neutral)
  drawn = expression.effect(scores(mouthSmile=.1, mouthFrown=.6), neutral)
  assert expression.effect_share(drawn, real, 'happy') < 0
