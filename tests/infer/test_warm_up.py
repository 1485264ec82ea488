"""What was compiled beforehand is what a video needs; and a call is one program wherever it is."""

import jax
import numpy as np
import pytest

from cemnet_jax.infer import forward
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Talker
from cemnet_jax.infer.warm_up import warm_up
from tests.infer.tiny_system import drawn_face, save_system

CALLS = ('_utterance_emotion', '_reference_emotion', '_reference_identity', '_frame_tokens',
         '_reference_tokens', '_motions', '_mouths', '_encode', '_paint')


def programs():
  return {name: getattr(forward, name).programs() for name in CALLS}


@pytest.mark.parametrize('system, count', [('cemnet', 1), ('cemnet', 9), ('a2m_renderer', 2)])
def test_a_video_compiles_nothing_more(tmp_path, speech, system, count):
  jax.clear_caches()
  talker = Talker.load(save_system(tmp_path), system)
  warm_up(talker._nets, count)()
  warm = programs()
  faces = [drawn_face(64, 0.004 * i) for i in range(count)]
  pictures = refs.from_arrays([f[1] for f in faces], np.stack([f[0] for f in faces]),
                              moving=count == 9, audio=speech if count == 9 else None)
  talker.speak(pictures, speech, memory=system == 'cemnet')
  assert programs() == warm and warm['_paint'] == 1


def test_what_fails_in_a_thread_is_told(talker):
  with pytest.raises(AttributeError):
    warm_up(talker._nets._replace(renderer=None), 1)()


def test_a_call_inside_another_is_inlined(talker):
  nets, points = talker._nets, np.zeros((2, 131, 2), np.float32)
  before = forward._reference_tokens.programs()
  whole = jax.make_jaxpr(lambda x: forward.reference_tokens(nets, x))(points)
  assert forward._reference_tokens.programs() == before
  assert 'pjit' not in {e.primitive.name for e in whole.eqns} or all(
    e.params.get('name') != '_reference_tokens' for e in whole.eqns)
