"""`cemnet import-weights`: public files become stages that compute what their nets computed."""

import shutil
import wave

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')
public_files = pytest.importorskip('tests.commands.public_files')

from benchmarks.torch_nets.talker_cases import run_audio2mouth, run_renderer  # noqa: E402
from cemnet_jax import cli  # noqa: E402
from cemnet_jax.commands import import_weights  # noqa: E402
from cemnet_jax.data.pipeline import open_clips  # noqa: E402
from cemnet_jax.evaluate import methods  # noqa: E402
from cemnet_jax.evaluate.cases import References  # noqa: E402
from cemnet_jax.infer import forward, wav2lip  # noqa: E402
from cemnet_jax.infer import references as refs  # noqa: E402
from cemnet_jax.infer.talker import Options, Talker  # noqa: E402
from cemnet_jax.preprocess.audio import mel_windows  # noqa: E402
from cemnet_jax.preprocess.crop import (  # noqa: E402
  crop_frame,
  encode_jpeg,
  iplap_boxes,
  to_crop,
)
from cemnet_jax.preprocess.sketch import iplap_sketch  # noqa: E402
from cemnet_jax.preprocess.video import read_video  # noqa: E402
from cemnet_jax.topology import CONTENT, POSE  # noqa: E402
from tests.data.helpers import say_crop  # noqa: E402
from tests.infer.tiny_system import drawn_face  # noqa: E402

# Sizes of the preset `debug`.
A2M = dict(width=0.125, dim=32, heads=4, layers=1, ffn=64)
RENDER = dict(width=8, wide=16, hidden=16, kernel=7, audio_dim=16, audio_width=0.125)
SIZE, FRAMES, REFERENCES = 32, 5, 15


@pytest.fixture(scope='module')
def small():
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(import_weights, 'PRESET', 'debug')
    yield


@pytest.fixture(scope='module')
def nets():
  return public_files.iplap_nets(A2M, RENDER)


@pytest.fixture(scope='module')
def files(nets, tmp_path_factory):
  return public_files.save_iplap(tmp_path_factory.mktemp('files'), *nets)


@pytest.fixture(scope='module')
def imported(small, files, tmp_path_factory):
  out = tmp_path_factory.mktemp('imported') / 'iplap'
  assert run('iplap', out, landmarks=files[0], renderer=files[1]) == 0
  return out


def run(kind, out, **given):
  flags = [str(x) for name, path in given.items() for x in (f'--{name}', path)]
  return cli.main(['import-weights', kind, *flags, '--out', str(out)])


def drawn_faces(count, size=80):
  """`count` pictures of a moving face that is taller than wide, and its landmarks in px."""
  drawn = [drawn_face(size, 0.02 * np.sin(i)) for i in range(count)]
  return [image for _, image in drawn], np.stack([points for points, _ in drawn])


def test_landmarks_and_pictures_are_iplaps(imported, nets, monkeypatch):
  """Five frames are one window: from pictures and speech to painted faces, as IP-LAP does it."""
  landmarks_net, painter = nets
  pictures, points = drawn_faces(FRAMES)
  audio = np.random.default_rng(0).normal(0, 0.1, FRAMES * 640).astype(np.float32)
  talker = Talker.load(imported, 'a2m_renderer')
  known = refs.from_arrays(pictures, points, moving=True, crop=talker.crop)
  plan = talker.plan(known, audio, options=Options(memory=False, calibrate=False))

  boxes = np.concatenate([iplap_boxes(p[None], 25, (80, 80)) for p in points])
  in_crop = to_crop(points, boxes).astype(np.float32)
  mel = mel_windows(audio, 0, FRAMES)
  some = in_crop[np.arange(REFERENCES) % FRAMES]
  with torch.no_grad():
    mouth = run_audio2mouth(landmarks_net, *tensors(mel, in_crop[:, POSE], some))[0].numpy()
  np.testing.assert_allclose(plan.landmarks[:, CONTENT], mouth, atol=1e-5)
  np.testing.assert_allclose(plan.landmarks[:, POSE], in_crop[:, POSE], atol=1e-6)
  assert np.ptp(mouth, axis=0).max() > 1e-3, 'the mouth moves'

  painted, paint = [], forward.paint
  monkeypatch.setattr(forward, 'paint', lambda *a: painted.append(paint(*a)) or painted[-1])
  assert next(talker.frames(plan)).shape == (80, 80, 3)
  crops = np.stack([crop_frame(p, b, SIZE) for p, b in zip(pictures, boxes)])
  predicted = in_crop.copy()
  predicted[:, CONTENT] = mouth
  drawn, known = (np.stack([iplap_sketch(p, SIZE, b) for p, b in zip(points, boxes)])
                  for points in (predicted, in_crop))
  centre = FRAMES // 2
  masked = crops[centre] / 255
  masked[SIZE // 2:] = 0
  with torch.no_grad():
    wanted, _ = run_renderer(
      painter, *tensors(masked, drawn / 255, crops / 255, known / 255, mel[centre]))
  assert wanted.std() > 0.05
  assert np.abs(painted[0].image[centre] - wanted[0].numpy()).max() < 1e-3


def tensors(*arrays):
  return [torch.from_numpy(np.float32(x)[None]) for x in arrays]


def test_a_video_is_generated_at_once(imported, tmp_path):
  assert generate(imported, tmp_path, seconds=0.5) == 0
  assert read_video(tmp_path / 'talk.mp4').frames.shape == (13, 80, 80, 3)


@pytest.mark.slow
def test_the_memory_is_trained_on_them(imported, debug_data, tmp_path, capsys):
  work = tmp_path / 'work'
  shutil.copytree(imported, work)
  kept = {p: p.read_bytes() for stage in ('audio2mouth', 'renderer')
          for p in (work / stage).rglob('*') if p.is_file()}
  data = shutil.copytree(debug_data, tmp_path / 'data')
  asked = ['train', '--preset', 'debug', '--data', str(data), '--workdir', str(work),
           '--set', '*.steps=2', '--set', '*.pool.batches=0']
  assert cli.main(asked) == 2
  assert "by the rule 'iplap'; a system has one rule" in capsys.readouterr().err
  for world in ('lrs_debug', 'mead_debug'):
    say_crop(data / 'synth_mead' / world, 'iplap')
  open_clips.cache_clear()
  assert cli.main(asked) == 0
  told = capsys.readouterr().out
  assert 'audio2mouth: imported' in told and 'renderer: imported' in told
  assert all(p.read_bytes() == data for p, data in kept.items())
  assert generate(work, tmp_path, seconds=0.3, system='cemnet') == 0
  assert read_video(tmp_path / 'talk.mp4').frames.shape == (8, 80, 80, 3)


def test_evaluation_has_its_row(imported):
  loaded = methods.load_methods(imported, ['cemnet', 'wav2lip', 'a2m_renderer'])
  assert set(loaded.missing) == {'cemnet', 'wav2lip'}
  method = loaded.methods[-1]
  pictures, points = drawn_faces(FRAMES)
  boxes = np.concatenate([iplap_boxes(p[None], 5, (80, 80)) for p in points])
  crops = np.stack([crop_frame(p, b, SIZE) for p, b in zip(pictures, boxes)])
  clip = {'frames': [encode_jpeg(crop) for crop in crops], 'landmarks': to_crop(points, boxes),
          'crop_box': boxes, 'audio': np.zeros(FRAMES * 640, np.int16)}
  shown = References(crops, clip['landmarks'], boxes)
  [content] = method.predict(clip, [shown])
  assert method.name == 'a2m_renderer' and content.shape == (FRAMES, 57, 2)
  assert method.render(clip, shown, content, np.array([1, 3])).shape == (2, SIZE, SIZE, 3)


def generate(system_dir, folder, seconds, system='a2m_renderer'):
  (picture,), points = drawn_faces(1)
  cv2.imwrite(str(folder / 'face.png'), picture[..., ::-1])
  np.save(folder / 'face.npy', points)
  with wave.open(str(folder / 'speech.wav'), 'wb') as out:
    out.setparams((1, 2, 16000, 0, 'NONE', ''))
    noise = np.random.default_rng(0).normal(0, 3000, int(seconds * 16000))
    out.writeframes(noise.astype(np.int16).tobytes())
  given = {'system-dir': system_dir, 'system': system, 'reference': folder / 'face.png',
           'landmarks': folder / 'face.npy', 'audio': folder / 'speech.wav',
           'out': folder / 'talk.mp4', 'choose': 'lip_openness'}
  return cli.main(['generate', *['--no-memory'] * (system == 'a2m_renderer'),
                   *(str(x) for name, value in given.items() for x in (f'--{name}', value))])


def test_wav2lip_draws_as_the_public_net_does(small, tmp_path, capsys):
  generator, expert = public_files.wav2lip_nets(0.0625, 16)
  files = [public_files.save_as_trained(net, tmp_path / name) for net, name in (
    (generator, 'wav2lip.pth'), (expert, 'lipsync_expert.pth'))]
  assert run('wav2lip', tmp_path / 'out', generator=files[0], expert=files[1]) == 0
  assert capsys.readouterr().err.count('is of no public file known here') == 2
  assert (tmp_path / 'out' / 'lip_expert' / 'done.json').is_file()
  nets = wav2lip.load(tmp_path / 'out')
  rng = np.random.default_rng(0)
  crops, references = rng.integers(0, 256, (2, 2, 96, 96, 3), np.uint8)
  audio = rng.normal(0, 0.1, 2 * 3200).astype(np.float32)
  bgr = torch.from_numpy(np.concatenate([crops[..., ::-1], references[..., ::-1]], -1) / 255)
  bgr[:, 48:, :, :3] = 0
  with torch.no_grad():
    wanted = generator(bgr.float().movedim(-1, 1), torch.from_numpy(mel_windows(audio, 0, 2)))
  wanted = 255 * wanted.movedim(1, -1).flip(-1).numpy()
  drawn = wav2lip.render(nets, crops, references, audio)
  assert np.abs(drawn - wanted)[:, 48:].max() < 0.6
  np.testing.assert_array_equal(drawn[:, :48], crops[:, :48])


@pytest.mark.parametrize(('change', 'message'), [
  (lambda files, folder: {'landmarks': folder / 'none.pth'}, 'none.pth: no such file'),
  (lambda files, folder: {'landmarks': files[1]}, 'these are weights of another network'),
  (lambda files, folder: {'renderer': files[0]}, 'these are weights of another network'),
  (lambda files, folder: {'landmarks': other_size(folder)}, 'no sinusoids of 32 channels'),
  (lambda files, folder: {'renderer': damaged(folder)}, 'bad.pth: cannot be read')])
def test_bad_files_are_one_line_and_leave_nothing(small, files, tmp_path, capsys, change, message):
  given = {'landmarks': files[0], 'renderer': files[1]} | change(files, tmp_path)
  assert run('iplap', tmp_path / 'out', **given) == 2
  refused(capsys, message)
  assert not (tmp_path / 'out').exists()


def other_size(folder):
  torch.save({'fusion_transformer.position_v.pe': torch.zeros(1, 512, 512)}, folder / 'wide.pth')
  return folder / 'wide.pth'


def damaged(folder):
  (folder / 'bad.pth').write_bytes(b'PK\x03\x04 cut short')
  return folder / 'bad.pth'


def refused(capsys, message):
  lines = capsys.readouterr().err.splitlines()
  assert len(lines) == 1 and message in lines[0], lines


def test_what_is_there_stays(imported, files, capsys, tmp_path):
  before = {p: p.stat().st_mtime_ns for p in imported.rglob('*')}
  assert run('iplap', imported, landmarks=files[0], renderer=files[1]) == 2
  refused(capsys, 'is there already')
  assert {p: p.stat().st_mtime_ns for p in imported.rglob('*')} == before
  (tmp_path / 'file').touch()
  assert run('iplap', tmp_path / 'file', landmarks=files[0], renderer=files[1]) == 2
  refused(capsys, 'cannot be written')
  assert run('scorers', tmp_path / 'out') == 2
  refused(capsys, 'no weights are given')


@pytest.mark.slow
def test_files_of_the_public_size(tmp_path, monkeypatch):
  monkeypatch.setattr(import_weights, 'PRESET', 'paper')
  files = public_files.save_iplap(tmp_path, *public_files.iplap_nets())
  out = tmp_path / 'out'
  assert run('iplap', out, landmarks=files[0], renderer=files[1]) == 0
  assert generate(out, tmp_path, seconds=0.25) == 0
  frames = read_video(tmp_path / 'talk.mp4').frames
  assert frames.shape == (7, 80, 80, 3) and frames[:, 40:].std() > 10
