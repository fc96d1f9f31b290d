"""Makes tensorboard/ with the real tensorboardX, and tensorboard.json with the values that went in. Run
with the python that tools/bench/peers/mlflow-peer prints."""

import json
import os
import shutil
import struct

import numpy as np
from tensorboardX import SummaryWriter
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.proto.tensor_pb2 import TensorProto
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboardX.summary import hparams

HERE = os.path.dirname(os.path.abspath(__file__))
START = 1_760_000_000.0


def frame(record):
    def masked(data):
        crc = crc32c(data)
        return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

    head = struct.pack("<Q", len(record))
    return head + struct.pack("<I", masked(head)) + record + struct.pack("<I", masked(record))


def tensor(values, kind, packed):
    shape = TensorShapeProto(dim=[])
    if packed:
        data = struct.pack("<" + {1: "f", 2: "d"}[kind], *values)
        return TensorProto(dtype=kind, tensor_shape=shape, tensor_content=data)
    if kind == 1:
        return TensorProto(dtype=kind, tensor_shape=shape, float_val=values)
    return TensorProto(dtype=kind, tensor_shape=shape, double_val=values)


def scalars_of_tensorflow_2(path):
    """What tf.summary.scalar writes: a tensor, with the plugin named at its first event only."""
    expected = []
    with open(path, "wb") as file:
        file.write(frame(Event(wall_time=START, file_version="brain.Event:2").SerializeToString()))
        for step in range(20):
            kind, packed = (1, step % 2 == 0) if step < 15 else (2, step % 2 == 0)
            value = 0.0 if step == 3 else 1 / (step + 3)
            metadata = None
            if step == 0:
                metadata = SummaryMetadata(
                    plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
            summary = Summary(value=[Summary.Value(
                tag="epoch_loss", tensor=tensor([value], kind, packed), metadata=metadata)])
            wall = START + step + 0.25
            file.write(frame(
                Event(wall_time=wall, step=step, summary=summary).SerializeToString()))
            stored = float(np.float32(value)) if kind == 1 else value
            expected.append([step, round(wall * 1e6), stored])
    return {"epoch_loss": expected}


def scalars_of_tensorflow_1(folder):
    expected = {}
    writer = SummaryWriter(folder)
    for step in range(50):
        for tag, value in (
            ("loss", 1 / (step + 1)), ("größe/äß", step * 0.1), ("nan", float("nan")),
            ("inf", float("-inf") if step % 2 else float("inf")),
        ):
            writer.add_scalar(tag, value, step, walltime=START + step)
            stored = float(np.float32(value))
            text = "NaN" if stored != stored else {float("inf"): "Infinity",
                                                   float("-inf"): "-Infinity"}.get(stored, stored)
            expected.setdefault(tag, []).append([step, round((START + step) * 1e6), text])
    writer.add_histogram("weights", np.arange(10.0), 1, walltime=START)
    writer.add_text("remark", "hello", 1, walltime=START)
    for summary in hparams({"lr": 0.5, "layers": 3, "name": "adam", "big": True}, {"loss": 1.0}):
        writer.file_writer.add_summary(summary, walltime=START)
    writer.close()
    return expected


def main():
    root = os.path.join(HERE, "tensorboard")
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(os.path.join(root, "train"))
    os.makedirs(os.path.join(root, "validation/deep"))
    expected = {"train": scalars_of_tensorflow_1(os.path.join(root, "train"))}
    for name in os.listdir(os.path.join(root, "train")):
        os.rename(os.path.join(root, "train", name),
                  os.path.join(root, "train", "events.out.tfevents.1760000000.host"))
    expected["validation/deep"] = scalars_of_tensorflow_2(
        os.path.join(root, "validation/deep", "events.out.tfevents.1760000000.host.v2"))
    with open(os.path.join(HERE, "tensorboard.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, indent=0, ensure_ascii=False)


main()
