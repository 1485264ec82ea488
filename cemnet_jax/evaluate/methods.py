"""Trained systems, and bounds that need no training, as the methods that a protocol compares."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.cases import References
from cemnet_jax.infer import forward, loading, paste, wav2lip
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.painter import Batch, Painter
from cemnet_jax.infer.talker import Options, Talker
from cemnet_jax.preprocess.audio import load_wav16, mel_windows
from cemnet_jax.preprocess.crop import crop_frame, decode_jpeg
from cemnet_jax.systems import SYSTEMS
from cemnet_jax.topology import CONTENT, EMOTIONS

ENCODERS = ('aee', 'audio_emotion')  # a system hears by the first of them that it has
KEPT_SPEECHES = 16  # whose emotion is kept for the next method and the next case
RENDER_BATCH = 8  # frames at a time; a last batch is filled up by repeating its last frame
TRUTH, COPY, ORACLE = 'ground_truth', 'reference_copy', 'oracle_landmarks'
BOUNDS = (TRUTH, COPY, ORACLE)
TOLD = 'cemnet_told'
UNRANKED = (*BOUNDS, TOLD)  # no systems that could be the best
DESCRIPTIONS = {
  TRUTH: 'the real clip',
  COPY: 'one reference picture, repeated: what not moving at all scores',
  ORACLE: "the real clip's landmarks, drawn by the renderer: what the renderer alone loses",
  'wav2lip': 'Wav2Lip with a lip-sync expert of its own, trained on the same data',
  'a2m_renderer': 'Audio2Mouth and the renderer, no emotion (IP-LAP)',
  'cemnet_no_ebm': 'the landmark decoder fed the cross-emotion features directly',
  'cemnet_no_aee': 'the memory asked with the logits of an audio emotion classifier',
  'cemnet': 'the whole system',
  TOLD: 'cemnet, told the emotion in place of hearing it: what hearing it wrongly costs'}


class Method(NamedTuple):
  """A way to make a mouth, and pictures of it, from a driving clip (a record) and references.

  predict: (clip, References) -> content points (T, 57, 2) in the crop; None where a method draws
    without landmarks.
  render: (clip, References, content (T, 57, 2) or None, frames (F,)) -> uint8 pictures
    (F, H, W, 3) of those frames; None where a method draws nothing.
  """
  name: str
  predict: Callable | None
  render: Callable | None = None


class Loaded(NamedTuple):
  """The methods that could be loaded, and name -> reason of those that could not.

  `crop` is the rule of the crops that the systems know, '' of Wav2Lip alone.
  """
  methods: list[Method]
  missing: dict[str, str]
  crop: str = ''


def load_methods(system_dir, systems: Sequence[str]) -> Loaded:
  """The bounds and the asked systems of a folder, as far as they are trained there.

  Raises:
    UserError: none of the systems is there.
  """
  found, missing = {}, {}
  load = functools.cache(functools.partial(loading.load, system_dir))
  nets, once, ears = None, None, {}
  for name in systems:
    try:
      if name == 'wav2lip':
        found[name] = wav2lip_method(wav2lip.load(system_dir))
        continue
      system = 'cemnet' if name == TOLD else name
      mine = load(system)
      nets, once = nets or mine, once or LastCase(Talker(mine))
      # All draw with the same renderer and differ after Audio2Mouth only; some hear alike.
      encoder = next((stage for stage in ENCODERS if stage in SYSTEMS[system]), None)
      ear = ears.setdefault(encoder, listener(Talker(mine)))
      found[name] = system_method(name, mine, once, ear, told=name == TOLD)
    except UserError as error:
      missing[name] = str(error)
  if not found:
    raise UserError(f'{system_dir}: none of {", ".join(systems)} is trained here '
                    f'({missing[systems[-1]]})')
  bounds = [Method(TRUTH, _true_content, _true_pictures),
            Method(COPY, _copied_content, _copied_pictures)]
  if nets:
    bounds.append(Method(ORACLE, _true_content, _renderer(nets)))
  else:
    missing[ORACLE] = 'no renderer'
  return Loaded([*bounds, *found.values()], missing, nets.crop if nets else '')


def wav2lip_method(nets: wav2lip.Networks) -> Method:
  """The baseline Wav2Lip over clip records, pasted back as the other systems' faces are."""
  def render(clip, references, content, frames):
    originals = [decode_jpeg(clip['frames'][f]) for f in frames]
    crops = _resize(originals, nets.image_size)
    faces = wav2lip.render(nets, crops, _resize(references.images, nets.image_size),
                           load_wav16(clip['audio']), np.asarray(frames))
    known = clip['landmarks'].astype(np.float32)
    # It tells no landmarks, so that only the real jaw says where the face ends.
    return np.stack([_pasted(original, face, crop, known[f], known[f])
                     for original, face, crop, f in zip(originals, faces, crops, frames)])

  return Method('wav2lip', None, render)


def _true_content(clip, references):
  return clip['landmarks'][:, CONTENT].astype(np.float32)


def _true_pictures(clip, references, content, frames):
  return np.stack([decode_jpeg(clip['frames'][f]) for f in frames])


def _copied_content(clip, references):
  return np.repeat(references.landmarks[:1, CONTENT], len(clip['frames']), axis=0)


def _copied_pictures(clip, references, content, frames):
  return np.repeat(references.images[:1], len(frames), axis=0)


def _renderer(nets):
  return lambda clip, references, content, frames: render_frames(
    nets, clip, references, content, frames)


class LastCase:
  """Audio2Mouth's motion for a clip and references, kept for the methods that are asked next.

  Each thread keeps its own.
  """

  def __init__(self, talker: Talker):
    self._talker, self._last = talker, threading.local()

  def __call__(self, clip, references, *arguments):
    asked = getattr(self._last, 'asked', (None, None))
    if clip is not asked[0] or references is not asked[1]:
      self._last.motion = self._talker.motion(*arguments)
      self._last.asked = clip, references
    return self._last.motion


def listener(talker: Talker) -> Callable[[bytes], Float[Array, '1 D']]:
  """What a talker hears in 16-bit speech at 16 kHz; of the last few speeches it still knows it."""
  return functools.lru_cache(KEPT_SPEECHES)(
    lambda pcm: talker.hear(load_wav16(np.frombuffer(pcm, np.int16))))


def system_method(name: str, nets: forward.Networks, motion: LastCase | None = None,
                  ear: Callable[[bytes], Float[Array, '1 D']] | None = None,
                  told: bool = False) -> Method:
  """A system's nets as a Method over clip records, in the coordinates of the records' crops.

  `motion` and `ear` are shared by methods with the same Audio2Mouth and the same emotion encoder.
  `told`: the emotion is the clip's label, not what is heard; UserError where some emotion was in no
  training speech.
  """
  talker = Talker(nets)
  # The canvas of a case is the real clip, whose jaw may not tell how it will move.
  options = Options(memory=nets.bridge is not None, calibrate=False)
  motion, ear = motion or LastCase(talker), ear or listener(talker)
  for emotion in EMOTIONS * told:
    forward.label_emotion(nets.bridge, emotion)  # UserError now rather than in the middle

  def predict(clip, references):
    emotion = EMOTIONS[clip['emotion']] if told else 'auto'
    said = *talker_inputs(clip, references), options._replace(emotion=emotion)
    heard = ear(clip['audio'].tobytes()) if options.memory and not told else None
    return talker.plan(*said, motion(clip, references, *said), heard).landmarks[:, CONTENT]

  return Method(name, predict, _renderer(nets))


def talker_inputs(clip, references: References
                  ) -> tuple[refs.References, np.ndarray, refs.References]:
  """(references, audio (S,), canvas) of a clip record as `Talker.plan` takes them."""
  size = references.images.shape[1]
  shown = refs.from_arrays(references.images, references.landmarks * size,
                           refs.whole_boxes(references.images))
  # Planning looks at landmarks only, so the canvas stays undecoded.
  landmarks = clip['landmarks'].astype(np.float32)
  boxes = np.tile(np.float32([0, 0, 1, 1]), (len(landmarks), 1))
  canvas = refs.from_arrays(clip['frames'], landmarks, boxes, moving=True)
  return shown, load_wav16(clip['audio']), canvas


def render_frames(nets: forward.Networks, clip, references, content, frames) -> np.ndarray:
  """Crops (F, S, S, 3) of a clip's `frames` with the mouth `content` (T, 57, 2), pasted back.

  As in a talking video, only the lower face changes and its edge fades into the original. The mouth
  has the nets' resolution.
  """
  known = clip['landmarks'].astype(np.float32)
  landmarks = known.copy()
  landmarks[:, CONTENT] = content
  count = min(nets.render_references, len(references.images))
  pick = np.linspace(0, len(references.images) - 1, count).round().astype(int)
  images = references.images[pick]
  shown = refs.from_arrays(images, references.landmarks[pick] * images.shape[1],
                           refs.whole_boxes(images))
  painter = Painter(nets, shown, images.shape[1], 'net', references.boxes[pick])
  mel = mel_windows(load_wav16(clip['audio']), 0, len(known))
  frames = np.asarray(frames)
  reach = np.arange(nets.render_window) - nets.render_window // 2
  around, place = np.unique(np.clip(frames[:, None] + reach, 0, len(known) - 1),
                            return_inverse=True)
  sketches = forward.sketches(nets, landmarks[around], clip['crop_box'][around])
  place = place.reshape(len(frames), nets.render_window)

  def batches() -> Iterator[Batch]:
    for start in range(0, len(frames), RENDER_BATCH):
      batch = np.minimum(np.arange(start, start + RENDER_BATCH), len(frames) - 1)
      at = frames[batch]
      originals = [decode_jpeg(clip['frames'][f]) for f in at]
      yield Batch(originals, refs.whole_boxes(originals), known[at],
                  landmarks[frames[start:start + RENDER_BATCH]], sketches[place[batch]], mel[at])

  return np.stack(list(painter.paint(batches())))


def _pasted(original, face, crop, known, landmarks):
  mask = paste.lower_face_mask(known, landmarks, len(face))
  return paste.paste(original, refs.whole_boxes([original])[0],
                     face + paste.tint(face, crop, known), mask)


def _resize(images, size):
  return np.stack([image if len(image) == size else
                   crop_frame(image, refs.whole_boxes([image])[0], size) for image in images])
