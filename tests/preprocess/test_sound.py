"""Speech is heard at its full level, whatever tracks and channels hold it."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.stream import Disposition

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess import encode, sound
from tests.preprocess.media import write_wav

RATE = 16000


def tone(seconds=1.0, hertz=150, rate=RATE):
  t = np.arange(round(seconds * rate)) / rate
  return np.float32(.3 * np.sin(2 * np.pi * hertz * t))


def peak(wav):
  return np.abs(wav[1000:-1000]).max()


@pytest.mark.parametrize('shares,told', [
  ((1,), 'mono'), ((1, 1), 'stereo'), ((1, -1), 'opposite phase'), ((.9, -1), 'opposite phase'),
  ((1, 0), 'channel 2 is silent'), ((0, 1), 'channel 1 is silent'),
  ((0, 0, 1, 0, 0, 0), 'centre'), ((0, 1, 0, 0, 0, 0), 'silent'), ((1, -1, 0), 'opposite phase')])
def test_speech_has_its_full_level_in_any_layout(tmp_path, shares, told):
  write_wav(tmp_path / 'a.wav', tone()[:, None] * np.float32(shares))
  track = sound.choose_track(tmp_path / 'a.wav')
  assert told in track.told, track.told
  assert abs(peak(sound.read_audio(tmp_path / 'a.wav')) / .3 - 1) < .06
  kept = np.concatenate(list(sound.OwnSound(tmp_path / 'a.wav', track, RATE).parts(48000)))
  assert kept.shape == (48000, min(2, len(shares)))
  assert abs(np.abs(kept[3000:-3000]).max() / .3 - 1) < .06


def test_two_channels_of_their_own_are_the_mean_as_ever(tmp_path):
  noise = np.random.default_rng(0).normal(0, .05, (RATE, 2)).astype(np.float32)
  write_wav(tmp_path / 'a.wav', noise)
  np.testing.assert_allclose(sound.read_audio(tmp_path / 'a.wav'), noise.mean(axis=1), atol=4e-5)


def test_level_is_told(tmp_path):
  write_wav(tmp_path / 'a.wav', tone())
  assert sound.choose_track(tmp_path / 'a.wav').told == 'track 1 of 1, mono, 16000 Hz, level -13 dB'
  write_wav(tmp_path / 'a.wav', tone() / 300)
  assert sound.choose_track(tmp_path / 'a.wav').told.endswith('-63 dB, very quiet')


def _two_tracks(path, default):
  with av.open(str(path), 'w') as out:
    streams = [out.add_stream('aac', rate=48000, layout='mono') for _ in range(2)]
    for i, stream in enumerate(streams):
      stream.disposition = Disposition.default if i == default else Disposition(0)
    for i, stream in enumerate(streams):
      block = av.AudioFrame.from_ndarray(tone(1, 200 + 400 * i, 48000)[None], 'fltp', 'mono')
      block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
      out.mux(stream.encode(block))
      out.mux(stream.encode(None))


@pytest.mark.parametrize('default', [0, 1])
def test_the_default_track_is_heard(tmp_path, default):
  _two_tracks(tmp_path / 'a.mp4', default)
  wav = sound.read_audio(tmp_path / 'a.mp4')
  loudest = np.abs(np.fft.rfft(wav[:RATE])).argmax()
  assert abs(loudest - (200 + 400 * default)) < 3
  assert f'track {default + 1} of 2' in sound.choose_track(tmp_path / 'a.mp4').told


@pytest.mark.parametrize('name', ['12:30 talk.wav', 'caf\udce9.wav', 'a%03d.wav', '-x.wav',
                                  'http:x.wav', 'pipe:0', "it's | [it].wav"])
def test_any_name_is_read(tmp_path, monkeypatch, name):
  monkeypatch.chdir(tmp_path)
  write_wav(name, tone())
  assert len(sound.read_audio(name)) == RATE and sound.has_audio(name)


@pytest.mark.parametrize('rate,channels', [(44100, 2), (48000, 2), (96000, 2), (8000, 1)])
@pytest.mark.parametrize('suffix', ['.mp4', '.mov', '.mkv', '.webm'])
def test_the_result_keeps_the_files_own_sound(tmp_path, rate, channels, suffix):
  left = tone(2, 3000 if rate > 8000 else 300, rate)
  own = np.stack([left, tone(2, 200, rate)][:channels], axis=1)
  write_wav(tmp_path / 'a.wav', own, rate)
  path, track = tmp_path / f'x{suffix}', sound.choose_track(tmp_path / 'a.wav')
  encode.write_video(path, np.zeros((50, 32, 32, 3), np.uint8),
                     sound.OwnSound(tmp_path / 'a.wav', track, 2 * RATE))
  with av.open(str(path)) as container:
    stream = container.streams.audio[0]
    assert stream.rate == 48000 and stream.codec_context.layout.nb_channels == channels
    got = np.concatenate([sound._channels(f) for f in container.decode(stream)], axis=1)
  for channel, wav in zip(got, own.T):
    a, b = (np.abs(np.fft.rfft(x[:r])) for x, r in ((channel[9600:], 48000), (wav, rate)))
    assert a.argmax() == b.argmax() and abs(a.max() / 48000 / (b.max() / rate) - 1) < .1


def test_sound_that_nothing_decodes_is_one_line(tmp_path):
  _two_tracks(tmp_path / 'a.mp4', 0)
  data = (tmp_path / 'a.mp4').read_bytes()
  (tmp_path / 'b.mp4').write_bytes(data.replace(b'mp4a', b'zzzz').replace(b'esds', b'zzzz'))
  with pytest.raises(UserError, match='b.mp4: .*cannot be decoded'):
    sound.read_audio(tmp_path / 'b.mp4')


def test_a_file_that_may_not_be_read_is_one_line(tmp_path, monkeypatch):
  write_wav(tmp_path / 'a.wav', tone())

  def refused(path, *rest, **names):
    raise PermissionError(13, 'Permission denied', path)
  monkeypatch.setattr('builtins.open', refused)
  with pytest.raises(UserError, match='a.wav: cannot be read .Permission denied'):
    sound.read_audio(tmp_path / 'a.wav')


def test_memory_does_not_grow_with_the_sound(tmp_path):
  import tracemalloc
  peaks = []
  for seconds in (20, 120):
    write_wav(tmp_path / 'a.wav', np.stack([tone(seconds)] * 2, axis=1))
    tracemalloc.start()
    track = sound.choose_track(tmp_path / 'a.wav')
    for _ in sound.iterate_audio(tmp_path / 'a.wav', track=track):
      pass
    for _ in sound.OwnSound(tmp_path / 'a.wav', track, RATE * seconds).parts(48000):
      pass
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
  assert peaks[1] < 1.2 * peaks[0], peaks
