"""Any media comes in on one clock, goes out in sync, and bad files get one clear line."""

import struct
import wave
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition

from cemnet_jax import files
from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import encode, video

PULSES = (5, 20, 40)  # frames that flash and beep


def _flashes(count, pulses, height=48, width=64):
  frames = np.full((count, height, width, 3), 40, np.uint8)
  frames[list(pulses)] = 220
  return frames


def _beeps(count, pulses, rate=16000, fps=25):
  wav = np.zeros(count * rate // fps, np.float32)
  for k in pulses:
    n = np.arange(rate // 100)
    wav[k * rate // fps + n] = 0.7 * np.sin(2 * np.pi * 1000 * n / rate)
  return wav


def _write_raw(path, frames, fps, audio=None, rate=48000, layout='stereo', sound_delay=0.0):
  """A video as other tools make them: any rate and layout, sound starting when it likes."""
  with av.open(str(path), 'w') as out:
    stream = out.add_stream('libx264', rate=fps, options={'crf': '10', 'bf': '2'})
    stream.height, stream.width = frames.shape[1:3]
    stream.pix_fmt = 'yuv420p'
    sound = out.add_stream('aac', rate=rate, layout=layout) if audio is not None else None
    for frame in frames:
      out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
    out.mux(stream.encode(None))
    if sound:
      channels = sound.codec_context.layout.nb_channels
      block = av.AudioFrame.from_ndarray(np.tile(audio, (channels, 1)), 'fltp', layout)
      block.sample_rate, block.time_base = rate, Fraction(1, rate)
      block.pts = round(sound_delay * rate)
      out.mux(sound.encode(block))
      out.mux(sound.encode(None))


def _lag(got, want):
  """Samples by which `got` is late."""
  return int(np.correlate(got, want, 'full').argmax()) - (len(want) - 1)


def _bright(frames):
  return np.flatnonzero(frames[:, 20, 20, 1] > 130).tolist()


def test_written_video_is_in_sync_and_keeps_its_colours(tmp_path):
  frames, wav = _flashes(50, PULSES), _beeps(50, PULSES)
  frames[:, :, 40:] = (200, 60, 40)
  encode.write_video(tmp_path / 'a.mp4', frames, wav)
  got = video.read_video(tmp_path / 'a.mp4')
  assert got.frames.shape == frames.shape and got.audio.shape == wav.shape
  assert _bright(got.frames) == list(PULSES)
  assert abs(_lag(got.audio, wav)) <= 16  # 1 ms, where 40 ms are allowed
  assert np.abs(got.frames[10, 20, 52].astype(int) - (200, 60, 40)).max() < 6
  assert list(tmp_path.iterdir()) == [tmp_path / 'a.mp4']
  with av.open(str(tmp_path / 'a.mp4')) as c:
    assert c.streams.video[0].codec_context.name == 'h264' and c.streams.video[0].average_rate == 25
    assert c.streams.video[0].codec_context.pix_fmt == 'yuv420p'
    assert c.streams.audio[0].codec_context.name == 'aac'


def test_odd_sizes_are_padded(tmp_path):
  encode.write_video(tmp_path / 'odd.mp4', _flashes(3, (), 31, 45))
  assert video.read_video(tmp_path / 'odd.mp4').frames.shape == (3, 32, 46, 3)


@pytest.mark.parametrize('fps', [12, 25, 30, 60, Fraction(30000, 1001)])
def test_any_frame_rate_is_resampled_by_time(tmp_path, fps):
  count = round(2 * fps)
  shown = [round(p / 25 * fps) for p in PULSES]
  width = max(1, round(fps / 25))
  _write_raw(tmp_path / 'a.mp4', _flashes(count, {s + i for s in shown for i in range(width)}), fps)
  frames = video.read_video(tmp_path / 'a.mp4').frames
  assert abs(len(frames) - 50) <= 1
  for pulse in PULSES:
    assert min(abs(i - pulse) for i in _bright(frames)) <= 1


@pytest.mark.parametrize('rate,layout,suffix', [
  (48000, 'stereo', 'mp4'), (44100, 'mono', 'mkv'), (22050, 'mono', 'mov'), (48000, '5.1', 'mp4')])
def test_any_sound_becomes_16_khz_mono_in_sync(tmp_path, rate, layout, suffix):
  path = tmp_path / f'a.{suffix}'
  _write_raw(path, _flashes(50, PULSES), 25, _beeps(50, PULSES, rate), rate, layout)
  got = video.read_video(path)
  assert got.audio.shape == (len(got.frames) * 640,) and got.audio.dtype == np.float32
  want = _beeps(50, PULSES)[:len(got.audio)]
  assert abs(_lag(got.audio, want)) < 0.01 * 16000
  assert 0.5 < np.abs(got.audio).max() < 0.9


def test_sound_that_starts_late_stays_late(tmp_path):
  _write_raw(tmp_path / 'a.mp4', _flashes(50, PULSES), 25, _beeps(50, PULSES, 48000),
             sound_delay=0.2)
  got = video.read_video(tmp_path / 'a.mp4')
  late = np.concatenate([np.zeros(3200, np.float32), _beeps(50, PULSES)])[:len(got.audio)]
  assert abs(_lag(got.audio, late)) < 160


def test_shorter_sound_trims_the_video(tmp_path):
  _write_raw(tmp_path / 'a.mp4', _flashes(50, ()), 25, _beeps(30, (5,), 48000))
  got = video.read_video(tmp_path / 'a.mp4')
  assert 30 <= len(got.frames) <= 32 and len(got.audio) == 640 * len(got.frames)


# What a phone writes into the header: where the unit vectors of a picture go; and what is shown.
_TURNS = {
  'as it is': ((1, 0, 0, 1), lambda x: x),
  'right': ((0, 1, -1, 0), lambda x: np.rot90(x, 3)),
  'upside down': ((-1, 0, 0, -1), lambda x: np.rot90(x, 2)),
  'left': ((0, -1, 1, 0), np.rot90),
  'mirrored': ((-1, 0, 0, 1), lambda x: x[:, ::-1]),
  'mirrored and upside down': ((1, 0, 0, -1), lambda x: x[::-1]),
  'transposed': ((0, 1, 1, 0), lambda x: x.transpose(1, 0, 2)),
  'transposed the other way': ((0, -1, -1, 0), lambda x: np.rot90(x, 2).transpose(1, 0, 2))}


@pytest.mark.parametrize('turn', _TURNS)
def test_every_display_matrix_is_shown_as_players_do(tmp_path, turn):
  frames = _flashes(3, ())
  frames[:, :24, :32] = (250, 20, 20)  # red upper left corner
  frames[:, :24, 32:] = (20, 250, 20)
  _write_raw(tmp_path / 'a.mp4', frames, 25)
  data = (tmp_path / 'a.mp4').read_bytes()
  matrix = lambda a, b, c, d: struct.pack('>9i', a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0,
                                          1 << 30)
  at = data.index(matrix(1, 0, 0, 1), data.index(b'tkhd'))
  terms, shown = _TURNS[turn]
  turned = matrix(*terms)
  (tmp_path / 'b.mp4').write_bytes(data[:at] + turned + data[at + len(turned):])
  got = video.read_video(tmp_path / 'b.mp4').frames[0].astype(int)
  want = shown(frames[0])
  assert got.shape == want.shape and np.abs(got - want).mean() < 8


def _coded(path, frames, codec='libx264', pixels='yuv420p', colours=(), **options):
  with av.open(str(path), 'w') as out:
    stream = out.add_stream(codec, rate=25, options=options)
    stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], pixels
    for name, value in colours:
      setattr(stream.codec_context, name, value)
    for frame in frames:
      kind = 'rgba' if frame.shape[2] == 4 else 'rgb24'
      out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format=kind)))
    out.mux(stream.encode(None))


def test_transparent_parts_of_a_video_are_shown_over_white(tmp_path):
  frames = np.full((3, 48, 64, 4), (250, 20, 20, 255), np.uint8)
  frames[:, :, :32, 3] = 0
  _coded(tmp_path / 'a.mov', frames, 'qtrle', 'argb')
  got = video.read_video(tmp_path / 'a.mov').frames[1]
  assert (got[:, :32] == 255).all() and (got[:, 32:] == (250, 20, 20)).all()
  assert video.remarks(tmp_path / 'a.mov') == ['what is transparent is shown over white']


@pytest.mark.parametrize('transfer,name', [(18, 'HLG'), (16, 'HDR10')])
def test_hdr_has_the_colours_of_ordinary_video_and_is_told(tmp_path, transfer, name):
  ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, 0)
  frames = np.concatenate([ramp, ramp // 2, ramp // 4], axis=2)[None].repeat(3, 0)
  hdr = (('color_trc', transfer), ('color_primaries', 9), ('colorspace', 9))
  _coded(tmp_path / 'hdr.mkv', frames, 'libx264', 'yuv420p10le', hdr)
  _coded(tmp_path / 'sdr.mkv', frames, 'libx264', 'yuv420p10le')
  shown, plain = (video.read_video(tmp_path / f).frames[1].astype(int)
                  for f in ('hdr.mkv', 'sdr.mkv'))
  saturation = lambda x: (x[..., 0] - x[..., 2])[:, 20:50].mean()
  assert shown.shape == (48, 64, 3) and saturation(shown) > 1.15 * saturation(plain)
  assert (np.diff(shown[24, :, 0]) >= -3).all() and shown[24, -1, 0] > 200
  assert any(name in line for line in video.remarks(tmp_path / 'hdr.mkv'))
  assert video.remarks(tmp_path / 'sdr.mkv') == []


def test_a_codec_that_nothing_decodes_is_one_line(tmp_path):
  encode.write_video(tmp_path / 'a.mp4', _flashes(5, ()))
  data = (tmp_path / 'a.mp4').read_bytes()
  (tmp_path / 'b.mp4').write_bytes(data.replace(b'avc1', b'zzzz').replace(b'avcC', b'zzzz'))
  for read in (video.read_video, video.remarks):
    with pytest.raises(UserError, match='b.mp4: its video is of a kind that cannot be decoded'):
      read(tmp_path / 'b.mp4')


def test_a_cover_is_no_video(tmp_path):
  path = tmp_path / 'a.m4a'
  with av.open(str(path), 'w', format='mp4') as out:
    tone = out.add_stream('aac', rate=16000, layout='mono')
    cover = out.add_stream('mjpeg', rate=25)
    cover.width, cover.height, cover.pix_fmt = 64, 48, 'yuvj420p'
    cover.disposition = Disposition.attached_pic
    out.mux(cover.encode(av.VideoFrame.from_ndarray(_flashes(1, ())[0], format='rgb24')))
    out.mux(cover.encode(None))
    block = av.AudioFrame.from_ndarray(np.full((1, 16000), .1, np.float32), 'fltp', 'mono')
    block.sample_rate, block.pts, block.time_base = 16000, 0, Fraction(1, 16000)
    out.mux(tone.encode(block))
    out.mux(tone.encode(None))
  with pytest.raises(UserError, match='no video track'):
    video.read_video(path)
  assert len(video.read_audio(path, like_video=True)) >= 16000


def test_one_frame_and_streaming_agree(tmp_path):
  encode.write_video(tmp_path / 'a.mp4', _flashes(1, (0,)))
  assert len(video.read_video(tmp_path / 'a.mp4').frames) == 1
  assert sum(1 for _ in video.iterate_frames(tmp_path / 'a.mp4')) == 1


def test_shrunk_frames_are_means_of_squares(tmp_path):
  noise = np.random.default_rng(0).integers(40, 200, (4, 96, 128, 1), np.uint8)
  encode.write_video(tmp_path / 'a.mp4', noise.repeat(3, axis=3), crf=1)
  full = np.stack(list(video.iterate_frames(tmp_path / 'a.mp4'))).astype(float)
  got = np.stack(list(video.iterate_frames(tmp_path / 'a.mp4', 4))).astype(float)
  count, height, width, _ = full.shape
  assert got.shape == (count, height // 4, width // 4, 3)
  want = full.reshape(count, height // 4, 4, width // 4, 4, 3).mean((2, 4))
  assert np.abs(got - want).mean() < 4


def test_pictures(tmp_path):
  rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
  cv2.imwrite(str(tmp_path / 'a.png'), rgb[..., ::-1])
  np.testing.assert_array_equal(video.read_picture(tmp_path / 'a.png'), rgb)
  cv2.imwrite(str(tmp_path / 'grey.png'), rgb[..., 0])
  assert video.read_picture(tmp_path / 'grey.png').shape == (20, 30, 3)
  assert video.is_picture('x/A.JPG') and not video.is_picture('a.mp4')


def test_wav_file(tmp_path):
  wav = _beeps(25, (3, 9), 8000)
  with wave.open(str(tmp_path / 'a.wav'), 'wb') as out:
    out.setparams((1, 2, 8000, len(wav), 'NONE', ''))
    out.writeframes((wav * 32767).astype(np.int16).tobytes())
  got = video.read_audio(tmp_path / 'a.wav')
  assert got.shape == (16000,) and abs(_lag(got, _beeps(25, (3, 9)))) <= 16


@pytest.mark.parametrize('read', [video.read_video, video.read_audio, video.read_picture])
def test_missing_empty_and_corrupt_files(tmp_path, read):
  with pytest.raises(UserError, match='gone.mp4: no such file'):
    read(tmp_path / 'gone.mp4')
  (tmp_path / 'empty.mp4').touch()
  with pytest.raises(UserError, match='empty.mp4: is empty'):
    read(tmp_path / 'empty.mp4')
  (tmp_path / 'junk.mp4').write_bytes(bytes(range(256)) * 40)
  with pytest.raises(UserError, match='junk.mp4: .*(cannot be decoded|not a readable)'):
    read(tmp_path / 'junk.mp4')


def test_cut_off_video(tmp_path):
  encode.write_video(tmp_path / 'a.mp4', _flashes(50, ()), _beeps(50, (3,)))
  data = (tmp_path / 'a.mp4').read_bytes()
  (tmp_path / 'b.mp4').write_bytes(data[:200])
  with pytest.raises(UserError, match='b.mp4'):
    video.read_video(tmp_path / 'b.mp4')


def test_missing_tracks(tmp_path):
  encode.write_video(tmp_path / 'mute.mp4', _flashes(5, ()))
  assert video.read_video(tmp_path / 'mute.mp4').audio is None
  with pytest.raises(UserError, match='no sound track'):
    video.read_video(tmp_path / 'mute.mp4', need_audio=True)
  with pytest.raises(UserError, match='no sound track'):
    video.read_audio(tmp_path / 'mute.mp4')
  with wave.open(str(tmp_path / 'a.wav'), 'wb') as out:
    out.setparams((1, 2, 16000, 0, 'NONE', ''))
    out.writeframes(bytes(100))
  with pytest.raises(UserError, match='no video track'):
    video.read_video(tmp_path / 'a.wav')
  with pytest.raises(UserError, match='under 0.2 s'):
    video.read_audio(tmp_path / 'a.wav')


def test_unwritable_output_leaves_nothing(tmp_path):
  (tmp_path / 'file').touch()
  with pytest.raises(UserError, match='cannot be written'):
    encode.write_video(tmp_path / 'file' / 'a.mp4', _flashes(3, ()))
  with pytest.raises(UserError, match='cannot be written'):
    files.check_writable(tmp_path)

  def breaks():
    yield from _flashes(3, ())
    raise RuntimeError('the network failed')
  with pytest.raises(RuntimeError, match='the network failed'):
    encode.write_video(tmp_path / 'a.mp4', breaks())
  assert [p.name for p in tmp_path.iterdir()] == ['file']
