"""Trained systems as the methods that a protocol compares."""

from pathlib import Path

import numpy as np

from cemnet_jax.evaluate.protocol import Method
from cemnet_jax.infer import forward, paste
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Options, Talker
from cemnet_jax.preprocess.audio import load_wav16, mel_windows
from cemnet_jax.preprocess.crop import crop_frame, decode_jpeg
from cemnet_jax.preprocess.sketch import draw_sketches
from cemnet_jax.topology import CONTENT

RENDER_BATCH = 8  # frames at a time; a last batch is filled up by repeating its last frame
WITHOUT_MEMORY = 'audio2mouth'  # the row of a system whose memory is bypassed


def trained_methods(system_dir) -> list[Method]:
  """Audio2Mouth alone, `cemnet_no_ebm` where it was trained too, and `cemnet`.

  All three draw with the same renderer.

  Raises:
    UserError: a stage of `cemnet` is missing.
  """
  cemnet = forward.load(system_dir, 'cemnet')
  once = LastCase(Talker(cemnet))  # they differ after Audio2Mouth only
  methods = [system_method(WITHOUT_MEMORY, cemnet, memory=False, motion=once)]
  if (Path(system_dir) / 'ebm_direct' / 'done.json').is_file():
    direct = forward.with_bridge_of(cemnet, system_dir, 'cemnet_no_ebm')
    methods.append(system_method('cemnet_no_ebm', direct, motion=once))
  return [*methods, system_method('cemnet', cemnet, motion=once)]


class LastCase:
  """Audio2Mouth's motion for a clip and references, kept for the methods that are asked next."""

  def __init__(self, talker: Talker):
    self._talker, self._asked, self._motion = talker, (None, None), None

  def __call__(self, clip, references, *arguments):
    if clip is not self._asked[0] or references is not self._asked[1]:
      self._motion = self._talker.motion(*arguments)
      self._asked = clip, references
    return self._motion


def system_method(name: str, nets: forward.Networks, memory: bool = True,
                  motion: LastCase | None = None) -> Method:
  """A system's nets as a Method over clip records, in the coordinates of the records' crops."""
  talker, options = Talker(nets), Options(memory=memory)
  motion = motion or LastCase(talker)

  def predict(clip, references):
    size = references.images.shape[1]
    shown = refs.from_arrays(references.images, references.landmarks * size,
                             refs.whole_boxes(references.images))
    # Planning looks at landmarks only, so the canvas stays undecoded.
    landmarks = clip['landmarks'].astype(np.float32)
    boxes = np.tile(np.float32([0, 0, 1, 1]), (len(landmarks), 1))
    canvas = refs.from_arrays(clip['frames'], landmarks, boxes, moving=True)
    said = shown, load_wav16(clip['audio']), canvas, options
    plan = talker.plan(*said, motion(clip, references, *said))
    return plan.landmarks[:, CONTENT]

  def render(clip, references, content, frames):
    return render_frames(nets, clip, references, content, frames)

  return Method(name, predict, render)


def render_frames(nets: forward.Networks, clip, references, content, frames) -> np.ndarray:
  """Crops (F, S, S, 3) of a clip's `frames` with the mouth `content` (T, 57, 2), pasted back.

  As in a talking video, only the lower face changes and its edge fades into the original.
  """
  size = nets.image_size
  known = clip['landmarks'].astype(np.float32)
  landmarks = known.copy()
  landmarks[:, CONTENT] = content
  count = min(nets.render_references, len(references.images))
  pick = np.linspace(0, len(references.images) - 1, count).round().astype(int)
  encoded = forward.encode_references(
    nets, _resize([references.images[i] for i in pick], size),
    draw_sketches(references.landmarks[pick], size))
  mel = mel_windows(load_wav16(clip['audio']), 0, len(known))
  reach = np.arange(nets.window) - nets.window // 2
  pictures = []
  for start in range(0, len(frames), RENDER_BATCH):
    some = np.asarray(frames[start:start + RENDER_BATCH])
    at = some[np.minimum(np.arange(RENDER_BATCH), len(some) - 1)]
    originals = [decode_jpeg(clip['frames'][f]) for f in some]
    crops = _resize(originals, size)
    around = np.clip(at[:, None] + reach, 0, len(known) - 1)
    sketches = draw_sketches(landmarks[around.ravel()], size)
    faces = np.asarray(forward.render(
      nets, crops[np.minimum(np.arange(RENDER_BATCH), len(some) - 1)],
      sketches.reshape(*around.shape, size, size), encoded, mel[at]))
    for face, crop, original, frame in zip(faces, crops, originals, some):
      mask = paste.lower_face_mask(known[frame], landmarks[frame], size)
      pictures.append(paste.paste(original, refs.whole_boxes([original])[0],
                                  paste.match_colour(face, crop, known[frame]), mask))
  return np.stack(pictures)


def _resize(images, size):
  return np.stack([image if len(image) == size else
                   crop_frame(image, refs.whole_boxes([image])[0], size) for image in images])
