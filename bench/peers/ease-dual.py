"""EASE in its dual form, in NumPy: reads listeners × items from a file and prints the seconds that each training took.

usage: ease-dual.py FILE LISTENERS ITEMS RIDGE; FILE holds little-endian uint32 pairs (listener, item) and float32 values.
A line on standard input starts a training.
"""

import sys
import time

import numpy as np

path, listeners, items, ridge = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
cells = np.fromfile(path, dtype=[("listener", "<u4"), ("item", "<u4"), ("value", "<f4")])


def train():
    x = np.zeros((listeners, items), dtype=np.float32)
    x[cells["listener"], cells["item"]] = cells["value"]
    kernel = np.linalg.inv(x @ x.T + ridge * np.eye(listeners, dtype=np.float32))
    b = x.T @ (kernel @ x)
    b /= 1 - np.diag(b)
    np.fill_diagonal(b, 0)
    return b


for _ in sys.stdin:
    start = time.perf_counter()
    train()
    print(time.perf_counter() - start, flush=True)
