"""Networks from a stage's `model` config: the one place where config fields become widths."""

from cemnet_jax.nets.arcface import IResNet
from cemnet_jax.nets.audio2mouth import Audio2Mouth
from cemnet_jax.nets.audio_encoder import AudioEncoder, EmotionClassifier
from cemnet_jax.nets.deepface import DeepFaceEmotion
from cemnet_jax.nets.ebm import EmotionBridgingMemory
from cemnet_jax.nets.gray_resnet import GrayResNet
from cemnet_jax.nets.image_emotion import ImageEmotion
from cemnet_jax.nets.landmark_net import LandmarkNet
from cemnet_jax.nets.lip_expert import LipExpert
from cemnet_jax.nets.renderer import Renderer
from cemnet_jax.nets.syncnet import SyncNet
from cemnet_jax.nets.wav2lip import Wav2Lip


def audio2mouth(model) -> Audio2Mouth:
  return Audio2Mouth(width=model.width, dim=model.dim, heads=model.heads, layers=model.layers,
                     ffn=model.ffn, dropout=model.dropout, head=model.head)


def audio_encoder(model) -> AudioEncoder:
  return AudioEncoder(width=model.width, hidden=tuple(model.hidden), dim=model.dim)


def heard_emotion(stage: str, model) -> tuple[AudioEncoder | EmotionClassifier, str | None]:
  """What tells the memory the emotion of speech, and which net of the stage that is: E_e of `aee`,
  or all of `audio_emotion` (None)."""
  if stage == 'aee':
    return audio_encoder(model), 'emotion'
  return EmotionClassifier(width=model.width, hidden=tuple(model.hidden), embedding=model.dim,
                           dim=model.classes), None


def image_emotion(model) -> ImageEmotion:
  return ImageEmotion(width=model.width)


def identity(model) -> IResNet | GrayResNet:
  net = GrayResNet if model.get('net') == 'gray_resnet' else IResNet
  return net(stages=tuple(model.stages), width=model.width, dim=model.dim,
             input_size=model.input_size)


def syncnet(model) -> SyncNet:
  return SyncNet(width=model.width, dim=model.dim, input_size=model.input_size, mouth=model.mouth)


def emotion_scorer(model) -> DeepFaceEmotion:
  return DeepFaceEmotion(classes=model.classes, width=model.width, dropout=model.dropout)


def landmark_scorer(model) -> LandmarkNet:
  return LandmarkNet(width=model.width)


def memory(model) -> EmotionBridgingMemory:
  return EmotionBridgingMemory(
    slots=model.slots, dim=model.dim, hidden=model.hidden, scale=model.scale,
    use_memory=model.use_memory, residual=model.residual,
    query_includes_motion=model.query_includes_motion,
    # Memories that were trained before these could be turned off know no such fields.
    centred_addresses=model.get('centred_addresses', True),
    read_norm=model.get('read_norm', True))


def renderer(model) -> Renderer:
  return Renderer(
    width=model.width, wide=model.wide, hidden=model.hidden, kernel=model.kernel,
    audio_adain=model.audio_adain, audio_dim=model.audio_dim, audio_width=model.audio_width,
    quirk=model.quirk, flow_scale=model.flow_scale, centred=model.centred,
    skip=model.skip, occlusion=model.get('occlusion', False),
    head=model.get('head', 0))


def lip_expert(model) -> LipExpert:
  return LipExpert(width=model.width, dim=model.dim)


def wav2lip(model) -> Wav2Lip:
  return Wav2Lip(width=model.width, centred=model.centred)
