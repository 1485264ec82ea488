"""Checks of one record: a sound one passes, and each kind of damage gives its own line alone."""

import copy

import numpy as np
import pytest

from cemnet_jax.data.digest import record_digest
from cemnet_jax.data.folders import dataset_path, load_records
from cemnet_jax.data.verify_record import crop_size, record_problems
from cemnet_jax.preprocess.crop import encode_jpeg
from cemnet_jax.topology import INNER_LIP_BOTTOM, INNER_LIP_TOP, LEFT_EYE, LIPS, RIGHT_EYE


@pytest.fixture(scope='module')
def sound(debug_data):
  path = dataset_path(debug_data, 'synth_mead/mead_debug')
  return load_records(path).as_data_source('train')[0]


@pytest.fixture
def record(sound):
  return copy.deepcopy(sound)


def test_a_sound_record_has_no_problem(sound):
  assert record_problems(sound) == []
  assert crop_size(sound) == (32, 32)


def change(name, value):
  """Damage that replaces a field by `value`, or by value(field)."""
  def damage(record):
    record[name] = value(record[name]) if callable(value) else value
  return damage


def drop(name):
  def damage(record):
    del record[name]
  return damage


def frame(number, value):
  """Damage to one picture: other bytes, or other pixels."""
  def damage(record):
    old = record['frames'][number]
    record['frames'][number] = (value(old) if callable(value) else
                                encode_jpeg(np.array(value, np.uint8)))
  return damage


def points(edit, frames=slice(4, 5), name='landmarks'):
  """Damage to the landmarks of some frames, in place."""
  def damage(record):
    edit(record[name][frames])
  return damage


def swap(first, second, axis):
  def edit(landmarks):
    kept = landmarks[:, first, axis].copy()
    landmarks[:, first, axis] = landmarks[:, second, axis].mean()
    landmarks[:, second, axis] = kept.mean()
  return edit


def put(index, value):
  def edit(array):
    array[index] = value
  return edit


def far(landmarks):
  landmarks += 2


def narrow(landmarks):
  landmarks[..., 0] = 0.5 + 0.1 * (landmarks[..., 0] - 0.5)


def mouth_to_forehead(landmarks):
  landmarks[:, LIPS, 1] -= 0.6


def cross_inner_lips(landmarks):
  landmarks[:, INNER_LIP_TOP, 1] = landmarks[:, INNER_LIP_BOTTOM, 1] + 0.05


def invert_outer_lips(landmarks):
  """Only the middle of the outer rim: mesh points 0 and 17."""
  landmarks[:, [96, 106], 1] = landmarks[:, [106, 96], 1]


def clipped(audio):
  return np.where(np.arange(len(audio)) % 50 == 0, 32767, audio).astype(np.int16)


NOISE = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
BROKEN = {
  'no field': (drop('landmarks'), 'has no field landmarks'),
  'more fields': (change('mood', 3), 'has the unknown field mood'),
  'text': (change('speaker', 7), 'speaker is int, expected bytes'),
  'number': (change('emotion', 1.5), 'emotion is float, expected integer'),
  'real number': (change('fps', 25), 'fps is int, expected floating'),
  'dtype': (change('landmarks', lambda a: a.astype(np.float32)),
            'landmarks are float32, expected float16'),
  'audio dtype': (change('audio', lambda a: a / 32768), 'audio are float64, expected int16'),
  'box dtype': (change('crop_box', lambda a: a.astype(np.float64)),
                'crop_box are float64, expected float32'),
  'shape': (change('landmarks', lambda a: a[:, :130]), 'expected (T, 131, 2)'),
  'audio shape': (change('audio', lambda a: a[:, None]), 'expected (T)'),
  'neutral shape': (change('neutral_landmarks', lambda a: a[:, :, :1]),
                    'neutral_landmarks have the shape'),
  'frames': (change('frames', lambda f: [np.frombuffer(x, np.uint8) for x in f]),
             'frames are no byte strings'),
  'fewer landmarks': (change('landmarks', lambda a: a[1:]), 'landmarks for '),
  'fewer boxes': (change('crop_box', lambda a: a[1:]), 'crop_box for '),
  'fewer neutral landmarks': (change('neutral_landmarks', lambda a: a[1:]),
                              'neutral_landmarks for '),
  'fewer samples': (change('audio', lambda a: a[:-1]), 'audio samples for '),
  'no id': (change('id', b''), 'id is empty'),
  'no speaker': (change('speaker', b''), 'speaker is empty'),
  'no sentence': (change('sentence', b''), 'sentence is empty'),
  'emotion': (change('emotion', 9), 'emotion is 9, expected 0 to 8'),
  'intensity': (change('intensity', -1), 'intensity is -1, expected 0 to 3'),
  'fps': (change('fps', 30.0), 'fps is 30, expected 25'),
  'sha256': (change('sha256', b'abc'), 'sha256 is not 64 hexadecimal digits'),
  'no picture': (frame(3, lambda jpeg: b''), 'frame 3: is no whole JPEG picture'),
  'cut picture': (frame(3, lambda jpeg: jpeg[:-10]), 'frame 3: is no whole JPEG picture'),
  'hollow picture': (frame(3, lambda jpeg: jpeg[:2] + jpeg[-2:]), 'cannot be decoded'),
  'large picture': (frame(3, np.tile(NOISE, (2, 2, 1))), 'frame 3: has not the 32 x 32 px'),
  'blank picture': (frame(3, np.full((32, 32, 3), 9)), 'frame 3: is blank'),
  'all oblong': (change('frames', lambda f: [encode_jpeg(NOISE[:24].astype(np.uint8))] * len(f)),
                 'more): is not square'),
  'nan': (points(put((0, 7), np.nan)), 'frame 4: landmarks are not finite'),
  'infinite neutral': (points(put((0, 7), np.inf), name='neutral_landmarks'),
                       'frame 4: neutral_landmarks are not finite'),
  'far': (points(far, slice(None)),
          'more): landmarks lie outside of [-0.5, 1.5]'),
  'narrow': (points(narrow, slice(None)), 'more): face narrower than 0.2'),
  'eyes': (points(mouth_to_forehead, slice(None)), 'more): eyes are not above the mouth'),
  'inner lips': (points(cross_inner_lips), 'frame 4: upper lip is not above'),
  'outer lips': (points(invert_outer_lips), 'frame 4: upper lip is not above'),
  'mirrored': (points(swap(LEFT_EYE, RIGHT_EYE, 0), slice(None)),
               'more): left eye is not right of the right eye'),
  'jump': (points(put((Ellipsis, 7, 1), -0.4), slice(4, None)),
           'frame 4: landmarks jump by over 0.3'),
  'box nan': (points(put((0, 1), np.nan), name='crop_box'), 'frame 4: crop_box is not finite'),
  'box': (points(put((0, 3), 0), name='crop_box'), 'frame 4: crop_box has no positive size'),
  'constant': (change('audio', lambda a: np.full_like(a, 500)), 'audio is constant (500)'),
  'silent': (change('audio', lambda a: np.sign(a).astype(np.int16)), 'audio is silent'),
  'clipped': (change('audio', clipped), 'audio is clipped in 2%')}


@pytest.mark.parametrize('name', BROKEN)
def test_each_damage_gives_its_own_line_alone(record, name):
  damage, line = BROKEN[name]
  damage(record)
  found = record_problems(record)
  assert len(found) == 1 and line in found[0], found


def test_a_clip_without_frames(record):
  for name in ('frames', 'landmarks', 'neutral_landmarks', 'crop_box'):
    record[name] = record[name][:0]
  assert record_problems(record) == ['holds no frames']
  assert record_problems(record, audio_only=True) == []
  assert crop_size(record) is None
  record['audio'] = record['audio'][:-1]
  (line,) = record_problems(record, audio_only=True)
  assert 'no multiple of 640' in line


def test_frames_where_there_should_be_sound_alone(sound):
  (line,) = record_problems(sound, audio_only=True)
  assert 'there is only sound' in line


def test_the_digest_sees_every_field(sound, record):
  assert record_digest(record) == record_digest(sound)
  others = {
    'frames': lambda f: [f[0][:-1], f[0][-1:] + f[1], *f[2:]], 'fps': lambda x: x + 1,
    'emotion': lambda x: x + 1, 'intensity': lambda x: x + 1, 'speaker_index': lambda x: x + 1}
  digests = {record_digest(sound)}
  for name, value in sound.items():
    changed = others.get(name, lambda x: x + b'!' if isinstance(x, bytes) else x + x.dtype.type(1))
    digests.add(record_digest({**sound, name: changed(value)}))
  shaped = {**sound, 'audio': sound['audio'][None]}
  typed = {**sound, 'audio': sound['audio'].view(np.uint16)}
  digests |= {record_digest(shaped), record_digest(typed)}
  assert len(digests) == 1 + len(sound) + 2
