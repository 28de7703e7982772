"""One decoder's loss, gradients and three steps of AdamW in PyTorch, in double precision, for test/ml/train.
pip install torch; python test/oracles/training-step.py > test/oracles/training-step.json"""
import base64, json
import numpy as np, torch, torch.nn.functional as F

torch.set_default_dtype(torch.float64)
V, D, L, H, FF, CONTEXT, BASE, EPSILON = 24, 16, 2, 2, 32, 32, 10_000, 1e-5
HEAD = D // H
names = ["model.embed_tokens"] + [
    f"model.layers.{l}.{p}"
    for l in range(L)
    for p in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
]
shapes = {"embed_tokens": (V, D), "gate_proj": (FF, D), "up_proj": (FF, D), "down_proj": (D, FF)}
parameters = {}
for k, name in enumerate(names):
    shape = shapes.get(name.split(".")[-1], (D, D))
    # The test computes the same.
    values = np.float32(0.3 * np.sin(0.7 * np.arange(np.prod(shape)) + 1.3 * k)).astype(np.float64)
    parameters[name] = torch.tensor(values.reshape(shape), requires_grad=True)

# Two sequences in one row, one in the other, and two positions of padding.
sequences = [[[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8]], [[9, 7, 9, 3, 2, 3, 8, 4, 6]]]


def rotate(x, positions):
    angle = positions[:, None] * BASE ** (-torch.arange(0, HEAD, 2) / HEAD)
    a, b = x.chunk(2, -1)
    cos, sin = angle.cos()[None], angle.sin()[None]
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def losses(tokens):
    p = parameters
    x = p["model.embed_tokens"][torch.tensor(tokens[:-1])]
    n = x.shape[0]
    norm = lambda t: F.rms_norm(t, (D,), eps=EPSILON)
    for l in range(L):
        w = lambda name: p[f"model.layers.{l}.{name}"].T
        a = norm(x)
        q, k, v = (a @ w(f"self_attn.{c}_proj") for c in "qkv")
        q, k, v = (t.view(n, H, HEAD).transpose(0, 1) for t in (q, k, v))
        q, k = rotate(q, torch.arange(n)), rotate(k, torch.arange(n))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).reshape(n, D)
        x = x + y @ w("self_attn.o_proj")
        a = norm(x)
        x = x + (F.silu(a @ w("mlp.gate_proj")) * (a @ w("mlp.up_proj"))) @ w("mlp.down_proj")
    logits = norm(x) @ p["model.embed_tokens"].T
    return F.cross_entropy(logits, torch.tensor(tokens[1:]), reduction="none")


def loss():
    return torch.cat([losses(s) for row in sequences for s in row]).mean()


encode = lambda t: base64.b64encode(t.detach().numpy().astype("<f4").tobytes()).decode()
first = loss()
first.backward()
gradients = {n: encode(p.grad) for n, p in parameters.items()}
norm = float(torch.stack([p.grad.square().sum() for p in parameters.values()]).sum().sqrt())
optimiser = torch.optim.AdamW(parameters.values(), lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
steps = []
for _ in range(3):
    optimiser.zero_grad()
    value = loss()
    value.backward()
    torch.nn.utils.clip_grad_norm_(parameters.values(), 0.5)
    optimiser.step()
    steps.append(float(value.detach()))
steps.append(float(loss().detach()))
print(json.dumps({"torch": torch.__version__, "sequences": sequences, "loss": float(first.detach()), "norm": norm, "losses": steps, "gradients": gradients}))
