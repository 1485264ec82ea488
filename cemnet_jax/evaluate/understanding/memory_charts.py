"""Pictures of the memory's slot usage."""

import numpy as np

from cemnet_jax.evaluate.charts import COLOURS, chart
from cemnet_jax.evaluate.heatmaps import heat_map
from cemnet_jax.evaluate.understanding.memory import MOST, Pairs, Usage, carrying, similarity
from cemnet_jax.topology import EMOTIONS

SHOWN = .99  # of the weight: slots beyond it are left out of the map of pairs


def draw_slots(usage: Usage, path) -> None:
  """Mean weight of each slot, the most used first, and what they hold together."""
  weights = np.sort(usage.weights.mean(0))[::-1]
  count, most = len(weights), carrying(weights, MOST)
  with chart(path, 8, 3.4) as figure:
    axes = figure.add_subplot()
    axes.bar(np.arange(1, count + 1), 100 * weights, width=.9, color=COLOURS[0], label='one slot')
    axes.axhline(100 / count, color='black', lw=.8, ls=':', label='all slots alike')
    axes.set(xlabel='slots, the most used first', ylabel='mean weight, %', xlim=(0, count + 1),
             title=f'{most} of {count} slots hold {100 * MOST:.0f} % of the weight')
    together = axes.twinx()
    together.plot(np.arange(1, count + 1), 100 * np.cumsum(weights), color=COLOURS[5],
                  label='together')
    together.plot([most, most, count + 1], [0, 100 * MOST, 100 * MOST], color=COLOURS[5], lw=.8,
                  ls='--')
    together.set(ylim=(0, 103), ylabel='weight together, %')
    together.spines.right.set_visible(True)
    figure.legend(loc='outside lower center', ncols=3)


def draw_pairs(pairs: Pairs, path) -> None:
  """Usage of the slots (columns) by every pair of emotions (rows)."""
  slots = slot_order(pairs)
  rows = len(pairs.weights)
  with chart(path, 8.5, 1.3 + .135 * rows) as figure:
    axes = figure.add_subplot()
    image = axes.imshow(100 * pairs.weights[:, slots], aspect='auto', cmap='Blues', vmin=0,
                        interpolation='nearest')
    axes.set_yticks(range(rows), [EMOTIONS[e] for e in pairs.shown], fontsize=6)
    axes.set_xticks(range(len(slots)), slots, fontsize=6, rotation=90)
    axes.set(xlabel='slot, in the order of the pairs that read it most', ylabel='reference',
             title='Weight of each slot by pair of emotions; '
             f'these {len(slots)} of {pairs.weights.shape[1]} hold {100 * SHOWN:.0f} %')
    axes.tick_params(length=0)
    for start, stop, emotion in _groups(pairs.heard):
      axes.axhline(stop - .5, color='black', lw=.8)
      axes.text(1.01, 1 - (start + stop) / 2 / rows, f'{emotion}\nspeech', va='center',
                transform=axes.transAxes, fontsize=8)
    figure.colorbar(image, ax=axes, label='weight, %', pad=.02, aspect=40)


def slot_order(pairs: Pairs) -> np.ndarray:
  """The slots that are used, in the order of the pairs that read each of them most."""
  mean = pairs.weights.mean(0)
  used = np.argsort(-mean, kind='stable')[:carrying(mean, SHOWN)]
  return used[np.lexsort((-pairs.weights[:, used].max(0), pairs.weights[:, used].argmax(0)))]


def draw_similarity(pairs: Pairs, path) -> None:
  """Cosine between the usages of any two pairs of emotions."""
  rows = len(pairs.weights)
  with chart(path, 8.4, 7.4) as figure:
    axes = figure.add_subplot()
    image = axes.imshow(similarity(pairs), cmap='cividis', interpolation='nearest')
    groups = _groups(pairs.heard)
    middles = [(start + stop - 1) / 2 for start, stop, _ in groups]
    names = [emotion for *_, emotion in groups]
    axes.set_xticks(middles, names, rotation=30, ha='right', rotation_mode='anchor')
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)
    for _, stop, _ in groups[:-1]:
      axes.axhline(stop - .5, color='white', lw=.8)
      axes.axvline(stop - .5, color='white', lw=.8)
    axes.set(title=f'How alike {rows} pairs of emotions use the slots',
             xlabel='emotion of the speech, each with all emotions of the references',
             ylabel='emotion of the speech')
    figure.colorbar(image, ax=axes, label='cosine of the two usages', shrink=.8)


def draw_top(pairs: Pairs, path) -> None:
  """The slot that each pair of emotions reads most, and its weight."""
  weights = np.full((len(EMOTIONS), len(EMOTIONS)), np.nan)
  texts = [[''] * len(EMOTIONS) for _ in EMOTIONS]
  for shown, heard, usage in zip(pairs.shown, pairs.heard, pairs.weights):
    slot = int(usage.argmax())
    weights[shown, heard] = 100 * usage[slot]
    texts[shown][heard] = f'#{slot}\n{100 * usage[slot]:.0f} %'
  heat_map(weights, EMOTIONS, EMOTIONS, 'The slot that each pair reads most, and its weight', path,
           better=None, texts=texts, row_name='emotion of the reference',
           column_name='emotion of the speech')


def _groups(labels):
  """(start, stop, emotion) of each run of equal labels."""
  edges = [0, *(np.flatnonzero(np.diff(labels)) + 1), len(labels)]
  return [(a, b, EMOTIONS[labels[a]]) for a, b in zip(edges, edges[1:])]
