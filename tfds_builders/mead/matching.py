"""Which clips say the same sentence, by their sound alone.

Cepstra of each clip, normalised over the clip, are squeezed to LENGTH frames and compared by
dynamic time warping under the cosine distance. A distance says little by itself, so it is scored
against those of the same two clips to all others (s-norm of speaker verification). Clips of one
speaker are grouped first; the mean cepstra of a group then stand for it among other speakers, whose
groups they join. Two clips of one cell (speaker, emotion, level) are never the same sentence.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from cemnet_jax.preprocess.alignment import dtw_path, path_costs, warp_to
from cemnet_jax.preprocess.parallel import ordered_map

LENGTH = 64  # frames to which every clip is squeezed: about 50 ms each
BAND = 0.1  # share of the length by which squeezed clips may differ in timing
MIN_SPREAD = 0.02  # of cosine distances to others; a smaller one is chance among few clips
# Scores above which groups join. With CONFIDENT in content.py 99 % of the pairs they make are
# right, and over 80 % are found, in synthetic worlds where most sentences belong to one emotion.
SAME_SPEAKER, OTHER_SPEAKER = 4.0, 3.0
_TILE = 128  # tracks compared at a time: their costs stay in the cache
_NEVER = 1e9  # outweighs the mean over all pairs of two groups


def match_clips(tracks: Sequence[np.ndarray], speakers: Sequence, cells: Sequence,
                processes: int = 1) -> tuple[Int[np.ndarray, ' N'], Float[np.ndarray, ' N']]:
  """Groups of clips that seem to say the same.

  Args:
    tracks: (frames, D) cepstra of each clip, without its energy and silent ends.
    speakers: who speaks in each clip.
    cells: of each clip; two clips of a cell say different sentences. A cell has one speaker.
    processes: how many compare tracks; their number changes nothing.

  Returns:
    Group of each clip, numbered by first appearance, and how much nearer it is to the others of
    its group than to the nearest other group: 0 (as near, or alone in its group) to 1.
  """
  frames = np.stack([squeeze(track) for track in tracks])
  speakers, cells = _numbered(speakers), _numbered(cells)
  clips = [np.flatnonzero(speakers == speaker) for speaker in range(speakers.max() + 1)]
  alone = ordered_map(_match_speaker, [(frames[mine], cells[mine]) for mine in clips],
                      min(processes, len(clips)))
  node, templates, scores = np.full(len(frames), -1), [], []
  for mine, (found, means, score) in zip(clips, alone, strict=True):
    node[mine] = found + len(templates)
    templates += means
    scores.append(score)
  owner = np.zeros(len(templates), int)
  owner[node] = speakers
  between = _scores(_distances(np.stack(templates), processes), owner)
  joined = _grouped(between, _share(cells, node), OTHER_SPEAKER)
  group = _numbered(joined[node])
  confidence = _margins(between, joined)[node]
  for mine, score in zip(clips, scores, strict=True):
    # A clip may be right among its speaker's and wrong among others', or the other way round.
    confidence[mine] = np.fmin(confidence[mine], _margins(score, group[mine]))
  return group, np.nan_to_num(confidence, nan=0.0)


def _match_speaker(task):
  """Frames and cells of one speaker's clips -> group of each, mean of each group, scores."""
  frames, cells = task
  distances = _distances(frames)
  score = _scores(distances, np.zeros(len(frames), int))
  group = _grouped(score, _share(cells, np.arange(len(frames))), SAME_SPEAKER)
  members = [np.flatnonzero(group == g) for g in range(group.max() + 1)]
  return group, [_mean_track(frames[m], distances[np.ix_(m, m)]) for m in members], score


def squeeze(track: Float[np.ndarray, 'M D']) -> Float[np.ndarray, 'L D']:
  """(LENGTH, D) float32 frames of unit length: means of equal parts of the normalised track."""
  track = np.asarray(track, np.float64)
  track = (track - track.mean(axis=0)) / np.maximum(track.std(axis=0), 1e-6)
  sums = np.concatenate([np.zeros((1, track.shape[1])), np.cumsum(track, axis=0)])
  edges, at = np.linspace(0, len(track), LENGTH + 1), np.arange(len(sums))
  parts = np.diff(np.stack([np.interp(edges, at, s) for s in sums.T], axis=1), axis=0)
  return _unit(parts)


def _unit(frames):
  return (frames / np.maximum(np.linalg.norm(frames, axis=1, keepdims=True), 1e-9)
          ).astype(np.float32)


def _numbered(labels) -> Int[np.ndarray, ' N']:
  """Labels -> 0, 1, ... in the order of their first appearance."""
  _, first, inverse = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
  return np.argsort(np.argsort(first))[inverse]


def _distances(frames: Float[np.ndarray, 'N L D'], processes: int = 1
               ) -> Float[np.ndarray, 'N N']:
  """Cosine distance along the best path of all pairs."""
  found = np.zeros((len(frames), len(frames)), np.float32)
  starts = range(0, len(frames), _TILE)
  corners = [(a, b) for a in starts for b in starts if a <= b]
  tasks = ((frames[a:a + _TILE], frames[b:b + _TILE]) for a, b in corners)
  tiles = ordered_map(_tile, tasks, min(processes, len(corners)))
  for (a, b), tile in zip(corners, tiles, strict=True):
    found[a:a + _TILE, b:b + _TILE] = tile
    found[b:b + _TILE, a:a + _TILE] = tile.T
  np.fill_diagonal(found, 0)
  return found


def _tile(task) -> Float[np.ndarray, 'A B']:
  """Distances of each of some tracks to each of others."""
  some, others = task
  flat = np.ascontiguousarray(others.transpose(2, 1, 0)).reshape(others.shape[2], -1)
  shape = (some.shape[1], others.shape[1], len(others))
  return np.stack([path_costs(1 - (track @ flat).reshape(shape), BAND) for track in some])


def _scores(distances, owner) -> Float[np.ndarray, 'N N']:
  """How many spreads a pair is nearer than its two are to others of the other's owner."""
  score = np.zeros_like(distances)
  members = [np.flatnonzero(owner == o) for o in range(owner.max() + 1)]
  for rows in members:
    for cols in members:
      block = distances[np.ix_(rows, cols)]
      others = block if rows is not cols else _without_diagonal(block)
      if others.shape[1]:
        low, middle, high = np.percentile(others, [25, 50, 75], axis=1)[..., None]
        score[np.ix_(rows, cols)] = (middle - block) / np.maximum((high - low) / 1.35, MIN_SPREAD)
  return (score + score.T) / 2


def _without_diagonal(block):
  return block[~np.eye(len(block), dtype=bool)].reshape(len(block), -1)


def _share(cells, node) -> Bool[np.ndarray, 'N N']:
  """Which nodes hold clips of the same cell; node n has the clips i with node[i] == n."""
  held = np.zeros((node.max() + 1, cells.max() + 1), np.float32)
  held[node, cells] = 1
  return held @ held.T > 0


def _grouped(score, conflict, threshold) -> Int[np.ndarray, ' N']:
  """Group of each item: average linkage down to the threshold, never across a conflict."""
  if len(score) < 2:
    return np.zeros(len(score), int)
  top = score.max()
  distance = np.where(conflict, _NEVER, top - score)
  np.fill_diagonal(distance, 0)
  tree = linkage(squareform(distance, checks=False), 'average')
  return _numbered(fcluster(tree, top - threshold, 'distance'))


def _mean_track(frames: Float[np.ndarray, 'G L D'], distances) -> Float[np.ndarray, 'L D']:
  """The mean of a group's tracks on the time axis of the one nearest to all others."""
  middle = frames[distances.sum(axis=1).argmin()]
  return _unit(np.mean([warp_to(dtw_path(middle, track, BAND), track, len(middle))
                        for track in frames], axis=0))


def _margins(score, group) -> Float[np.ndarray, ' N']:
  """(own - next) / own of each item's mean scores to its own and the next group; nan if alone."""
  held = group[:, None] == np.arange(group.max() + 1)
  count = held.sum(axis=0) - held
  total = (score - np.diag(np.diag(score))) @ held
  mean = np.divide(total, count, where=count > 0, out=np.full(total.shape, np.nan))
  own = mean[held]
  following = np.where(held, 0, mean).max(axis=1, initial=0)
  return np.clip((own - following) / np.maximum(own, 1e-9), 0, 1)
