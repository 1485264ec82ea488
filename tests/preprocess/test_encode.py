"""Videos are written in the container that their name asks for, whole or not at all."""

import os

import av
import numpy as np
import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import encode, video
from cemnet_jax.topology import SAMPLES_PER_FRAME

FRAMES = np.full((10, 32, 48, 3), (200, 60, 40), np.uint8)
WAV = np.zeros(10 * SAMPLES_PER_FRAME, np.float32)


@pytest.mark.parametrize('name,container,codecs', [
  ('a.mp4', 'mp4', ('h264', 'aac')), ('a', 'mp4', ('h264', 'aac')),
  ('A.MOV', 'mov', ('h264', 'aac')),
  ('a.mkv', 'matroska', ('h264', 'aac')), ('a.webm', 'webm', ('vp9', 'opus')),
  ('a.m4v', 'mp4', ('h264', 'aac'))])
def test_the_name_says_the_container(tmp_path, name, container, codecs):
  encode.write_video(tmp_path / name, FRAMES, WAV)
  with av.open(str(tmp_path / name)) as got:
    assert container in got.format.name
    assert (got.streams.video[0].codec.canonical_name, got.streams.audio[0].codec.canonical_name
            ) == codecs
  head = (tmp_path / name).read_bytes()[:12]
  assert head.startswith(b'\x1aE\xdf\xa3') if container in ('webm', 'matroska') else (
    head[4:8] == b'ftyp' and head[8:10] == (b'qt' if container == 'mov' else b'is'))
  got = video.read_video(tmp_path / name)
  assert len(got.frames) == 10
  assert np.abs(got.frames[5, 10, 10].astype(int) - (200, 60, 40)).max() < 8


@pytest.mark.parametrize('name', ['a.avi', 'a.gif', 'a.png', 'a.wav', 'a.txt'])
def test_other_names_are_refused_before_the_work(tmp_path, name):
  def frames():
    pytest.fail('the work began')
    yield
  with pytest.raises(UserError, match=r'no video that can be written; name it \.mp4'):
    encode.write_video(tmp_path / name, frames())
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('name', ['talk:1.mp4', 'caf\udce9.mp4', '%03d.mp4', 'pipe:1', '-.mp4'])
def test_any_name_is_written(tmp_path, monkeypatch, name):
  monkeypatch.chdir(tmp_path)
  encode.write_video(name, FRAMES, WAV)
  assert os.listdir('.') == [name]
  assert len(video.read_video(name).frames) == 10


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path):
  (tmp_path / 'link.mp4').symlink_to('target')
  encode.write_video(tmp_path / 'link.mp4', FRAMES)
  assert (tmp_path / 'link.mp4').is_symlink()
  assert len(video.read_video(tmp_path / 'target').frames) == 10
  before = os.stat('/dev/null').st_rdev
  encode.write_video('/dev/null', FRAMES, WAV)
  assert os.stat('/dev/null').st_rdev == before


def test_an_error_in_the_middle_leaves_nothing(tmp_path):
  def frames():
    yield from FRAMES
    raise RuntimeError('in the middle')
  with pytest.raises(RuntimeError, match='in the middle'):
    encode.write_video(tmp_path / 'a.webm', frames(), WAV)
  assert not list(tmp_path.iterdir())
