"""Makes from_python.safetensors with the `safetensors` package, and checks with it the file that
Assay wrote.

    python make_safetensors_fixture.py          writes from_python.safetensors
    python make_safetensors_fixture.py --check  opens from_assay.safetensors and compares

Needs numpy and safetensors.
"""

import pathlib
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

FOLDER = pathlib.Path(__file__).parent
METADATA = {"classes": '["benign","malignant"]', "note": "ä \"quoted\" \\ 日本 😀"}

# The same values are made in SafetensorsFixture.swift.
TENSORS = {
    "dense/kernel": (np.arange(12, dtype=np.float32) / 8 - 0.5).reshape(3, 4),
    "dense/bias": np.array([0.0, -0.0, np.inf, -np.inf], dtype=np.float32),
    "float64": np.array([[1.5], [-2.25]], dtype=np.float64),
    "int64": np.array([-1, 0, 2**62], dtype=np.int64),
    "uint64": np.array([2**64 - 1], dtype=np.uint64),
    "bytes": np.array([0, 1, 254, 255, 7], dtype=np.uint8),
    "scalar": np.array(0.1, dtype=np.float32),
    "empty": np.zeros((0, 5), dtype=np.float32),
}


def check(path: pathlib.Path) -> None:
    found = load_file(path)
    assert found.keys() == TENSORS.keys(), found.keys()
    for name, expected in TENSORS.items():
        assert found[name].dtype == expected.dtype, name
        assert found[name].shape == expected.shape, name
        assert found[name].tobytes() == expected.tobytes(), name
    with safe_open(path, framework="numpy") as file:
        assert file.metadata() == METADATA, file.metadata()


if __name__ == "__main__":
    if "--check" in sys.argv:
        check(FOLDER / "from_assay.safetensors")
        print("from_assay.safetensors opens equal")
    else:
        save_file(TENSORS, FOLDER / "from_python.safetensors", metadata=METADATA)
        check(FOLDER / "from_python.safetensors")
