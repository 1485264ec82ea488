import pytest

from cemnet_jax.evaluate.clock import Clock


def test_seconds_add_up_until_a_part_is_finished(tmp_path, monkeypatch):
  now = [0.]
  monkeypatch.setattr('time.monotonic', lambda: now[0])
  path = tmp_path / 'work' / 'times.json'

  def spend(clock, seconds, fail=False):
    with clock.part('training'):
      now[0] += seconds
      if fail:
        raise KeyboardInterrupt

  with pytest.raises(KeyboardInterrupt):
    spend(Clock(path), 5, fail=True)
  again = Clock(path)
  assert not again.finished('training')
  spend(again, 7)
  resumed = Clock(path)
  assert resumed.finished('training') and resumed.seconds == {'training': 12}
  spend(resumed, 100)  # only looks that nothing is left to do
  assert Clock(path).seconds == {'training': 12}
  assert Clock(path).memory['process'] > .01
