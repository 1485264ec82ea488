"""The graph of every system: which stage trains after which, from which frozen stages.

Names only, so that reading it costs nothing. A stage's folder in a workdir has its name, so systems
trained in one workdir share the stages they have in common.
"""

from typing import NamedTuple


class Node(NamedTuple):
  """One stage of a system.

  Attributes:
    config: configs/<config>.py.
    needs: the stages whose frozen weights it reads; they stand before it in the system.
    statistics: whether it also reads the statistics of landmarks.
  """

  config: str
  needs: tuple[str, ...] = ()
  statistics: bool = False


STATISTICS = 'statistics'  # the name under which a stage finds them among its frozen inputs

_PICTURES = {
  'image_emotion': Node('image_emotion'),
  'identity': Node('identity'),
}
_SPEECH = {
  'audio_emotion': Node('audio_emotion'),
  'timbre': Node('timbre'),
  'content': Node('content'),
  'aee': Node('aee', needs=('audio_emotion', 'timbre', 'content')),
}
_MOUTH = {'audio2mouth': Node('audio2mouth', statistics=True)}
# The image emotion network is the perceptual loss's stand-in where no VGG19 weights are given.
_RENDERER = {'renderer': Node('renderer', needs=('image_emotion',))}
# What evaluation asks, never what conditions the model: other nets, other seeds.
_SCORERS = {name: Node(name) for name in (
  'syncnet', 'emotion_scorer', 'identity_scorer', 'landmark_scorer')}
_FROZEN = ('audio2mouth', 'aee', 'image_emotion', 'identity')
_FROZEN_NO_AEE = ('audio2mouth', 'audio_emotion', 'image_emotion', 'identity')

# Stages stand in training order.
SYSTEMS: dict[str, dict[str, Node]] = {
  'cemnet': _MOUTH | _SPEECH | _PICTURES | {'ebm': Node('ebm', needs=_FROZEN)} | _RENDERER,
  'cemnet_no_ebm': (
    _MOUTH | _SPEECH | _PICTURES | {'ebm_direct': Node('ebm_direct', needs=_FROZEN)} | _RENDERER),
  'cemnet_no_aee': (
    _MOUTH | {'audio_emotion': _SPEECH['audio_emotion']} | _PICTURES
    | {'ebm_no_aee': Node('ebm_no_aee', needs=_FROZEN_NO_AEE)} | _RENDERER),
  'wav2lip': {
    'lip_expert': Node('lip_expert'), 'wav2lip': Node('wav2lip', needs=('lip_expert',))},
  'a2m_renderer': _MOUTH | {'image_emotion': _PICTURES['image_emotion']} | _RENDERER,
  'scorers': _SCORERS,
}
# The systems that draw a face from landmarks: what `infer.talker` makes videos with.
TALKERS = tuple(name for name, nodes in SYSTEMS.items() if 'renderer' in nodes)
