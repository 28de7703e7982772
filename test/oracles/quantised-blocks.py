"""Writes quantised-blocks.json: random blocks of each quantised type and what the gguf package makes of them.

    pip install gguf
    python3 test/oracles/quantised-blocks.py
"""
import base64, json, pathlib
import numpy as np
from gguf import GGMLQuantizationType, GGML_QUANT_SIZES
from gguf.quants import dequantize

# Where a block's float16 scales lie: random bits there would be infinite now and then.
HALVES = {'Q4_0': [0], 'Q4_1': [0, 2], 'Q5_0': [0], 'Q5_1': [0, 2], 'Q8_0': [0], 'Q4_K': [0, 2], 'Q5_K': [0, 2], 'Q6_K': [208],
          'Q2_K': [80, 82], 'Q3_K': [108], 'IQ4_NL': [0], 'IQ4_XS': [0], 'MXFP4': []}
random = np.random.default_rng(2024)
fixture = {}
for name, places in HALVES.items():
    kind = GGMLQuantizationType[name]
    elements, size = GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (2, size), dtype=np.uint8)
    for place in places:
        scales = random.normal(0, 0.05, 2).astype(np.float16)
        blocks[:, place:place + 2] = scales.view(np.uint8).reshape(2, 2)
    # Exponents around 1, where a float32 is normal, and the smallest, where it is not.
    if name == 'MXFP4': blocks[:, 0] = [125, 0]
    floats = dequantize(blocks, kind).astype('<f4').reshape(-1)
    fixture[name] = {'type': int(kind), 'elements': 2 * elements,
                     'blocks': base64.b64encode(blocks.tobytes()).decode(),
                     'floats': base64.b64encode(floats.tobytes()).decode()}
target = pathlib.Path(__file__).with_name('quantised-blocks.json')
target.write_text(json.dumps(fixture, indent=2) + '\n')
