"""A trained system's nets, from its workdir or from an exported folder."""

from pathlib import Path

import jax
from ml_collections import ConfigDict

from cemnet_jax import crops
from cemnet_jax.errors import UserError
from cemnet_jax.infer.forward import Bridge, Net, Networks
from cemnet_jax.stages import build
from cemnet_jax.stages.supervised import variables
from cemnet_jax.systems import SYSTEMS, TALKERS
from cemnet_jax.weights import compact


def load(system_dir, system: str = 'cemnet', known: dict | None = None) -> Networks:
  """Loads the nets of a trained system.

  `known` keeps what was read of the folder's stages for the next system of the same folder.

  Raises:
    UserError: a stage is missing, or learned from another frozen stage than stands beside it, or
      from crops by another rule or windows of another length than the others.
  """
  system_dir = Path(system_dir)
  if system not in TALKERS:
    raise UserError(f'system {system!r} is none of {", ".join(TALKERS)}')
  if not system_dir.is_dir():
    raise UserError(f'{system_dir}: no such folder; train a system into it by `cemnet train`')
  stage = _Stages(system_dir, known)
  a2m, a2m_config = stage('audio2mouth')
  renderer, render_config = stage('renderer')
  bridging = next((name for name in SYSTEMS[system] if name.startswith('ebm')), None)
  nets = Networks(
    mouth=_net(build.audio2mouth(a2m_config.model), a2m, 'a2m'),
    statistics=a2m['stats'].get('landmarks', {}),
    bridge=_load_bridge(stage, bridging, a2m_config.data.T) if bridging else None,
    renderer=_net(build.renderer(render_config.model), renderer, 'generator'),
    image_size=render_config.data.image_size, mouth_references=a2m_config.data.N,
    render_references=render_config.data.N, window=a2m_config.data.T,
    render_window=render_config.data.T, crop=_rule(a2m_config, render_config),
    lines=render_config.data.get('lines', 'smooth'),
    landmark_flow=render_config.data.get('landmark_flow', False),
    per_utterance=a2m_config.model.get('per_utterance', False))
  stage.check()
  return nets


def load_mouth(system_dir) -> Networks:
  """Audio2Mouth alone, for landmarks without memory and pictures; UserError if it is missing."""
  trained, config = _Stages(system_dir)('audio2mouth')
  return Networks(
    mouth=_net(build.audio2mouth(config.model), trained, 'a2m'),
    statistics=trained['stats'].get('landmarks', {}), bridge=None, renderer=None, image_size=0,
    mouth_references=config.data.N, render_references=0, window=config.data.T,
    crop=_rule(config),
    per_utterance=config.model.get('per_utterance', False))


def _rule(*configs) -> str:
  """By which rule the faces are cut; weights that do not tell it are as old as the first rule."""
  return next(filter(None, map(crops.of_config, configs)), crops.BEFORE)


def _load_bridge(stage, name, window) -> Bridge:
  ebm, config = stage(name)
  if config.data.T != window:
    raise UserError(f'{name} learned from windows of {config.data.T} frames, audio2mouth from such '
                    f'of {window}; train {name} anew with --set {name}.data.T={window}')
  picture, picture_config = stage('image_emotion')
  identity, identity_config = stage('identity')
  return Bridge(
    memory=_net(build.memory(config.model), ebm, 'memory'),
    voice=_heard(stage, config.model.emotion_stage),
    picture=_net(build.image_emotion(picture_config.model), picture, 'image_emotion'),
    identity=_net(build.identity(identity_config.model), identity, 'identity'),
    prototypes=ebm['stats']['prototypes'], image_size=config.data.image_size)


def load_voice(system_dir, stage: str) -> Net:
  """The emotion encoder E_e of stage `aee` or `audio_emotion`; UserError where it is missing."""
  return _voice(_Stages(system_dir), stage)


def _voice(stage, name) -> Net:
  trained, config = stage(name)
  return _net(build.audio_encoder(config.model), trained,
              'emotion' if name == 'aee' else 'encoder')


def _heard(stage, name) -> Net:
  trained, config = stage(name)
  module, net = build.heard_emotion(name, config.model)
  return _net(module, trained, net)


class _Stages:
  """Stage -> (its weights, its config), of a workdir or of an exported folder."""

  def __init__(self, system_dir, known: dict | None = None):
    self._folder, self._links = Path(system_dir), {}
    self._known = {} if known is None else known
    exported = compact.is_compact(system_dir)  # which was checked when it was written
    self._read = compact.read(system_dir) if exported else self._trained

  def __call__(self, name) -> tuple[dict, ConfigDict]:
    if name not in self._known:
      self._known[name] = self._read(name)
    weights, config, *link = self._known[name]
    if link:
      self._links[name] = link[0]
    return weights, ConfigDict(config)

  def _trained(self, name):
    from cemnet_jax.train import chain, ckpt  # Orbax takes a second, which an export saves
    weights = ckpt.load_params(self._folder / name)
    return (weights, ckpt.load_config(self._folder / name),
            chain.read(self._folder / name, weights))

  def check(self) -> None:
    """UserError unless the stages that were read learned from each other."""
    if self._links:
      from cemnet_jax.train import chain
      chain.check(self._links)


def _net(module, trained, name) -> Net:
  # One transfer: jnp.asarray compiles a program for every shape.
  return Net(module, jax.device_put(variables(trained, name)))
