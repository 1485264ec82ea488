"""Sentences and pseudo-sentences: pronounceable, in the transcript's alphabet, repeatable."""

import collections
import re

import pytest

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.synthetic import phones, sentences


def test_every_sentence_is_pronounceable_text():
  assert len(sentences.SENTENCES) >= 40
  assert len(set(sentences.TEXTS.values())) == len(sentences.TEXTS)
  for key, text in sentences.TEXTS.items():
    assert re.fullmatch(r"[sd]\d\d", key)
    assert re.fullmatch(r"[a-z']+( [a-z']+)*", text)
    spoken = [phones.split_stress(token) for token in sentences.phones_of(text)]
    assert all(name in phones.PHONES for name, _ in spoken)
    stressed = [name for name, stress in spoken if stress]
    assert stressed and all(phones.PHONES[name].kind == phones.VOWEL for name in stressed)


def test_lexicon_holds_the_words_of_the_sentences_and_no_others():
  words = {word for text in sentences.TEXTS.values() for word in text.split()}
  assert words == set(sentences.LEXICON)


def test_sentences_use_every_phone():
  used = {phones.split_stress(token)[0] for _, text in sentences.SENTENCES
          for token in sentences.phones_of(text)}
  assert used == set(phones.PHONES) - {phones.SILENCE}


def test_phones_of_a_text():
  assert sentences.phones_of('we move') == ['W', 'IY', 'M', 'UW1', 'V']


def test_unknown_word_is_named():
  with pytest.raises(UserError, match="'zebra'"):
    sentences.phones_of('my zebra')


def test_pseudo_sentences_repeat_and_differ():
  made = [sentences.pseudo_sentence((3, take), 6) for take in range(40)]
  assert made == [sentences.pseudo_sentence((3, take), 6) for take in range(40)]
  assert len({text for text, _ in made}) == 40


def test_pseudo_sentences_are_spelled_as_they_sound():
  used = collections.Counter()
  for take in range(60):
    text, spoken = sentences.pseudo_sentence((take,), 7)
    names = [phones.split_stress(token)[0] for token in spoken]
    used.update(names)
    assert re.fullmatch(r'[a-z]+( [a-z]+)*', text)
    spelled = ''.join(sentences.SPELLING[name] for name in names if name != phones.SILENCE)
    assert text.replace(' ', '') == spelled
    assert sum(phones.PHONES[name].kind == phones.VOWEL for name in names) == 7
  assert set(used) == set(phones.PHONES)


def test_spelling_has_one_way_to_write_a_phone():
  assert set(sentences.SPELLING) == set(phones.PHONES) - {phones.SILENCE}
  assert len(set(sentences.SPELLING.values())) == len(sentences.SPELLING)
  assert all(a != b for spelling in sentences.SPELLING.values()
             for a, b in zip(spelling, spelling[1:], strict=False))
