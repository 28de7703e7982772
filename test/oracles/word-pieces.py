"""Makes word-pieces.json: what the tokenizers library makes of varied texts with a part of BERT's vocabulary.

Needs `pip install tokenizers`, and the tokenizer.json of a BERT without capitals:

    python3 word-pieces.py tokenizer.json > word-pieces.json
"""

import json
import sys

from tokenizers import Tokenizer

TEXTS = [
    "", "   ", "Hello, World! It’s 1984; don't été 夜 🎵\n\n\tthe  end.", "naïve Café déjà vu Åström", "欢快的舞曲",
    "雨中 drive", "Привет, мир", "ß ẞ ﬁ İstanbul ı", "a\u0000b\ufffdc\u200bd\ufeffe\u00adf", "x\u0085y\u2028z\u3000w",
    "한국어 텍스트", "ไทย", "हिन्दी", "العربية", "e\u0301 cafe\u0301", "1,234.56 $5 €3 #tag @you http://x.y/z?q=1",
    "a" * 101 + " " + "b" * 100, "supercalifragilisticexpialidocious", "👩‍👩‍👧‍👦 family 🏳️‍🌈", "\u0301alone",
    "“quotes” «x» …—–", "カタカナ ひらがな", "𝒜𝓁𝓁 𝟙𝟚", "tab\tsep\rx\x0by\x0cz", "Ⅷ ½ ™", "㐀 豈 𠀀 𪜀",
    "_under_score-dash ~tilde ^caret `tick` <b> =+|", "ǅ ŉ ΐ Σίσυφος", "ALL CAPS AND MiXeD", "it's-a-me!!! wow... ok??",
    "I still think about the rain on the roof of your mother's old car.", "line\r\nline\n\nline",
]

with open(sys.argv[1]) as file:
    tokenizer = json.load(file)
tokenizer["padding"] = tokenizer["truncation"] = None
whole = Tokenizer.from_str(json.dumps(tokenizer))
used = {token for text in TEXTS for token in whole.encode(text).tokens}
kept = [token for token in tokenizer["model"]["vocab"] if token in used or len(token.removeprefix("##")) == 1 and token.isascii()]
kept = list(dict.fromkeys([mark["content"] for mark in tokenizer["added_tokens"]] + kept))
tokenizer["model"]["vocab"] = {token: at for at, token in enumerate(kept)}
for mark in tokenizer["added_tokens"]:
    mark["id"] = kept.index(mark["content"])
for name, mark in tokenizer["post_processor"]["special_tokens"].items():
    mark["ids"] = [kept.index(name)]
part = Tokenizer.from_str(json.dumps(tokenizer))
cases = [{"text": text, "ids": part.encode(text).ids} for text in TEXTS]
json.dump({"tokenizer": tokenizer, "cases": cases}, sys.stdout, ensure_ascii=True)
