"""The phone table is complete and sane: every phone has a sound and a mouth shape."""

import pytest

from cemnet_jax.preprocess.synthetic import phones

# ARPAbet of the CMU pronouncing dictionary: 39 phones.
ARPABET = ('AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH '
           'UW V W Y Z ZH').split()


def test_every_phone_has_a_sound_and_a_viseme():
  assert set(phones.PHONES) == set(ARPABET) | {phones.SILENCE} == set(phones.VISEMES)


def test_visemes_have_eight_channels_in_range():
  for values in phones.VISEMES.values():
    assert len(values) == len(phones.VISEME_CHANNELS)
    assert all(-1 <= value <= 1 for value in values)


def test_only_bilabials_close_the_lips_and_only_labiodentals_tuck():
  close = phones.VISEME_CHANNELS.index('close')
  tuck = phones.VISEME_CHANNELS.index('ftuck')
  assert {p for p, v in phones.VISEMES.items() if v[close] == 1} == {'M', 'P', 'B'}
  assert {p for p, v in phones.VISEMES.items() if v[tuck] == 1} == {'F', 'V'}


@pytest.mark.parametrize('name', ARPABET)
def test_sound_of_a_phone(name):
  phone = phones.PHONES[name]
  assert 40 <= phone.duration <= 200
  if phone.kind == phones.ASPIRATE:
    assert phone.start is None
  else:
    for formants in (phone.start, phone.end):
      assert 200 <= formants[0] < formants[1] < formants[2] < 4000
  has_noise = phone.kind in (phones.FRICATIVE, phones.STOP, phones.AFFRICATE)
  assert (phone.noise is not None) == has_noise


def test_split_stress():
  assert phones.split_stress('AE1') == ('AE', True)
  assert phones.split_stress('AE') == ('AE', False)
  assert phones.split_stress('_') == ('_', False)
