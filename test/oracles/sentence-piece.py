"""Writes sentence-piece.json: small vocabularies, and what sentencepiece and tokenizers make of hostile texts with them.

    pip install sentencepiece tokenizers protobuf
    python3 test/oracles/sentence-piece.py
"""
import io, json, pathlib, random
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

CORPUS = '''The sea at night is dark and the harbour lights are yellow on the water. I still think about the rain on the roof.
She said that they would come home before the first snow; they did not, and nobody asked why. Hello, hello, world!
It's 1984, don't you know? 1,234.56 or 3.14159: numbers everywhere, in 2024 as in 1066. Café, naïve, Ångström, Żółć.
Привет, мир! Как дела? 春眠不觉晓，处处闻啼鸟。 夜来风雨声，花落知多少。 日本語のテキスト 한국어 텍스트 مرحبا שלום
    def f(x):  return x + 1   #  spaces    and    more    spaces aaaaaaaaaaaaaaaa hahahahaha ========
'''.split('\n')
RANGES = [(0x20, 0x7e)] * 6 + [(0x61, 0x7a)] * 6 + [(0, 0x1f), (0x80, 0xff), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff),
          (0x900, 0x97f), (0x2000, 0x206f), (0x2580, 0x259f), (0x3040, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
          (0xe000, 0xe0ff), (0xfdd0, 0xfdef), (0xfe00, 0xfeff), (0xfff0, 0xffff), (0x1f300, 0x1f6ff), (0x20000, 0x200ff), (0x10fff0, 0x10ffff)]
dice = random.Random(2024)


def hostile():
    pieces = []
    for _ in range(dice.randrange(1, 6)):
        low, high = dice.choice(RANGES)
        pieces.append(dice.choice([
            lambda: ''.join(chr(dice.randint(low, high)) for _ in range(dice.randrange(1, 9))),
            lambda: chr(dice.randint(low, high)) * dice.randrange(1, 24),
            lambda: dice.choice(CORPUS)[dice.randrange(40):][:dice.randrange(1, 30)],
            lambda: ' ' * dice.randrange(1, 9) + dice.choice(['the', '<s>', '</s>', '<unk>', '<0x41>', '\u2581', '\n\t', 'aaa']),
        ])())
    # NUL ends a text in sentencepiece's tables of pieces.
    return ''.join(pieces).replace('\0', '\1')


TEXTS = [hostile() for _ in range(400)] + [
    ' ', '   leading', 'trailing   ', 'Hello, world!', "It's what we'd say", '\u2581\u2581', 'a\u2581b', '👩‍👩‍👧‍👦 🏳️‍🌈', 'a' * 300, '\r\n\r\n',
]


def train(kind, size):
    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 4), model_writer=stream, model_type=kind, vocab_size=size, byte_fallback=True,
        normalization_rule_name='identity', remove_extra_whitespaces=False, add_dummy_prefix=True, character_coverage=0.98,
        allow_whitespace_only_pieces=True, split_digits=True, minloglevel=2, num_threads=1)
    proto = sentencepiece_model_pb2.ModelProto.FromString(stream.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=stream.getvalue()), proto


def by_tokenizers(kind, pieces):
    """The same vocabulary as transformers converts it."""
    ids = {text: at for at, (text, _, _) in enumerate(pieces)}
    if kind == 'bpe':
        merges = []
        for text, score, type_ in pieces:
            if type_ != 1: continue
            local = [(text[:i], text[i:], score) for i in range(1, len(text)) if text[:i] in ids and text[i:] in ids]
            merges.extend(sorted(local, key=lambda one: (ids[one[0]], ids[one[1]])))
        merges.sort(key=lambda one: one[2], reverse=True)
        model = models.BPE(ids, [(left, right) for left, right, _ in merges], unk_token='<unk>', fuse_unk=True, byte_fallback=True)
    else:
        model = models.Unigram([(text, score) for text, score, _ in pieces], unk_id=0, byte_fallback=True)
    tokenizer = Tokenizer(model)
    if kind == 'bpe':
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend('\u2581'), normalizers.Replace(' ', '\u2581')])
    else:
        from tokenizers import pre_tokenizers
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme='always', split=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace('\u2581', ' '), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in ('<unk>', '<s>', '</s>')])
    return tokenizer


fixture = {'texts': TEXTS}
for kind, size in (('bpe', 520), ('unigram', 400)):
    processor, proto = train(kind, size)
    pieces = [(one.piece, one.score, one.type) for one in proto.pieces]
    tokenizer = by_tokenizers(kind, pieces)
    fixture[kind] = {
        'pieces': pieces,
        'sentencepiece': [processor.encode(text) for text in TEXTS],
        'tokenizer': json.loads(tokenizer.to_str()),
        'tokenizers': [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS],
    }
    same = sum(one == other for one, other in zip(fixture[kind]['sentencepiece'], fixture[kind]['tokenizers']))
    print(kind, len(pieces), f'{same} of {len(TEXTS)} texts are the same to both')
pathlib.Path(__file__).with_name('sentence-piece.json').write_text(json.dumps(fixture, separators=(',', ':')) + '\n')
