"""Peers of `npm run bench -- scoring`: rates per second of this process's CPU, as JSON."""
import json
import os
import random
import sys
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np  # noqa: E402


def rate(rows, call, seconds=0.6):
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        call()
    began, done, end = time.process_time(), 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        call()
        done += rows
    return done / (time.process_time() - began)


def dense():
    g = np.random.default_rng(3)
    sizes = [8, 4, 2, 4, 8]
    weights = [(g.uniform(-1, 1, (a, b)).astype(np.float32), g.uniform(-0.1, 0.1, b).astype(np.float32)) for a, b in zip(sizes, sizes[1:])]
    x = g.uniform(-1, 1, (256, 8)).astype(np.float32)

    def forward(rows):
        for i, (kernel, bias) in enumerate(weights):
            rows = rows @ kernel + bias
            if i < 3:
                rows = np.maximum(rows, 0)
        return rows

    one = x[:1]
    result = {"numpy/256": rate(256, lambda: forward(x)), "numpy/1": rate(1, lambda: forward(one))}
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(onnx_bytes(weights), options, providers=["CPUExecutionProvider"])
    result["onnxruntime/256"] = rate(256, lambda: session.run(None, {"x": x}))
    result["onnxruntime/1"] = rate(1, lambda: session.run(None, {"x": one}))
    return result


def varint(n):
    out = b""
    while True:
        byte, n = n & 127, n >> 7
        out += bytes([byte | (128 if n else 0)])
        if not n:
            return out


def field(number, content):
    return varint(number * 8 + 2) + varint(len(content)) + content


def number(at, value):
    return varint(at * 8) + varint(value)


def onnx_bytes(weights):
    """The net as ONNX by hand: Gemm and Relu."""
    text = lambda at, value: field(at, value.encode())
    graph, last = b"", "x"
    for i, (kernel, bias) in enumerate(weights):
        out = f"g{i}"
        graph += field(1, text(1, last) + text(1, f"w{i}") + text(1, f"b{i}") + text(2, out) + text(4, "Gemm"))
        last = out
        if i < 3:
            graph += field(1, text(1, out) + text(2, f"r{i}") + text(4, "Relu"))
            last = f"r{i}"
    graph += text(2, "net")
    for i, (kernel, bias) in enumerate(weights):
        for name, values in ((f"w{i}", kernel), (f"b{i}", bias)):
            dims = b"".join(number(1, d) for d in values.shape)
            graph += field(5, dims + number(2, 1) + text(8, name) + field(9, values.tobytes()))
    for at, name in ((11, "x"), (12, last)):
        shape = field(1, text(2, "n")) + field(1, number(1, 8))
        graph += field(at, text(1, name) + field(2, field(1, number(1, 1) + field(2, shape))))
    return number(1, 8) + field(7, graph) + field(8, text(1, "") + number(2, 13))


def detectors():
    random.seed(7)
    rows = [[random.random() for _ in range(8)] for _ in range(1000)]
    dicts = [dict(zip("abcdefgh", row)) for row in rows]
    from river import anomaly

    trees = anomaly.HalfSpaceTrees(n_trees=10, height=8, window_size=250, seed=1)
    for row in dicts:
        trees.learn_one(row)
    at = iter(range(10**9))

    def river():
        row = dicts[next(at) % 1000]
        trees.score_one(row)
        trees.learn_one(row)

    result = {"river/half-space-trees": rate(1, river)}
    import rrcf

    forest = [rrcf.RCTree() for _ in range(20)]
    count = [0]

    def cut():
        i = count[0]
        count[0] += 1
        point = np.array(rows[i % 1000]) + 1e-9 * i
        for tree in forest:
            if len(tree.leaves) >= 128:
                tree.forget_point(i - 128)
            tree.insert_point(point, index=i)
            tree.codisp(i)

    result["rrcf/rrcf"] = rate(1, cut, 1.5)
    from pysad.models import HalfSpaceTrees

    low, high = np.zeros(8), np.ones(8)
    pysad = HalfSpaceTrees(feature_mins=low, feature_maxes=high, window_size=250, num_trees=10, max_depth=8)
    arrays = [np.array(row) for row in rows]
    for row in arrays[:250]:
        pysad.fit_partial(row)
    k = iter(range(10**9))

    def sad():
        row = arrays[next(k) % 1000]
        pysad.score_partial(row)
        pysad.fit_partial(row)

    result["pysad/half-space-trees"] = rate(1, sad)
    return result


print(json.dumps({"dense": dense, "detectors": detectors}[sys.argv[1]]()))
