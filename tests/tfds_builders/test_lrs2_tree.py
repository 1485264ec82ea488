"""LRS2's tree of empty videos: splits from the lists, words from the text files, odd files told."""

import pytest

from cemnet_jax.errors import UserError
from tfds_builders.lrs2.tree import list_lrs2, read_transcript

LISTS = {'train.txt': '1/00001\n2/00001\n', 'val.txt': '3/00001\n', 'test.txt': '4/00001 NF\n\n'}


def make_tree(base, clips, lists, where):
  for clip, text in clips.items():
    path = base / f'{clip}.mp4'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    if text is not None:
      path.with_suffix('.txt').write_text(text)
  where.mkdir(parents=True, exist_ok=True)
  for name, text in lists.items():
    (where / name).write_text(text)


@pytest.mark.parametrize('inner', [True, False])
@pytest.mark.parametrize('lists_in', ['root', 'base', 'elsewhere'])
def test_splits_and_words(tmp_path, inner, lists_in):
  root = tmp_path / 'lrs2'
  base = root / 'mvlrs_v1' if inner else root
  where = {'root': root, 'base': base, 'elsewhere': tmp_path / 'lists'}[lists_in]
  clips = {f'main/{i}/00001': f'Text:  HELLO {{NS}} NUMBER {w}\nConf:  6\n'
           for i, w in zip('1234', ('ONE', 'TWO', 'THREE', "FOUR'S"))}
  make_tree(base, clips, LISTS, where)
  entries, problems = list_lrs2(root, lists=where if lists_in == 'elsewhere' else None)
  assert problems == []
  prefix = 'mvlrs_v1/' if inner else ''
  assert [(e.file, e.speaker, e.emotion, e.split, e.transcript) for e in entries] == [
    (f'{prefix}main/1/00001.mp4', '1', '', 'train', 'hello number one'),
    (f'{prefix}main/2/00001.mp4', '2', '', 'train', 'hello number two'),
    (f'{prefix}main/3/00001.mp4', '3', '', 'val', 'hello number three'),
    (f'{prefix}main/4/00001.mp4', '4', '', 'test', "hello number four's")]


def test_pretrain_trains(tmp_path):
  base = tmp_path / 'mvlrs_v1'
  table = 'Text:  GOOD DAY\nConf:  3\n\nWORD START END ASDSCORE\nGOOD 0.1 0.3 5.2\nDAY 0.3 0.9 4\n'
  make_tree(base, {'pretrain/1/00002': table, 'main/1/00001': 'Text: A'},
            {**LISTS, 'pretrain.txt': '1/00002'}, base)
  (only,), problems = list_lrs2(tmp_path, ('pretrain',))
  assert (only.split, only.transcript, problems) == ('train', 'good day', [])
  both, _ = list_lrs2(tmp_path, ('main', 'pretrain'))
  assert [e.transcript for e in both] == ['a', 'good day']


def test_what_is_odd_is_told(tmp_path):
  clips = {'1/00001': None, '2/00001': 'Text: \n', '3/00001': 'WORDS', '4/00001': 'Text: A',
           '5/00001': 'Text: NOT LISTED', '6/00001': 'Text: LISTED TWICE'}
  lists = {'train.txt': '1/00001\n2/00001\n6/00001\nbroken\n', 'val.txt': '3/00001\n7/00001\n',
           'test.txt': '4/00001\n6/00001\n'}
  make_tree(tmp_path / 'main', clips, lists, tmp_path)
  (tmp_path / 'main' / '4' / '._00001.mp4').touch()
  entries, problems = list_lrs2(tmp_path)
  assert [(e.speaker, e.transcript) for e in entries] == [('1', ''), ('2', ''), ('3', ''),
                                                          ('4', 'a')]
  reasons = dict(problems)
  assert len(problems) == len(reasons) == 7
  for file, part in {
      'main/1/00001.mp4': 'missing', 'main/2/00001.mp4': 'no word', 'main/3/00001.mp4': '`Text:`',
      'main/5/00001.mp4': 'in no split list', 'main/6/00001.mp4': 'for train and for test',
      'main/7/00001.mp4': 'listed for val but missing', 'train.txt:4': 'broken is not'}.items():
    assert part in reasons[file]


@pytest.mark.parametrize('text,reason', [
  ('Text:  IN 1999 OR SO', 'digits'), ('Text: {NS} {LG}', 'no word'), ('Conf: 3\n', '`Text:`')])
def test_unusable_texts(tmp_path, text, reason):
  (tmp_path / 'a.txt').write_text(text)
  with pytest.raises(UserError, match=reason):
    read_transcript(tmp_path / 'a.txt')


def test_a_text_that_is_no_utf8(tmp_path):
  (tmp_path / 'a.txt').write_bytes(b'Text: \xff\xfe')
  with pytest.raises(UserError, match='cannot be read'):
    read_transcript(tmp_path / 'a.txt')


def test_bad_roots(tmp_path):
  with pytest.raises(UserError, match='choose of main, pretrain'):
    list_lrs2(tmp_path, ('trainval',))
  with pytest.raises(UserError, match='no such folder; expected mvlrs_v1/main/ID/00001.mp4'):
    list_lrs2(tmp_path)
  make_tree(tmp_path / 'main', {'9/00001': 'Text: A'}, {'train.txt': '1/00001'}, tmp_path)
  with pytest.raises(UserError, match='no split list val.txt in'):
    list_lrs2(tmp_path)
  make_tree(tmp_path / 'main', {}, LISTS, tmp_path)
  with pytest.raises(UserError, match='none of the clips in the split lists'):
    list_lrs2(tmp_path)
