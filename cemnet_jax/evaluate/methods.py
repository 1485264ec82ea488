"""Trained systems, and bounds that need no training, as the methods that a protocol compares."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from cemnet_jax.errors import UserError
from cemnet_jax.evaluate import mouths
from cemnet_jax.evaluate.cases import References
from cemnet_jax.infer import forward, loading, paste, wav2lip
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.painter import Batch, Painter
from cemnet_jax.infer.talker import Talker
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
  COPY: 'the lower face of one reference picture in every frame: what not moving at all scores',
  ORACLE: "the real clip's landmarks, drawn by the renderer: what the renderer alone loses",
  'wav2lip': 'Wav2Lip with a lip-sync expert of its own, trained on the same data',
  'a2m_renderer': 'Audio2Mouth and the renderer, no emotion (IP-LAP)',
  'cemnet_no_ebm': 'the landmark decoder fed the cross-emotion features directly',
  'cemnet_no_aee': 'the memory asked with the logits of an audio emotion classifier',
  'cemnet': 'the whole system',
  TOLD: 'cemnet, told the emotion in place of hearing it: what hearing it wrongly costs'}


class Method(NamedTuple):
  """A way to make a mouth, and pictures of it, from a driving clip (a record) and references.

  predict: (clip, References of each of N cases) -> content points (N, T, 57, 2) in the crop; None
    where a method draws without landmarks.
  render: (clip, References, content (T, 57, 2) or None, frames (F,)) -> uint8 pictures
    (F, H, W, 3) of those frames; None where a method draws nothing.
  alike: what is predicted depends on the clip alone.
  """
  name: str
  predict: Callable | None
  render: Callable | None = None
  alike: bool = False


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
  found, missing, known = {}, {}, {}
  load = functools.cache(lambda system: loading.load(system_dir, system, known))
  nets, motion, eyes, ears = None, None, None, {}
  for name in systems:
    try:
      if name == 'wav2lip':
        found[name] = wav2lip_method(wav2lip.load(system_dir))
        continue
      system = 'cemnet' if name == TOLD else name
      mine = load(system)
      # All draw with the same renderer and differ after Audio2Mouth only. Those with a memory look
      # at the references alike, and some hear alike.
      nets, motion = nets or mine, motion or mover(mine)
      eyes = eyes or (looker(mine) if mine.bridge else None)
      encoder = next((stage for stage in ENCODERS if stage in SYSTEMS[system]), None)
      ear = ears.setdefault(encoder, listener(Talker(mine)))
      found[name] = system_method(name, mine, motion, ear, eyes, told=name == TOLD)
    except UserError as error:
      missing[name] = str(error)
  if not found:
    raise UserError(f'{system_dir}: none of {", ".join(systems)} is trained here '
                    f'({missing[systems[-1]]})')
  bounds = [Method(TRUTH, _true_content, _true_pictures, alike=True),
            Method(COPY, _copied_content, _copied_pictures)]
  if nets:
    bounds.append(Method(ORACLE, _true_content, _renderer(nets), alike=True))
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
  return np.repeat(clip['landmarks'][None, :, CONTENT].astype(np.float32), len(references), 0)


def _true_pictures(clip, references, content, frames):
  return np.stack([decode_jpeg(clip['frames'][f]) for f in frames])


def _copied_content(clip, references):
  still = np.stack([some.landmarks[:1, CONTENT] for some in references])
  return np.repeat(still, len(clip['frames']), axis=1)


def _copied_pictures(clip, references, content, frames):
  """The reference picture, pasted as generated faces are, with all that is face in it."""
  originals = _true_pictures(clip, references, content, frames)
  size = originals.shape[1]
  [face] = _resize(references.images[:1], size)
  shown = paste.face_mask(references.landmarks[0], size) / np.float32(255)
  known = clip['landmarks'].astype(np.float32)[np.asarray(frames)]
  drawn = known.copy()
  drawn[:, CONTENT] = content[np.asarray(frames)]
  return np.stack([_pasted(original, face, original, *points, shown)
                   for original, *points in zip(originals, known, drawn)])


def _renderer(nets):
  return lambda clip, references, content, frames: render_frames(
    nets, clip, references, content, frames)


class Last:
  """A function that still knows its value for the very arguments that it was asked about last.

  Each thread keeps its own.
  """

  def __init__(self, function: Callable):
    self._function, self._last = function, threading.local()

  def __call__(self, *asked):
    known = getattr(self._last, 'asked', ())
    if len(known) != len(asked) or any(a is not b for a, b in zip(known, asked)):
      self._last.value = self._function(*asked)
      self._last.asked = asked
    return self._last.value


def mover(nets: forward.Networks) -> Last:
  """(clip, references of N cases) -> Audio2Mouth's motions."""
  tokens = Last(functools.partial(mouths.frame_tokens, nets))
  return Last(lambda clip, references: mouths.motions(
    nets, tokens(clip), len(clip['landmarks']), [shown(some) for some in references]))


def looker(nets: forward.Networks) -> Last:
  """(references of N cases) -> what the memory is told of them."""
  return Last(lambda references: mouths.looks(nets, [shown(some) for some in references]))


def listener(talker: Talker) -> Callable[[bytes], Float[Array, '1 D']]:
  """What a talker hears in 16-bit speech at 16 kHz; of the last few speeches it still knows it."""
  return functools.lru_cache(KEPT_SPEECHES)(
    lambda pcm: talker.hear(load_wav16(np.frombuffer(pcm, np.int16))))


def system_method(name: str, nets: forward.Networks, motion: Last | None = None,
                  ear: Callable[[bytes], Float[Array, '1 D']] | None = None,
                  eyes: Last | None = None, told: bool = False) -> Method:
  """A system's nets as a Method over clip records, in the coordinates of the records' crops.

  `motion`, `ear` and `eyes` (see `mover`, `listener`, `looker`) are shared by methods with the same
  Audio2Mouth, the same emotion encoder and the same nets for pictures.
  `told`: the emotion is the clip's label, not what is heard; UserError where some emotion was in no
  training speech.
  """
  motion, ear = motion or mover(nets), ear or listener(Talker(nets))
  eyes = eyes or (looker(nets) if nets.bridge else None)
  for emotion in EMOTIONS * told:
    forward.label_emotion(nets.bridge, emotion)  # UserError now rather than in the middle

  def heard(clip):
    return (forward.label_emotion(nets.bridge, EMOTIONS[clip['emotion']]) if told
            else ear(clip['audio'].tobytes()))

  def predict(clip, references):
    cues = None
    if nets.bridge:
      voice = np.repeat(np.asarray(heard(clip)), len(references), 0)
      cues = forward.Cues(voice, *eyes(references))
    return mouths.contents(nets, motion(clip, references), cues)

  return Method(name, predict, _renderer(nets))


def talker_inputs(clip, references: References
                  ) -> tuple[refs.References, np.ndarray, refs.References]:
  """(references, audio (S,), canvas) of a clip record as `Talker.plan` takes them."""
  # Planning looks at landmarks only, so the canvas stays undecoded.
  landmarks = clip['landmarks'].astype(np.float32)
  boxes = np.tile(np.float32([0, 0, 1, 1]), (len(landmarks), 1))
  canvas = refs.from_arrays(clip['frames'], landmarks, boxes, moving=True)
  return shown(references), load_wav16(clip['audio']), canvas


def shown(references: References) -> refs.References:
  """A case's references, which are whole crops, as inference takes them."""
  return refs.from_arrays(references.images, references.landmarks * references.images.shape[1],
                          refs.whole_boxes(references.images))


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
  picked = shown(References(*(part[pick] for part in references)))
  painter = Painter(nets, picked, references.images.shape[1], 'net', references.boxes[pick])
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


def _pasted(original, face, crop, known, landmarks, drawn=None):
  mask = paste.lower_face_mask(known, landmarks, len(face), drawn)
  return paste.paste(original, refs.whole_boxes([original])[0],
                     face + paste.tint(face, crop, known), mask)


def _resize(images, size):
  return np.stack([image if len(image) == size else
                   crop_frame(image, refs.whole_boxes([image])[0], size) for image in images])
