"""What is read from files and from the network: faults name their place, and nothing else than a fault is raised."""

import copy
import json
import random
import tempfile
import unittest
from pathlib import Path

import numpy as np

from cutpoint_runner.address import Address, parse_address
from cutpoint_runner.faults import Fault, Refusal
from cutpoint_runner.frame import HEADER_BYTES, Header, Kind
from cutpoint_runner.inputs import drawn_inputs, read_inputs
from cutpoint_runner.stages import read_stages
from cutpoint_runner.tensors import Tensor, type_named

_TENSOR = {"name": "t", "type": "float32", "shape": [2, 3], "bytes": 24}
_DOCUMENT = {
    "model": "m",
    "token": "sixteen letters.",
    "overlap": "full",
    "feedback": "127.0.0.1:4000",
    "stages": [
        {
            "index": i,
            "pipeline": 0,
            "node_id": f"n{i}",
            "file": f"s{i}.onnx",
            "inputs": [_TENSOR],
            "outputs": [_TENSOR],
            "receive_from": {"kind": ("source", "stage")[i], "stage": 0, "address": f"127.0.0.1:{4001 + i}"},
            "send_to": {"kind": ("stage", "sink")[i], "stage": 1, "address": f"127.0.0.1:{4002 + i}"},
            "planned": {"compute_s": 0.1},
        }
        for i in range(2)
    ],
}


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def read(self, document):
        path = self.folder / "stages.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        return read_stages(path)


class StagesFile(Folder):
    def changed(self, path: str, value):
        """Returns the document with the member at a path replaced, or removed by `...`."""
        document = copy.deepcopy(_DOCUMENT)
        *parents, last = [int(key) if key.isdecimal() else key for key in path.split("/")]
        place = document
        for key in parents:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
        return document

    def test_good_file(self):
        stages = self.read(_DOCUMENT)
        self.assertEqual(stages.first(0).index, 0)
        self.assertEqual(stages.last(0).index, 1)
        self.assertEqual(stages.stage(0, 1).receive_from.address, Address("127.0.0.1", 4002))
        self.assertEqual(stages.stage(0, 1).inputs, (Tensor("t", "float32", (2, 3)),))

    def test_faults_name_their_place(self):
        cases = [
            ("model", ..., "the document lacks the member 'model'"),
            ("token", "short", "must have at least 16"),
            ("overlap", "some", "one of full, none"),
            ("feedback", "nowhere", "'nowhere' is not an address"),
            ("stages", {}, "stages must be a list"),
            ("stages/1/index", 0, "stage 0 of pipeline 0 is listed twice"),
            ("stages/0/index", True, r"stages\[0\].index must be a whole number"),
            ("stages/1/file", "../s.onnx", r"stages\[1\].file is '../s.onnx'; it must be relative"),
            ("stages/1/file", "/s.onnx", "must be relative"),
            ("stages/0/inputs/0/type", "string", r"stages\[0\].inputs\[0\]: the type 'string' cannot be carried"),
            ("stages/0/inputs/0/bytes", 23, r"inputs\[0\].bytes is 23, but float32\[2, 3\] takes 24"),
            ("stages/0/inputs/0/shape", [2, -3], r"shape\[1\] is -3"),
            ("stages/0/inputs", [_TENSOR] * 2, r"stages\[0\].inputs lists 't' twice"),
            ("stages/1/inputs", [{**_TENSOR, "name": "u"}], "stages 0 and 1 of pipeline 0 differ in what"),
            ("stages/1/receive_from/address", "127.0.0.1:9", "differ in the address"),
            ("stages/0/receive_from/kind", "sink", r"receive_from.kind is 'sink'; it must be 'stage' or 'source'"),
            ("stages/0/planned/compute_s", -1, r"planned.compute_s is -1"),
        ]
        for path, value, text in cases:
            with self.subTest(path=path, value=value), self.assertRaisesRegex(Fault, text):
                self.read(self.changed(path, value))

    def test_frame_of_absurd_size(self):
        tensor = {**_TENSOR, "shape": [1 << 20, 1 << 20], "bytes": 1 << 42}
        with self.assertRaisesRegex(Fault, "takes more than 4294967296 bytes"):
            self.read(self.changed("stages/0/inputs", [tensor]))

    def test_invented_documents_are_read_or_are_faults(self):
        generator = random.Random(3)
        values = [None, True, -1, 0, 1 << 70, 1e400, "", "stage", [], {}, [[]], {"kind": "stage"}, "\ud800"]
        read = 0
        for _ in range(2000):
            document = copy.deepcopy(_DOCUMENT)
            for _ in range(generator.randrange(1, 3)):
                place = document
                while True:
                    key = generator.choice(list(place) if isinstance(place, dict) else list(range(len(place))))
                    deeper = isinstance(place[key], (dict, list)) and place[key] and generator.random() < 0.8
                    if not deeper:
                        break
                    place = place[key]
                place[key] = copy.deepcopy(generator.choice(values))
            try:
                self.read(document)
                read += 1
            except Fault:
                pass
        self.assertGreater(read, 20)

    def test_files_that_are_none(self):
        path = self.folder / "stages.json"
        with self.assertRaisesRegex(Fault, "cannot be read"):
            read_stages(path)
        for data in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]", b"null"):
            path.write_bytes(data)
            with self.subTest(data[:9]), self.assertRaises(Fault):
                read_stages(path)


class Frames(unittest.TestCase):
    def test_header_is_read_as_it_was_written(self):
        header = Header(Kind.TENSORS, 1, 2, 3, 4, 5)
        self.assertEqual(len(header.pack()), HEADER_BYTES)
        self.assertEqual(Header.unpack(header.pack()), header)

    def test_invented_headers_are_read_or_refused(self):
        generator = random.Random(4)
        good = Header(Kind.END, 1, 2, 3, 4, 5).pack()
        refused = 0
        for _ in range(5000):
            data = bytearray(good)
            for _ in range(generator.randrange(1, 4)):
                data[generator.randrange(HEADER_BYTES)] = generator.randrange(256)
            try:
                self.assertEqual(Header.unpack(bytes(data)).pack(), data)
            except Refusal:
                refused += 1
        self.assertGreater(refused, 500)


class Addresses(unittest.TestCase):
    def test_good_addresses(self):
        for text, host, port in (("a.b:1", "a.b", 1), ("[::1]:65535", "::1", 65535), ("10.0.0.1:80", "10.0.0.1", 80)):
            self.assertEqual(parse_address(text), Address(host, port))
            self.assertEqual(str(parse_address(text)), text)

    def test_bad_addresses(self):
        for text in (
            "",
            ":1",
            "a",
            "a:",
            "a:0",
            "a:65536",
            "a:-1",
            "a:1x",
            "::1:80",
            "[a]:80",
            "a:١",
            "[]:1",
            "a..b:1",
            f"{'a' * 64}:1",
            "a b:1",
            "a\0:1",
            "\ud800:1",
            "a:1\n",
        ):
            with self.subTest(text), self.assertRaises(Fault):
                parse_address(text)


class Types(unittest.TestCase):
    def test_bytes(self):
        cases = {"bool": 6, "float16": 12, "double": 48, "bfloat16": 12, "INT4": 3, "complex128": 96, "uint64": 48}
        for name, size in cases.items():
            tensor = Tensor("t", type_named(name), (2, 3))
            self.assertEqual((tensor.bytes, tensor.empty().nbytes), (size, size), name)

    def test_odd_number_of_half_bytes(self):
        self.assertEqual(Tensor("t", "uint4", (3,)).bytes, 2)

    def test_no_dimensions_and_no_elements(self):
        self.assertEqual(Tensor("t", "float32", ()).bytes, 4)
        self.assertEqual(Tensor("t", "float32", (0, 3)).bytes, 0)

    def test_difference_from_an_array(self):
        tensor = Tensor("t", "float32", (2, 3))
        self.assertIsNone(tensor.fault_of(np.zeros((2, 3), np.float32)))
        self.assertIn("float64[2, 3]", tensor.fault_of(np.zeros((2, 3))))
        self.assertIn("float32[3, 2]", tensor.fault_of(np.zeros((3, 2), np.float32)))


class Inputs(Folder):
    tensors = (Tensor("a", "float32", (1, 2)), Tensor("b", "int64", (3,)))

    def test_several_and_one(self):
        a, b = np.arange(8, dtype=np.float32).reshape(4, 1, 2), np.arange(12).reshape(4, 3)
        np.savez(self.folder / "i.npz", a=a, b=b)
        rows = read_inputs(self.folder / "i.npz", self.tensors)
        self.assertEqual(len(rows), 4)
        np.testing.assert_array_equal(rows[2][0], a[2])
        np.testing.assert_array_equal(rows[2][1], b[2])
        np.savez(self.folder / "i.npz", a=a[0], b=b[0])
        self.assertEqual(len(read_inputs(self.folder / "i.npz", self.tensors)), 1)

    def test_faults(self):
        a, b = np.zeros((4, 1, 2), np.float32), np.zeros((4, 3), np.int64)
        cases = {
            "no array 'b'": {"a": a},
            r"'a' is float64\[4, 1, 2\], but the model reads float32\[1, 2\]": {"a": a.astype(float), "b": b},
            r"'b' is int64\[4, 2\]": {"a": a, "b": b[:, :2]},
            "must be equal": {"a": a, "b": b[:3]},
            "and not 0": {"a": a[:0], "b": b[:0]},
            "cannot be read": {"a": np.array([{}]), "b": b},
        }
        for text, arrays in cases.items():
            np.savez(self.folder / "i.npz", **arrays)
            with self.subTest(text), self.assertRaisesRegex(Fault, text):
                read_inputs(self.folder / "i.npz", self.tensors)

    def test_one_array_for_several_inputs(self):
        np.save(self.folder / "i.npy", np.zeros(3))
        with self.assertRaisesRegex(Fault, "the model has 2 inputs"):
            read_inputs(self.folder / "i.npy", self.tensors)

    def test_drawn_inputs_depend_on_the_seed(self):
        first, same, other = (drawn_inputs(self.tensors, seed) for seed in (1, 1, 2))
        np.testing.assert_equal(first, same)
        self.assertFalse(np.array_equal(first[0][0], other[0][0]))
        self.assertEqual(first[0][1].dtype, np.int64)
        self.assertLessEqual(first[0][1].max(), 1)
