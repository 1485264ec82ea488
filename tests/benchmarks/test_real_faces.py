"""The benchmark of real faces, on a drawn face whose truth is known and a system that is played."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import real_faces
from benchmarks.real import cases, emotions, footage, measure, report, sheet
from cemnet_jax.errors import UserError
from cemnet_jax.infer.references import from_arrays
from cemnet_jax.infer.video import TalkingVideo
from cemnet_jax.metrics.expression import EXPECTED, effect
from cemnet_jax.metrics.lip_gap import face_height, lip_gap
from cemnet_jax.preprocess import encode, video
from cemnet_jax.preprocess.crop import to_crop
from cemnet_jax.preprocess.face import Faces
from cemnet_jax.preprocess.synthetic.agreement import clip_motion
from cemnet_jax.preprocess.synthetic.identity import make_identity
from cemnet_jax.preprocess.synthetic.render import FaceRenderer

SIZE, COUNT = 160, 24
AUDIO = np.random.default_rng(0).normal(0, .1, COUNT * 640).astype(np.float32)


@pytest.fixture(scope='module')
def talk():
  """A drawn face that talks, with closed lips at first: frames, landmarks in px."""
  motion = clip_motion(0, 'neutral')
  frames, points = FaceRenderer(make_identity(0), SIZE, 1).frames(motion)
  start = int(lip_gap(points, face_height(points))[:len(points) - COUNT].argmin())
  return frames[start:start + COUNT], points[start:start + COUNT].astype(np.float32)


def as_portrait(talk, drawn=None):
  """Footage in which the first frame is the portrait and the others are what it was made say."""
  frames, points = talk
  drawn = frames if drawn is None else drawn
  still = from_arrays(frames[:1], points[:1])
  return measure.Footage(drawn, drawn, to_crop(points, np.repeat(still.boxes, COUNT, 0)), AUDIO,
                         still.frames, still.landmarks, still.boxes, np.zeros(COUNT, int), False)


def seer(points, lost=()):
  """A detector that knows, and a second face beside; it loses some frames."""
  turn = iter(range(len(points)))

  def read(_):
    t = next(turn)
    if t in lost:
      return Faces(np.zeros((0, 131, 2), np.float32), [])
    return Faces(np.stack([points[t] + 300, points[t]]), [{'jawOpen': 1.}, {'jawOpen': t / 100}])
  return read


def test_a_perfect_painter_scores_perfectly(talk):
  film = as_portrait(talk)
  found = measure.look(film, seer(talk[1]))
  row = measure.measure(film, found)
  assert row['slope'] == pytest.approx(1, abs=1e-4)
  assert row['correlation'] == pytest.approx(1, abs=1e-6)
  assert row['detected'] == 1 and row['frames'] == COUNT
  assert 1 < row['sharpness'] == row['sharpness_drawn'] < 1.4  # an open mouth has edges
  assert row['sharpness_skin'] == pytest.approx(1, abs=.1)
  assert row['asked_max'] == pytest.approx(row['drawn_max'], abs=1e-4) and row['asked_max'] > .03
  assert measure.mean_blendshapes(found)['jawOpen'] == pytest.approx(np.mean(range(COUNT)) / 100)
  assert measure.group(film) == measure.GROUPS[0]


def test_faults_are_seen(talk):
  frames, points = talk
  whole = np.repeat(frames[:1], COUNT, 0)
  still = measure.measure(as_portrait(talk, whole), measure.look(
    as_portrait(talk, whole), seer(np.repeat(points[:1], COUNT, 0), lost=(3, 4))))
  assert still['slope'] == pytest.approx(0, abs=1e-9)
  assert still['correlation'] == still['outside'] == still['step'] == 0
  assert still['sharpness'] == pytest.approx(1) and still['detected'] == 1 - 2 / COUNT
  blurred = whole.copy()
  box = as_portrait(talk).boxes[0]
  middle = int((box[1] + box[3]) / 2) - 2  # what is measured is the crop's lower half
  blurred[:, middle:] = whole[:, middle:, :, :].mean((1, 2), keepdims=True).astype(np.uint8)
  flat = measure.measure(as_portrait(talk, blurred), measure.look(
    as_portrait(talk, blurred), seer(points)))
  assert flat['sharpness'] < .4 and flat['sharpness_skin'] < .1
  assert flat['outside'] > 5 and flat['step'] > 5
  assert flat['outside_p99'] > flat['outside_worst_frame'] > flat['outside'] - 1e-9


def test_a_case_from_files_to_a_row_and_a_sheet(talk, tmp_path, monkeypatch):
  frames, points = talk
  encode.write_video(tmp_path / 'clip.mp4', frames, AUDIO)

  class Played:
    crop = 'stable'

    def speak(self, references, audio, emotion, **options):
      assert emotion == 'happy' and options == {'seed': 3} and len(audio) == 16000
      told = to_crop(points[:25], np.repeat(references.boxes[:1], COUNT, 0))
      return TalkingVideo(frames, audio, told)

  monkeypatch.setattr(footage, 'as_references', lambda paths, *_: from_arrays(
    list(video.iterate_frames(paths[0])), points, moving=True))
  monkeypatch.setattr(footage, 'load_audio', lambda _: np.zeros(32000, np.float32))
  case = cases.Case('a', 'clip.mp4', 'speech.wav', 'sad', 'why', 'happy')
  args = SimpleNamespace(real=tmp_path, out=tmp_path / 'out', seconds=1., landmarker=None)
  (row, shapes), = real_faces.run_cases(Played(), [case], args, {'seed': 3}, seer(points))
  assert row['group'] == 'video' and row['sharpness'] == pytest.approx(1, abs=.25)
  assert 'own_sync' in row and shapes and (tmp_path / 'out/videos/a.mp4').is_file()
  assert video.read_picture(tmp_path / 'out/sheets/a.png').shape[1] > 8 * sheet.SIZE


def test_cases_are_who_they_say():
  assert len({case.name for case in cases.ALL}) == len(cases.ALL) == 36
  assert {case.heard for case in cases.OWN_VOICE} == set(cases.RAVDESS_EMOTIONS)
  for number, case in enumerate(cases.OWN_VOICE, 1):
    modality, _, emotion, _, _, _, actor = case.speech[:-5].rsplit('/')[-1].split('-')
    assert int(actor) == number and f'Actor_{number:02d}' in case.reference and modality == '03'
    assert cases.RAVDESS_EMOTIONS[case.heard] == int(emotion)
  assert [case.name for case in cases.choose(quick=True)] == list(cases.QUICK)
  assert len(set(cases.choose(7))) == 7 and cases.choose() == cases.ALL
  asked = cases.emotion_cases(emotions.EMOTIONS, (2, 5))
  assert len(asked) == 12 and {case.asked for case in asked} == set(emotions.EMOTIONS)


def test_table_takes_the_worst_and_shows_what_could_not_be_measured():
  rows = [{'group': measure.GROUPS[0], 'name': f'c{i}', 'heard': 'sad', 'sharpness': s, 'slope': b,
           'lag_ms': lag} for i, (s, b, lag) in enumerate(
             [(.4, .5, 10.), (.6, float('nan'), -90.), (.9, .7, 20.)])]
  table = {line.split(' | ')[0][2:]: line.split(' | ')[1:] for line in report.summary(rows)}
  assert table['sharpness after H.264'] == ['0.60', '0.40', '>= .8 |']
  assert table['drawn / asked slope'] == ['0.60', '-', '>= .7 |']
  assert table['lag to sound ms'][:2] == ['+10', '-90']
  assert [line for line in report.every_case(rows) if line.startswith('| c1 * | sad')]


def test_emotions_are_compared_by_face():
  names = {f'{n}{s}' for shapes in EXPECTED.values() for n in shapes for s in ('Left', 'Right')}
  neutral = {name: .2 for name in names}
  shown = {e: neutral | {f'{n}{s}': .2 + sign * .1 for n, sign in EXPECTED[e].items()
                         for s in ('Left', 'Right')} for e in EXPECTED}
  half = {e: {n: .2 + .5 * (v - .2) for n, v in shapes.items()} for e, shapes in shown.items()}
  world = {emotion: effect(shown[emotion], neutral) for emotion in EXPECTED}
  rows = emotions.compare({'a': {'neutral': neutral, **shown}, 'b': {'neutral': neutral, **half},
                           'c': {'neutral': neutral, **half}}, world)
  for row in rows.values():
    assert row['share_median'] == pytest.approx(.5) == row['share_worst']
    assert row['shares']['a'] == pytest.approx(1)


@pytest.mark.parametrize('words, message', [
  (['--cases', '0'], '--cases 0'), (['--seconds', '0.1'], '--seconds 0.1'),
  (['--option', 'sharpen=1'], '--option sharpen=1: give NAME=VALUE with one of seed'),
  (['--option', 'emotion=happy'], '--option emotion'), (['--colour'], 'unrecognized'),
  ([], 'Actor_01.png: no such file')])
def test_bad_arguments_are_told_in_one_line(words, message, tmp_path, capsys):
  known = ['--system-dir', 'w', '--real', str(tmp_path), '--out', str(tmp_path / 'out')]
  assert real_faces.main(known + words) == 2
  told = capsys.readouterr().err
  assert message in told and told.count('\n') == 1 and not (tmp_path / 'out').exists()


def test_options_are_literals_or_text():
  assert footage.parse_options(['seed=3', 'choice=lip_openness', 'memory=False']) == {
    'seed': 3, 'choice': 'lip_openness', 'memory': False}
  with pytest.raises(UserError):
    footage.parse_options(['seed'])
