"""The nets of a talking system in PyTorch, in place of the functions of `infer.forward`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.speed.counterpart import Part
from benchmarks.speed.landmarks import LandmarkFrame, Similarity
from benchmarks.speed.pictures import lower_rows, resize, standardised, to_float
from benchmarks.speed.talkers import per_utterance, three
from benchmarks.torch_nets import audio2mouth, audio_encoder, ebm, image_emotion, iresnet, renderer
from cemnet_jax.infer import forward
from cemnet_jax.weights import insightface, iplap, own

REPLACED = ('utterance_emotion', 'picture_cues', 'frame_tokens', 'reference_tokens', 'motions',
            'mouths', 'encode_references', 'paint')


class TorchNets:
  """Counterparts of `nets` with their weights.

  Args:
    one_by_one: as IP-LAP's inference: a window and a frame at a time, and everything that they need
      encoded anew. Otherwise in our batches, tokens and references encoded once.
  """

  def __init__(self, nets: forward.Networks, device: str, one_by_one: bool):
    self.device, self.one_by_one = device, one_by_one
    self.frame = LandmarkFrame(nets.statistics).to(device)
    mouth, bridge, paint = nets.mouth.module, nets.bridge, nets.renderer.module
    voice, identity, memory = (net.module for net in (bridge.voice, bridge.identity, bridge.memory))
    self.mouth = self._load(nets.mouth, audio2mouth.Audio2Mouth(
      mouth.width, mouth.dim, mouth.heads, mouth.layers, mouth.ffn), iplap.landmark_entries(mouth))
    self.voice = self._load(bridge.voice, audio_encoder.AudioEncoder(
      voice.width, voice.hidden, voice.dim), own.audio_encoder(voice))
    self.picture = self._load(
      bridge.picture, image_emotion.ImageEmotion(width=bridge.picture.module.width),
      own.image_emotion(bridge.picture.module))
    self.identity_size = identity.input_size
    self.identity = self._load(bridge.identity, iresnet.IResNet(
      identity.stages, identity.width, identity.dim, identity.input_size),
      insightface.entries(identity))
    self.memory = self._load(bridge.memory, ebm.EmotionBridgingMemory(
      memory.slots, memory.dim, memory.hidden, memory.scale, audio=voice.dim,
      image=8 * bridge.picture.module.width, identity=identity.dim), own.memory())
    self.renderer = self._load(nets.renderer, renderer.Renderer(
      paint.width, paint.wide, paint.hidden, paint.kernel, paint.audio_dim, paint.audio_width),
      iplap.renderer_entries())

  def _load(self, net: forward.Net, module, entries):
    Part(module, entries).load(net.variables)
    return module.to(self.device).eval()

  @contextmanager
  def in_place(self) -> Iterator[None]:
    """While it lasts, `infer` computes with these nets."""
    with ExitStack() as stack:
      for name in REPLACED:
        stack.enter_context(mock.patch.object(forward, name, getattr(self, name)))
      yield

  def _tensor(self, x) -> torch.Tensor:
    return torch.from_numpy(np.array(x)).to(self.device)

  def _pictures(self, images: np.ndarray) -> torch.Tensor:
    """(N, H, W, 3) -> (N, 3, H, W)."""
    return self._tensor(images).movedim(-1, -3).contiguous()

  @torch.inference_mode()
  def utterance_emotion(self, voice, mfcc: np.ndarray) -> np.ndarray:
    parts = [self.voice(self._tensor(mfcc[i:i + forward.EMOTION_BATCH]))
             for i in range(0, len(mfcc), forward.EMOTION_BATCH)]
    return torch.cat(parts).mean(0, keepdim=True).cpu().numpy()

  @torch.inference_mode()
  def picture_cues(self, bridge, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pictures = to_float(self._pictures(images))
    emotion = self.picture(standardised(pictures))[0].mean(0, keepdim=True)
    faces = F.normalize(self.identity(2 * resize(pictures, self.identity_size) - 1))
    identity = F.normalize(faces.mean(0, keepdim=True))
    return emotion.cpu().numpy(), identity.cpu().numpy()

  @torch.inference_mode()
  def frame_tokens(self, nets, mel: np.ndarray, pose: np.ndarray,
                   mel_statistics: np.ndarray | None = None) -> forward.FrameTokens:
    """Tokens; one by one, the nets' inputs, of which every window makes tokens anew."""
    parts = []
    for start in range(0, len(mel), forward.FRAME_BATCH):
      some = slice(start, start + forward.FRAME_BATCH)
      aligned, frame = self.frame.poses(self._tensor(pose[some])[None])
      audio, aligned = self._tensor(mel[some])[None], aligned.transpose(-1, -2)
      if mel_statistics is not None:
        audio = per_utterance(audio, self._tensor(mel_statistics)[None])
      if not self.one_by_one:
        audio = self.mouth.tokens(self.mouth.mel_encoder, audio[:, :, None])
        aligned = self.mouth.tokens(self.mouth.pose_encoder, aligned)
      parts.append([x[0].cpu().numpy() for x in (audio, aligned, *frame)])
    audio, pose, *frame = map(np.concatenate, zip(*parts))
    return forward.FrameTokens(audio, pose, Similarity(*frame))

  @torch.inference_mode()
  def reference_tokens(self, nets, references: np.ndarray) -> torch.Tensor:
    known = self.frame.references(self._tensor(references)[None]).transpose(-1, -2)
    return known if self.one_by_one else self.mouth.tokens(self.mouth.ref_encoder, known)

  @torch.inference_mode()
  def motions(self, nets, references: torch.Tensor, windows: forward.FrameTokens) -> np.ndarray:
    audio, pose = self._tensor(windows.audio), self._tensor(windows.pose)
    if self.one_by_one:
      points = torch.cat([self.mouth(a[None], p[None], references) for a, p in zip(audio, pose)])
    else:
      points = self.mouth.fuse(references.expand(len(audio), -1, -1), audio, pose)
    return points.transpose(-1, -2).cpu().numpy()

  @torch.inference_mode()
  def mouths(self, nets, motion: np.ndarray, frame, cues) -> np.ndarray:
    motion, frame = self._tensor(motion), Similarity(*map(self._tensor, frame))
    cues = [self._tensor(x) for x in cues]
    width = 1 if self.one_by_one else len(motion)
    moved = torch.cat([self.memory.read(part.flatten(2), *(x.expand(len(part), -1) for x in cues))
                       for part in motion.split(width)])
    return self.frame.in_crop(moved.view_as(motion), frame).cpu().numpy()

  @torch.inference_mode()
  def encode_references(self, nets, images: np.ndarray, sketches: np.ndarray):
    """What the flow module knows of them; one by one, the references themselves."""
    pictures = to_float(self._pictures(images)).flip(1)  # to BGR
    drawn = three(self._tensor(sketches)[None])[0]
    return (pictures[None], drawn[None]) if self.one_by_one else (
      self.renderer.flow_module.encode(pictures, drawn))

  @torch.inference_mode()
  def paint(self, nets, crops: np.ndarray, sketches: np.ndarray, references, mel: np.ndarray,
            known: np.ndarray, correspondence: None = None) -> forward.Painting:
    """The faces alone are true; what else our renderer tells has its shapes and nothing in it."""
    faces = to_float(self._pictures(crops)).flip(1)
    masked, drawn = faces * ~lower_rows(faces), three(self._tensor(sketches))
    mel = self._tensor(mel)
    if self.one_by_one:
      images = torch.cat([
        self.renderer(masked[i:i + 1], drawn[i:i + 1], *references, mel[i:i + 1])[0]
        for i in range(len(mel))])
    else:
      each = [x.expand(len(mel), *x.shape).flatten(0, 1) for x in references]
      warped = self.renderer.flow_module.mix(each, drawn.flatten(1, 2))
      images = self.renderer.translation(masked, drawn.flatten(1, 2), warped, mel)
    image = images.flip(1).clamp(0, 1).movedim(1, -1).cpu().numpy()
    shape = len(image), *known.shape
    return forward.Painting(image, image, np.zeros((*shape, 2), np.float32),
                            np.full(shape, 1 / len(known), np.float32),
                            np.broadcast_to(known.mean(axis=0), image.shape[:3]))
