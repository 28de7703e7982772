"""PyTorch's side of `npm run bench -- train`: the same decoder, eagerly, with its fused attention and AdamW."""

import json, statistics, sys, time
import torch, torch.nn as nn, torch.nn.functional as F

work = json.loads(sys.argv[1])
V, D, L, H, FF = (work[k] for k in ("vocabulary", "hidden", "layers", "heads", "feedForward"))
B, S = work["rows"], work["length"]
torch.set_num_threads(work["threads"])
torch.manual_seed(1)
angle = torch.arange(S)[:, None] * 10_000 ** (-torch.arange(0, D // H, 2) / (D // H))
COS, SIN = angle.cos(), angle.sin()


def rotate(x):
    a, b = x.chunk(2, -1)
    return torch.cat((a * COS - b * SIN, b * COS + a * SIN), -1)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(D, 3 * D, bias=False), nn.Linear(D, D, bias=False)
        self.gate_up, self.down = nn.Linear(D, 2 * FF, bias=False), nn.Linear(FF, D, bias=False)

    def forward(self, x):
        q, k, v = self.qkv(F.rms_norm(x, (D,), eps=1e-5)).view(B, S, 3, H, D // H).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, S, D))
        gate, up = self.gate_up(F.rms_norm(x, (D,), eps=1e-5)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.layers = nn.ModuleList(Layer() for _ in range(L))
        nn.init.normal_(self.embedding.weight, std=0.05)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return F.rms_norm(x, (D,), eps=1e-5) @ self.embedding.weight.T


model = Decoder()
optimiser = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.98), weight_decay=0.1, fused=True)
times, cpu = [], 0.0
for step in range(work["warmup"] + work["steps"]):
    if step == work["warmup"]:
        cpu = time.process_time()
    start = time.perf_counter()
    data = torch.randint(0, 4, (B, S + 1)).cumsum(1) % V
    loss = F.cross_entropy(model(data[:, :-1]).reshape(-1, V), data[:, 1:].reshape(-1))
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    value = float(loss.detach())
    if step >= work["warmup"]:
        times.append(time.perf_counter() - start)
cpu = time.process_time() - cpu
result = {"tokensPerSecond": B * S / statistics.median(times), "tokensPerCpuSecond": work["steps"] * B * S / cpu}
print(json.dumps({**result, "loss": value}))
