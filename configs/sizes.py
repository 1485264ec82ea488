"""Widths shared by several stages, by preset. `full` and `paper` have the paper's."""

# px of the crop
IMAGE = {'full': 128, 'paper': 128, 'benchmark': 96, 'quickstart': 64, 'debug': 32}
_DATA = {'paper': 'full'}  # the synthetic world of a preset, where it has another name

AUDIO_ENCODER = {
  'full': {'width': 1.0, 'hidden': (2048, 512), 'dim': 128},
  'paper': {'width': 1.0, 'hidden': (2048, 512), 'dim': 128},
  'benchmark': {'width': 0.25, 'hidden': (256, 128), 'dim': 64},
  'quickstart': {'width': 0.25, 'hidden': (256, 128), 'dim': 64},
  'debug': {'width': 0.125, 'hidden': (32, 32), 'dim': 16},
}


def lrs(preset: str) -> str:
  """Dataset that plays LRS2's part: many speakers, emotions as people show them in the wild."""
  return f'synth_mead/lrs_{_DATA.get(preset, preset)}'


def mead(preset: str) -> str:
  """Dataset that plays MEAD's part: the full grid of speakers, emotions and sentences."""
  return f'synth_mead/mead_{_DATA.get(preset, preset)}'
