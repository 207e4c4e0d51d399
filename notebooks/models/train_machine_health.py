"""Trains the model of lesson 10 with numpy and writes it in the format of TensorFlow.js.

    python train_machine_health.py sensors.json machine-health

sensors.json holds rows {"temp": …, "vibration": …}. The folder that is written is what tensorflowjs's converter writes for
a Keras Sequential model, with the scaler and the threshold as metadata.
"""
import json
import os
import sys

import numpy as np

FEATURES = ["temp", "vibration"]
SIZES = [2, 6, 1, 6, 2]
EPOCHS, BATCH, RATE = 60, 32, 3e-3


def forward(weights, x):
    values = [x]
    for i, (kernel, bias) in enumerate(weights):
        x = x @ kernel + bias
        values.append(x if i == len(weights) - 1 else np.tanh(x))
        x = values[-1]
    return values


def train(x, seed=1):
    random = np.random.default_rng(seed)
    weights = []
    for inputs, units in zip(SIZES, SIZES[1:]):
        spread = np.sqrt(6 / (inputs + units))
        weights.append([random.uniform(-spread, spread, (inputs, units)), np.zeros(units)])
    first = [[np.zeros_like(p) for p in layer] for layer in weights]
    second = [[np.zeros_like(p) for p in layer] for layer in weights]
    step = 0
    for _ in range(EPOCHS):
        for rows in np.array_split(random.permutation(len(x)), max(1, len(x) // BATCH)):
            values = forward(weights, x[rows])
            delta = 2 * (values[-1] - x[rows]) / values[-1].size
            step += 1
            for i in reversed(range(len(weights))):
                gradients = [values[i].T @ delta, delta.sum(axis=0)]
                delta = (delta @ weights[i][0].T) * (1 - values[i] ** 2)
                for p in (0, 1):
                    first[i][p] = 0.9 * first[i][p] + 0.1 * gradients[p]
                    second[i][p] = 0.999 * second[i][p] + 0.001 * gradients[p] ** 2
                    size = RATE * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                    weights[i][p] -= size * first[i][p] / (np.sqrt(second[i][p]) + 1e-7)
    return weights


def write(folder, weights, mean, deviation, threshold):
    os.makedirs(folder, exist_ok=True)
    specs, data, layers = [], b"", []
    for i, (kernel, bias) in enumerate(weights):
        name = f"dense_{i + 1}"
        config = {"name": name, "units": len(bias), "activation": "linear" if i == len(weights) - 1 else "tanh", "use_bias": True}
        if i == 0:
            config["batch_input_shape"] = [None, len(FEATURES)]
        layers.append({"class_name": "Dense", "config": config})
        for part, values in (("kernel", kernel), ("bias", bias)):
            specs.append({"name": f"{name}/{part}", "shape": list(values.shape), "dtype": "float32"})
            data += values.astype("<f4").tobytes()
    model = {
        "format": "layers-model",
        "generatedBy": "numpy",
        "modelTopology": {"keras_version": "2.15.0", "backend": "tensorflow",
                          "model_config": {"class_name": "Sequential", "config": {"name": "machine_health", "layers": layers}}},
        "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": specs}],
        "userDefinedMetadata": {"riffle": {"features": FEATURES, "threshold": threshold,
                                           "scaler": {"mean": list(mean), "deviation": list(deviation)}}},
    }
    with open(os.path.join(folder, "group1-shard1of1.bin"), "wb") as file:
        file.write(data)
    with open(os.path.join(folder, "model.json"), "w") as file:
        json.dump(model, file, indent=1)
        file.write("\n")


def main(source, folder):
    with open(source) as file:
        rows = json.load(file)
    x = np.array([[row[name] for name in FEATURES] for row in rows])
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    x = (x - mean) / deviation
    held = x[int(0.9 * len(x)):]
    weights = train(x[: int(0.9 * len(x))])
    errors = ((forward(weights, held)[-1] - held) ** 2).mean(axis=1)
    write(folder, weights, mean, deviation, 1.5 * float(np.quantile(errors, 0.99)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
