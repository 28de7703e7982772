"""Writes checkpoints.json: logits of tiny random models of each family, computed by transformers in 64 bits.

The weights are not stored: this script and test/support/tiny/tiny-checkpoint.ts compute the same ones from the same numbers,
all of them exact in float32, float16 and bfloat16.

    pip install torch transformers
    python3 test/oracles/checkpoints.py
"""
import json, math, pathlib
import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

SIZES = dict(vocab_size=263, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5, rope_theta=10000.0)
FAMILIES = {
    'llama': dict(model_type='llama', tie_word_embeddings=True),
    'llama3': dict(model_type='llama', tie_word_embeddings=False, head_dim=32, rope_theta=500000.0,
                   rope_scaling=dict(rope_type='llama3', factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                     original_max_position_embeddings=64)),
    'llama-linear': dict(model_type='llama', tie_word_embeddings=False, attention_bias=True,
                         rope_scaling=dict(rope_type='linear', factor=4.0)),
    'qwen2': dict(model_type='qwen2', tie_word_embeddings=True, rope_theta=1000000.0),
    'qwen3': dict(model_type='qwen3', tie_word_embeddings=False, head_dim=32, rope_theta=1000000.0, rms_norm_eps=1e-6),
    'smollm3': dict(model_type='smollm3', tie_word_embeddings=True, num_hidden_layers=4, rope_theta=5000000.0,
                    no_rope_layers=[1, 1, 1, 0], pad_token_id=0),
    'mistral': dict(model_type='mistral', tie_word_embeddings=False, sliding_window=16),
    'phi3': dict(model_type='phi3', tie_word_embeddings=False, sliding_window=None, pad_token_id=0),
    'phi3-longrope': dict(model_type='phi3', tie_word_embeddings=True, hidden_size=256, partial_rotary_factor=0.75,
                          sliding_window=40, original_max_position_embeddings=256, pad_token_id=0,
                          rope_scaling=dict(type='longrope', short_factor=[1 + i / 8 for i in range(24)],
                                            long_factor=[2 + i / 4 for i in range(24)])),
    'granite': dict(model_type='granite', tie_word_embeddings=True, embedding_multiplier=6.0, attention_multiplier=0.125,
                    residual_multiplier=0.375, logits_scaling=4.0),
    'olmo2': dict(model_type='olmo2', tie_word_embeddings=False, rope_theta=500000.0, pad_token_id=0),
    'stablelm': dict(model_type='stablelm', tie_word_embeddings=False, hidden_size=128, layer_norm_eps=1e-5,
                     use_qkv_bias=True, partial_rotary_factor=0.5),
    'gemma2': dict(model_type='gemma2', head_dim=32, query_pre_attn_scalar=32, sliding_window=16,
                   attn_logit_softcapping=4.0, final_logit_softcapping=20.0),
    'gemma3': dict(model_type='gemma3_text', head_dim=32, query_pre_attn_scalar=32, sliding_window=16,
                   num_hidden_layers=6, rope_theta=1000000.0, rope_local_base_freq=10000.0,
                   rope_scaling=dict(rope_type='linear', factor=8.0)),
}
PROMPT_LENGTHS = [1, 24, 100]
M32 = 0xFFFFFFFF


def mix(h):
    h = h & M32
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & M32
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & M32
    return h ^ (h >> 16)


def byte_stream(seed, count):
    """The upper eight bits of src/lib/random.ts's uniformAt(seed, 0…)."""
    keyed = mix(mix(seed))
    counters = np.arange(count, dtype=np.uint64)
    h = (np.uint64(keyed) + ((counters * np.uint64(0x9E3779B1)) & np.uint64(M32))) & np.uint64(M32)
    return vector_mix(vector_mix(h) ^ np.uint64(keyed)) >> np.uint64(24)


def vector_mix(h):
    m = np.uint64(M32)
    h = ((h ^ (h >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & m
    h = ((h ^ (h >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & m
    return h ^ (h >> np.uint64(16))


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & M32
    return h


def weights(name, shape, family):
    count = math.prod(shape)
    signed = byte_stream(fnv1a(name), count).astype(np.float64) - 128
    if name.endswith('norm.weight'):
        # Gemma's norms are stored less one.
        values = np.floor(signed / 2) / 128 + (0 if family.startswith('gemma') else 1)
    elif name.endswith('.bias'):
        values = signed / 256
    elif name == 'model.embed_tokens.weight':
        values = signed / 128
    else:
        values = signed / 128 * 2.0 ** round(math.log2(1.7 / math.sqrt(shape[-1])))
    return torch.from_numpy(values.reshape(shape))


def prompt(length):
    return [int(byte) for byte in byte_stream(1000 + length, length)]


def logits(config, prompts):
    torch.set_default_dtype(torch.float64)
    model = AutoModelForCausalLM.from_config(config, attn_implementation='eager').double().eval()
    state = {name: weights(name, tuple(tensor.shape), config.model_type) for name, tensor in model.state_dict().items()
             if not (config.tie_word_embeddings and name == 'lm_head.weight')}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {'lm_head.weight'}, (missing, unexpected)
    model.tie_weights()
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0, -1].tolist() for ids in prompts]


cases = {}
for name, changes in FAMILIES.items():
    entries = {**SIZES, **changes}
    prompts = [prompt(length) for length in PROMPT_LENGTHS]
    config = AutoConfig.for_model(**entries)
    found = logits(config, prompts)
    assert all(np.isfinite(one).all() for one in found)
    cases[name] = {'config': entries, 'cases': [
        {'ids': ids, 'logits': [float(f'{value:.6g}') for value in row]} for ids, row in zip(prompts, found)]}
target = pathlib.Path(__file__).with_name('checkpoints.json')
target.write_text(json.dumps(cases, indent=None, separators=(',', ':')) + '\n')
