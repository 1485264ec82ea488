"""What the synthetic speakers say: sentences with ARPAbet phones, and endless pseudo-sentences.

Texts hold only a-z, space and apostrophe, the symbols of the transcript head.
"""

import numpy as np

from cemnet_jax.errors import UserError
from cemnet_jax.preprocess.synthetic.phones import PHONES, SILENCE, VOWEL

_PSEUDO_STREAM = 41  # keeps these draws apart from every other use of the same ids

# Written for this project. The first ones last 2 to 2.6 s, silence included, at a neutral rate.
SENTENCES = (
  ('s01', 'she put the yellow cup on the shelf'),
  ('s02', 'my brother keeps a map in his van'),
  ('s03', 'that measure of rice is enough for me'),
  ('s04', 'please move the chair away from them'),
  ('s05', 'five young birds sat on a wire'),
  ('s06', 'you both should wash the muddy shoes'),
  ('s07', 'the judge gave him a huge book'),
  ('s08', 'a warm voice called from the porch'),
  ('s09', 'the boat came back before the storm'),
  ('s10', 'we found fresh bread near the school'),
  ('s11', 'our garden wall fell over in the wind'),
  ('s12', 'i heard a loud noise in the house'),
  ('s13', 'they watch the moon rise over the bay'),
  ('s14', 'the old clock stopped at half past four'),
  ('s15', 'jump over the ditch and run to the farm'),
  ('s16', 'give my mother the purple flowers'),
  ('s17', 'nobody knew which path to choose'),
  ('s18', 'the village baker never sleeps past five'),
  ('s19', "we'll drive north until the road ends"),
  ('s20', 'soft white foam covered the beach'),
  ('s21', 'keep your thumb off the power button'),
  ('s22', 'he threw the ball above the fence'),
  ('s23', 'a few small sheep walked by the pool'),
  ('s24', 'the teacher thought about my question'),
  ('s25', 'bring me both maps before evening'),
  ('s26', "don't bother the puppy while it eats"),
  ('s27', 'her voice shook as she read the news'),
  ('s28', 'the fox vanished behind a thick bush'),
  ('s29', 'we might buy some fish for supper'),
  ('s30', 'some people avoid the view from up there'),
  ('s31', 'push the heavy box toward the wall'),
  ('s32', 'the royal boy enjoys loud music'),
  ('s33', 'an hour of quiet work was plenty'),
  ('s34', 'put five forks beside the blue bowl'),
  ('s35', 'the mayor spoke with a strange smile'),
  ('s36', 'thin ice formed along the shore'),
  ('s37', 'i usually leave the window open'),
  ('s38', 'big waves pushed the ship off course'),
  ('s39', 'what a beautiful morning for a walk'),
  ('s40', "the farmer's truck would not move"),
  ('s41', 'choose a good pear from the basket'),
  ('s42', 'my boots were full of mud and water'),
  ('s43', 'both of us arrived before the show'),
  ('s44', 'the map showed a bridge beyond the cave'),
)

# Under a second, silence included, for datasets that must build in seconds.
SHORT_SENTENCES = (
  ('d01', 'boy'),
  ('d02', 'move'),
  ('d03', 'wow'),
  ('d04', 'fish'),
)

TEXTS = dict(SENTENCES + SHORT_SENTENCES)

# One pronunciation per word, American; 1 marks the stressed vowel. Function words are unstressed.
_LEXICON = """
a AH|about AH B AW1 T|above AH B AH1 V|along AH L AO1 NG|an AE N|and AH N D|arrived ER AY1 V D
as AE Z|at AE T|avoid AH V OY1 D|away AH W EY1|back B AE1 K|baker B EY1 K ER|ball B AO1 L
basket B AE1 S K AH T|bay B EY1|beach B IY1 CH|beautiful B Y UW1 T AH F AH L|before B IH F AO1 R
behind B IH HH AY1 N D|beside B IH S AY1 D|beyond B IH Y AA1 N D|big B IH1 G|birds B ER1 D Z
blue B L UW1|boat B OW1 T|book B UH1 K|boots B UW1 T S|both B OW1 TH|bother B AA1 DH ER
bowl B OW1 L|box B AA1 K S|boy B OY1|bread B R EH1 D|bridge B R IH1 JH|bring B R IH1 NG
brother B R AH1 DH ER|bush B UH1 SH|button B AH1 T AH N|buy B AY1|by B AY|called K AO1 L D
came K EY1 M|cave K EY1 V|chair CH EH1 R|choose CH UW1 Z|clock K L AA1 K|course K AO1 R S
covered K AH1 V ER D|cup K AH1 P|ditch D IH1 CH|don't D OW1 N T|drive D R AY1 V|eats IY1 T S
ends EH1 N D Z|enjoys EH N JH OY1 Z|enough IH N AH1 F|evening IY1 V N IH NG|farm F AA1 R M
farmer's F AA1 R M ER Z|fell F EH1 L|fence F EH1 N S|few F Y UW1|fish F IH1 SH|five F AY1 V
flowers F L AW1 ER Z|foam F OW1 M|for F ER|forks F AO1 R K S|formed F AO1 R M D|found F AW1 N D
four F AO1 R|fox F AA1 K S|fresh F R EH1 SH|from F R AH M|full F UH1 L|garden G AA1 R D AH N
gave G EY1 V|give G IH1 V|good G UH1 D|half HH AE1 F|he HH IY|heard HH ER1 D|heavy HH EH1 V IY
her HH ER|him HH IH M|his HH IH Z|hour AW1 ER|house HH AW1 S|huge HH Y UW1 JH|i AY|ice AY1 S
in IH N|is IH Z|it IH T|judge JH AH1 JH|jump JH AH1 M P|keep K IY1 P|keeps K IY1 P S|knew N UW1
leave L IY1 V|loud L AW1 D|map M AE1 P|maps M AE1 P S|mayor M EY1 ER|me M IY|measure M EH1 ZH ER
might M AY1 T|moon M UW1 N|morning M AO1 R N IH NG|mother M AH1 DH ER|move M UW1 V|mud M AH1 D
muddy M AH1 D IY|music M Y UW1 Z IH K|my M AY|near N IH1 R|never N EH1 V ER|news N UW1 Z
nobody N OW1 B AA D IY|noise N OY1 Z|north N AO1 R TH|not N AA1 T|of AH V|off AO1 F|old OW1 L D
on AA N|open OW1 P AH N|our AW ER|over OW1 V ER|past P AE1 S T|path P AE1 TH|pear P EH1 R
people P IY1 P AH L|please P L IY1 Z|plenty P L EH1 N T IY|pool P UW1 L|porch P AO1 R CH
power P AW1 ER|puppy P AH1 P IY|purple P ER1 P AH L|push P UH1 SH|pushed P UH1 SH T|put P UH1 T
question K W EH1 S CH AH N|quiet K W AY1 AH T|read R EH1 D|rice R AY1 S|rise R AY1 Z|road R OW1 D
royal R OY1 AH L|run R AH1 N|sat S AE1 T|school S K UW1 L|she SH IY|sheep SH IY1 P|shelf SH EH1 L F
ship SH IH1 P|shoes SH UW1 Z|shook SH UH1 K|shore SH AO1 R|should SH UH D|show SH OW1
showed SH OW1 D|sleeps S L IY1 P S|small S M AO1 L|smile S M AY1 L|soft S AO1 F T|some S AH M
spoke S P OW1 K|stopped S T AA1 P T|storm S T AO1 R M|strange S T R EY1 N JH|supper S AH1 P ER
teacher T IY1 CH ER|that DH AE T|the DH AH|them DH EH M|there DH EH1 R|they DH EY|thick TH IH1 K
thin TH IH1 N|thought TH AO1 T|threw TH R UW1|thumb TH AH1 M|to T UW|toward T AH W AO1 R D
truck T R AH1 K|until AH N T IH1 L|up AH1 P|us AH S|usually Y UW1 ZH AH L IY|van V AE1 N
vanished V AE1 N IH SH T|view V Y UW1|village V IH1 L IH JH|voice V OY1 S|walk W AO1 K
walked W AO1 K T|wall W AO1 L|warm W AO1 R M|was W AH Z|wash W AA1 SH|watch W AA1 CH
water W AO1 T ER|waves W EY1 V Z|we W IY|we'll W IY L|were W ER|what W AH1 T|which W IH CH
while W AY L|white W AY1 T|wind W IH1 N D|window W IH1 N D OW|wire W AY1 ER|with W IH DH
work W ER1 K|would W UH D|wow W AW1|yellow Y EH1 L OW|you Y UW|young Y AH1 NG|your Y AO R
"""
LEXICON = {entry.split()[0]: tuple(entry.split()[1:])
           for entry in _LEXICON.replace('\n', '|').strip('|').split('|')}

# Pseudo-words: one spelling per phone, no doubled letters (they cost CTC an extra frame).
SPELLING = {
  'IY': 'ea', 'IH': 'i', 'EH': 'e', 'AE': 'a', 'AA': 'o', 'AO': 'aw', 'UH': 'ou', 'UW': 'ue',
  'AH': 'u', 'ER': 'er', 'EY': 'ay', 'AY': 'ie', 'OY': 'oy', 'AW': 'ow', 'OW': 'oa',
  'P': 'p', 'B': 'b', 'T': 't', 'D': 'd', 'K': 'k', 'G': 'g', 'M': 'm', 'N': 'n', 'NG': 'ng',
  'F': 'f', 'V': 'v', 'TH': 'th', 'DH': 'dh', 'S': 's', 'Z': 'z', 'SH': 'sh', 'ZH': 'zh',
  'CH': 'ch', 'JH': 'j', 'HH': 'h', 'L': 'l', 'R': 'r', 'W': 'w', 'Y': 'y'}
_VOWELS = tuple(name for name, phone in PHONES.items() if phone.kind == VOWEL)
_ONSETS = tuple('P B T D K G M N F V TH DH S Z SH ZH CH JH HH L R W Y'.split())
# Second consonants and the onsets they may follow, as in 'pr', 'sl', 'tw'.
_SECONDS = {'R': 'P B T D K G F TH SH', 'L': 'P B K G F S', 'W': 'T D K S'}
_CODAS = tuple('M N NG L R S Z T D K P F V CH'.split())
_WORD_LENGTHS = (0.4, 0.45, 0.15)  # share of words with 1, 2 and 3 syllables


def phones_of(text: str) -> list[str]:
  """ARPAbet phones of a text of known words, stressed vowels ending in '1'.

  Raises:
    UserError: a word that is not in the lexicon.
  """
  unknown = [word for word in text.split() if word not in LEXICON]
  if unknown:
    raise UserError(f"the synthetic voices cannot say '{unknown[0]}' (of '{text}'); use words of "
                    'SENTENCES, or pass phones')
  return [phone for word in text.split() for phone in LEXICON[word]]


def pseudo_sentence(seed_ids: tuple[int, ...], syllables: int) -> tuple[str, list[str]]:
  """A pronounceable sentence of made-up words, the same for the same ids.

  Args:
    seed_ids: non-negative numbers that name the sentence.
    syllables: its length; one lasts about 0.28 s, so 6 make a clip of 2.1 s with its silences.

  Returns:
    (text, phones); now and then a short pause stands between words. The spelling follows SPELLING.
  """
  rng = np.random.Generator(np.random.PCG64([_PSEUDO_STREAM, *seed_ids]))
  words, phones = [], []
  left = syllables
  while left:
    count = min(left, 1 + int(rng.choice(len(_WORD_LENGTHS), p=_WORD_LENGTHS)))
    left -= count
    word = [phone for i in range(count) for phone in _syllable(rng, first=i == 0)]
    words.append(''.join(SPELLING[phone.rstrip('1')] for phone in word))
    phones += word
    if left and rng.random() < 0.1:
      phones.append(SILENCE)
  return ' '.join(words), phones


def _syllable(rng, first):
  """Onset, perhaps a second consonant, vowel, perhaps a coda; the first of a word is stressed."""
  onset = _ONSETS[rng.integers(len(_ONSETS))]
  syllable = [onset]
  seconds = [second for second, after in _SECONDS.items() if onset in after.split()]
  if seconds and rng.random() < 0.3:
    syllable.append(seconds[rng.integers(len(seconds))])
  stress = '1' if first and rng.random() < 0.8 else ''
  syllable.append(_VOWELS[rng.integers(len(_VOWELS))] + stress)
  if rng.random() < 0.55:
    syllable.append(_CODAS[rng.integers(len(_CODAS))])
  return syllable
