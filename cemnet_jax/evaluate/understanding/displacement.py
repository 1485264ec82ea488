"""How the memory moves the mouth of Audio2Mouth, beside how it should have moved it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from cemnet_jax.data.source import Clips
from cemnet_jax.evaluate.cases import Case, draw_references
from cemnet_jax.evaluate.charts import COLOURS, chart
from cemnet_jax.evaluate.figures import fit
from cemnet_jax.evaluate.methods import mover, system_method
from cemnet_jax.evaluate.stable import stable_content
from cemnet_jax.infer import forward
from cemnet_jax.metrics.lmd import FACE_SIZE
from cemnet_jax.nets import landmark_frame
from cemnet_jax.preprocess.crop import decode_jpeg
from cemnet_jax.topology import CONTENT, EMOTIONS, STABLE

MEMORY, TRUTH = COLOURS[0], COLOURS[2]
REFERENCES = 5  # pictures of the speaker, as in the paper
SIZE = 300  # px of the enlarged face under the arrows
MARGIN = .08  # crops: of the picture around the mouth and jaw
LEAST = 1e-9  # crops: no division by a shorter displacement
# Content points in lines, and whether they close: jaw, outer lip, inner lip.
CONTOURS = ((np.arange(17), False), (np.arange(17, 37), True), (np.arange(37, 57), True))


class Field(NamedTuple):
  """Mean mouths of one clip in the face's own frame, laid on one of its frames (crops).

  Attributes:
    shown, heard: emotion of the references and of the speech.
    agnostic, bridged, true: the 57 points of Audio2Mouth, of the whole system, of the real clip.
    picture: the real frame whose mouth is nearest to the mean one.
  """
  shown: int
  heard: int
  speaker: str
  agnostic: Float[np.ndarray, '57 2']
  bridged: Float[np.ndarray, '57 2']
  true: Float[np.ndarray, '57 2']
  picture: UInt8[np.ndarray, 'S S 3']


def measure(clips: Clips, nets: forward.Networks, cases: list[Case]) -> list[Field]:
  """The displacement fields of some cases, by a system with a memory."""
  once = mover(nets)
  systems = [system_method(name, some, motion=once) for name, some in (
    ('agnostic', nets._replace(bridge=None)), ('bridged', nets))]
  return [_field(clips, systems, case) for case in cases]


def _field(clips, systems, case):
  clip = clips[case.driving]
  references = [draw_references(clips, case, REFERENCES)]
  landmarks = clip['landmarks'].astype(np.float32)
  contents = [*(system.predict(clip, references)[0] for system in systems), landmarks[:, CONTENT]]
  stable = stable_content(contents, [landmarks] * 3)
  means = [mouths.mean(0) for mouths in stable]
  frame = int(np.square(stable[-1] - means[-1]).sum((1, 2)).argmin())
  face = landmark_frame.fit(landmarks[frame, STABLE])
  shown, heard = (int(clips.table['emotion'][i]) for i in (case.reference, case.driving))
  return Field(shown, heard, str(clips.table['speaker'][case.driving]),
               *(np.asarray(landmark_frame.from_frame(mean, face)) for mean in means),
               decode_jpeg(clip['frames'][frame]))


def summary(field: Field) -> dict:
  """The numbers of a field as plain data.

  Returns:
    moved_px, true_px: mean length of the displacements, px of a 256 face; cosine: of the two
    fields, 1 where all arrows point and are scaled alike; left_px: mean distance that remains.
  """
  moved, wanted = field.bridged - field.agnostic, field.true - field.agnostic
  length = lambda x: float(FACE_SIZE * np.linalg.norm(x, axis=-1).mean())
  both = np.linalg.norm(moved) * np.linalg.norm(wanted)
  return {'speaker': field.speaker, 'reference': EMOTIONS[field.shown],
          'speech': EMOTIONS[field.heard], 'moved_px': length(moved), 'true_px': length(wanted),
          'left_px': length(wanted - moved),
          'cosine': float((moved * wanted).sum() / max(both, LEAST))}


def draw(fields: list[Field], path) -> None:
  """One row per field: on the left what the memory moves, on the right what it should have."""
  with chart(path, 9.4, .4 + 2.95 * len(fields)) as figure:
    axes = figure.subplots(len(fields), 2, squeeze=False)
    for row, field in zip(axes, fields):
      numbers = summary(field)
      _arrows(row[0], field, field.bridged, MEMORY)
      _arrows(row[1], field, field.true, TRUTH)
      row[0].set_title(f'{numbers["reference"]} face, {numbers["speech"]} speech: the memory moves '
                       f'{numbers["moved_px"]:.1f} px')
      row[1].set_title(f'to the real mouth {numbers["true_px"]:.1f} px; cosine '
                       f'{numbers["cosine"]:.2f}, {numbers["left_px"]:.1f} px left')
    figure.suptitle(f'Speaker {fields[0].speaker}. White: Audio2Mouth; blue: with the memory; '
                    'green: the real mouth. Mean over a clip, px of a 256 face',
                    x=.01, ha='left', fontsize=10)


def _arrows(axis, field, goal, colour):
  axis.imshow(fit(field.picture, SIZE), extent=(0, 1, 1, 0))
  for points, line in ((field.agnostic, 'white'), (goal, colour)):
    for part, closed in CONTOURS:
      drawn = points[part] if not closed else points[np.append(part, part[0])]
      axis.plot(*drawn.T, lw=1.4, color=line)
  axis.quiver(*field.agnostic.T, *(goal - field.agnostic).T, angles='xy', scale_units='xy',
              scale=1, width=.004, headwidth=4, headlength=4.5, headaxislength=4, zorder=3)
  low, high = field.true.min(0) - MARGIN, field.true.max(0) + MARGIN
  axis.set(xticks=[], yticks=[], xlim=np.clip((low[0], high[0]), 0, 1),
           ylim=np.clip((high[1], low[1]), 0, 1))
  axis.spines[:].set_visible(False)
