"""Strips of frames to look at; pictures of real people, so they stay out of the repository."""


import numpy as np
from jaxtyping import UInt8

from benchmarks.real.measure import Footage
from cemnet_jax.evaluate import figures
from cemnet_jax.metrics.lip_gap import face_height, lip_gap
from cemnet_jax.preprocess.crop import crop_frame

COUNT = 7  # frames of a strip
SIZE = 256  # px of a picture
WIDER = 0.12  # sides of the crop shown around it, where a smear may lie
LOWER = 0.62  # side of the zoomed square in sides of the crop


def strip(footage: Footage, title: str) -> UInt8[np.ndarray, 'H W 3']:
  """Reference and frames, then the same with the lower face enlarged.

  The frames are spread evenly, but for the one with the widest asked mouth, which comes last.
  """
  count = len(footage.drawn)
  widest = int(lip_gap(footage.asked, face_height(footage.asked)).argmax())
  ids = [*np.linspace(0, count - 1, COUNT + 1).astype(int)[:-1], widest]
  pictures = [(footage.pictures[footage.shown[widest]], footage.boxes[footage.shown[widest]])]
  pictures += [(footage.drawn[i], footage.boxes[footage.shown[i]]) for i in ids]
  heads = ['reference', *(f'frame {i}' for i in ids[:-1]), f'widest asked: {ids[-1]}']
  rows = [(title, [[crop_frame(frame, _wider(box), SIZE)] for frame, box in pictures]),
          ('lower face', [[crop_frame(frame, _lower(box), SIZE)] for frame, box in pictures])]
  return figures.contact_sheet(rows, heads, size=SIZE)




def _wider(box):
  grow = WIDER * (box[2] - box[0])
  return box + np.float32([-grow, -grow, grow, grow])


def _lower(box):
  side = box[2] - box[0]
  left, top = box[0] + (1 - LOWER) / 2 * side, box[1] + (1 - LOWER) * side + 0.04 * side
  return np.float32([left, top, left + LOWER * side, top + LOWER * side])
