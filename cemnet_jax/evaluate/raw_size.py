"""Talking videos of drawn speakers at a raw picture's size: both resolutions against the truth.

Datasets hold crops of a few dozen pixels, in which detail that the nets do not draw cannot be
missed; the worlds' scenes are drawn again, larger, and compared there.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cemnet_jax.data.source import Clips
from cemnet_jax.errors import UserError
from cemnet_jax.evaluate.cases import Case, reference_frames
from cemnet_jax.evaluate.scenes import draw_scene
from cemnet_jax.infer import RESOLUTIONS, paste
from cemnet_jax.infer import references as refs
from cemnet_jax.infer.talker import Options, Talker
from cemnet_jax.metrics import oval
from cemnet_jax.metrics.psnr_ssim import image_scores
from cemnet_jax.metrics.sharpness import sharpness
from cemnet_jax.metrics.tally import Tally, merge
from cemnet_jax.preprocess.audio import load_wav16
from cemnet_jax.preprocess.crop import crop_frame
from cemnet_jax.preprocess.synthetic.world import WORLDS

PREDICTED, ORACLE = 'cemnet', 'oracle_landmarks'
SHOWN = ('psnr', 'ssim', 'psnr_region', 'ssim_region', 'sharpness')
WAYS = tuple((who, resolution) for who in (PREDICTED, ORACLE) for resolution in RESOLUTIONS)


def check(clips_name: str) -> None:
  """UserError unless scenes of the dataset can be drawn again."""
  kind, _, world = clips_name.partition('/')
  if kind != 'synth_mead' or world not in WORLDS:
    raise UserError(f'--raw-size: {clips_name} holds crops alone, and only scenes of the synthetic '
                    'worlds can be drawn again; leave the flag out')


def measure(talker: Talker, clips: Clips, cases: Sequence[Case], size: int, count: int
            ) -> dict[tuple[str, str], dict[str, Tally]]:
  """(PREDICTED or ORACLE, resolution) -> SHOWN over all frames of the cases.

  Args:
    size: side of the whole pictures, px.
    count: of references.
  """
  parts = [_case(talker, clips, case, size, count) for case in cases]
  return {way: {name: merge(part[way][name] for part in parts) for name in SHOWN}
          for way in WAYS}


def _case(talker, clips, case, size, count) -> Mapping[tuple[str, str], dict[str, Tally]]:
  world = clips.name.partition('/')[2]
  driving, shown = (draw_scene(world, clips[i], size) for i in case[:2])
  pick = reference_frames(case, len(shown.frames), count)
  references = refs.from_arrays(shown.frames[pick], shown.landmarks_px[pick], crop=talker.crop)
  canvas = refs.from_arrays(driving.frames, driving.landmarks_px, moving=True, crop=talker.crop)
  # As in the other tables: the canvas is the real clip, whose jaw may not tell how it will move.
  options = Options(calibrate=False)
  plan = talker.plan(references, load_wav16(driving.audio), canvas, options)
  true = plan._replace(landmarks=refs.crop_landmarks(canvas).astype(np.float32))
  side = round(float(np.median(canvas.boxes[:, 2] - canvas.boxes[:, 0])))
  real = _crops(driving.frames, canvas.boxes, side)
  known = refs.crop_landmarks(canvas)
  region = np.stack([paste.pasted_region(points, side) for points in known])
  face = [oval.lower_face(points, side) for points in known]
  detail = sharpness(real, face)
  found = {}
  for who, resolution in WAYS:
    made = talker.frames(plan if who == PREDICTED else true,
                         options._replace(resolution=resolution))
    drawn = _crops(list(made), canvas.boxes, side)
    share = sharpness(drawn, face) / detail
    found[who, resolution] = image_scores(drawn, real, region) | {
      'sharpness': Tally(float(share.sum()), float(len(share)))}
  return found


def _crops(frames, boxes, side):
  return np.stack([crop_frame(frame, box, side) for frame, box in zip(frames, boxes, strict=True)])
