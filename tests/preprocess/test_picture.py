"""Still pictures are read whole, upright and over white, or refused in one line."""

import struct
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import picture, video

NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_transparent_parts_are_shown_over_white(tmp_path):
  opacity = np.full((20, 30, 1), 255, np.uint8)
  opacity[:, :10], opacity[:, 10:20] = 0, 128
  Image.fromarray(np.concatenate([NOISE, opacity], axis=2)).save(tmp_path / 'a.png')
  got = picture.read_picture(tmp_path / 'a.png').astype(int)
  assert (got[:, :10] == 255).all()
  np.testing.assert_array_equal(got[:, 20:], NOISE[:, 20:])
  assert np.abs(got[:, 10:20] - (NOISE[:, 10:20] * 128. + 255 * 127) / 255).max() < 1
  two = Image.fromarray(NOISE[..., 0]).convert('P')
  two.save(tmp_path / 'p.png', transparency=int(np.asarray(two)[0, 0]))
  assert (picture.read_picture(tmp_path / 'p.png')[0, 0] == 255).all()


@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path, orientation):
  exif = Image.Exif()
  exif[0x0112] = orientation
  Image.fromarray(NOISE).save(tmp_path / 'a.png', exif=exif)
  want = {1: NOISE, 2: NOISE[:, ::-1], 3: NOISE[::-1, ::-1], 4: NOISE[::-1],
          5: NOISE.transpose(1, 0, 2), 6: np.rot90(NOISE, 3), 8: np.rot90(NOISE),
          7: NOISE.transpose(1, 0, 2)[::-1, ::-1]}[orientation]
  np.testing.assert_array_equal(picture.read_picture(tmp_path / 'a.png'), want)


@pytest.mark.parametrize('mode', ['L', 'LA', 'P', '1', 'CMYK', 'I;16'])
def test_any_mode_becomes_rgb(tmp_path, mode):
  grey = Image.fromarray(NOISE[..., 0])
  shown = (Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257) if mode == 'I;16'
           else grey.convert(mode))
  path = tmp_path / ('a.tif' if mode in ('CMYK', 'I;16') else 'a.png')
  shown.save(path)
  got = picture.read_picture(path)
  assert got.shape == (20, 30, 3) and got.dtype == np.uint8
  if mode != '1':
    assert np.abs(got.astype(int) - NOISE[..., :1]).max() <= 1


def test_a_picture_of_tiles_is_read_whole(tmp_path):
  Image.fromarray(np.repeat(np.repeat(NOISE, 16, 0), 16, 1)).save(tmp_path / 'a.avif', quality=90)
  assert picture.read_picture(tmp_path / 'a.avif').shape == (320, 480, 3)
  assert next(video.iterate_frames(tmp_path / 'a.avif')).shape == (320, 480, 3)


def _header_lies(path, width, height):
  """A small PNG whose header says that it is large."""
  chunk = lambda kind, data: (struct.pack('>I', len(data)) + kind + data
                              + struct.pack('>I', zlib.crc32(kind + data)))
  path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack(
    '>IIBBBBB', width, height, 8, 2, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(b'\0' * 100))
    + chunk(b'IEND', b''))


def test_pictures_that_are_too_large_or_lie_are_refused(tmp_path):
  _header_lies(tmp_path / 'large.png', 60000, 60000)
  with pytest.raises(UserError, match='large.png: .*(over 8192 px|bomb)'):
    picture.read_picture(tmp_path / 'large.png')
  _header_lies(tmp_path / 'huge.png', 10000, 10000)
  with warnings.catch_warnings(), pytest.raises(UserError, match='10000 x 10000 px is over 8192'):
    warnings.simplefilter('error')
    picture.read_picture(tmp_path / 'huge.png')
  _header_lies(tmp_path / 'wide.png', 9000, 10)
  with pytest.raises(UserError, match='wide.png: 9000 x 10 px is over 8192 px'):
    picture.read_picture(tmp_path / 'wide.png')
  _header_lies(tmp_path / 'cut.png', 600, 600)
  with pytest.raises(UserError, match='cut.png: not a readable picture'):
    picture.read_picture(tmp_path / 'cut.png')


def test_a_torn_picture_is_refused(tmp_path):
  cv2.imwrite(str(tmp_path / 'a.jpg'), NOISE.repeat(8, 0).repeat(8, 1))
  data = (tmp_path / 'a.jpg').read_bytes()
  (tmp_path / 'b.jpg').write_bytes(data[:len(data) // 2])
  with pytest.raises(UserError, match='b.jpg: not a readable picture'):
    picture.read_picture(tmp_path / 'b.jpg')


@pytest.mark.parametrize('name', ['a:b.png', 'caf\udce9.png', 'a%03d.png', '-x.jpg', "it's.png"])
def test_any_name_is_read(tmp_path, monkeypatch, name):
  monkeypatch.chdir(tmp_path)
  Image.fromarray(NOISE).save(tmp_path / 'a.png')
  (tmp_path / 'a.png').rename(name)
  np.testing.assert_array_equal(picture.read_picture(name), NOISE)
