"""A pipeline whose inputs are numbered, so that an output shows which input it is of."""

from __future__ import annotations

import numpy as np

from .models import expected
from .pipeline import PipelineCase, Process


class NumberedCase(PipelineCase):
    """Feeds the numbers from 0, and keeps the outputs."""

    size = 20_000
    count = 60

    def setUp(self) -> None:
        super().setUp()
        numbers = np.arange(self.count, dtype=np.float32)
        self.inputs = np.repeat(numbers, self.size).reshape(self.count, 1, self.size)
        np.save(self.folder / "inputs.npy", self.inputs)

    def feed(self, *arguments: str) -> Process:
        return self.start(
            "feed", "--inputs", str(self.folder / "inputs.npy"), "--count", str(self.count), "--rate", "60", *arguments
        )

    def sink(self, *arguments: str) -> Process:
        return self.start("sink", "--save", str(self.folder / "saved"), *arguments)

    def delivered(self) -> int:
        return len(list((self.folder / "saved").glob("*.npz")))

    def check_outputs(self) -> list[int]:
        """Checks that each output is whole and of its own input; returns the inferences that arrived."""
        arrived = []
        for path in sorted((self.folder / "saved").glob("*.npz")):
            inference = int(path.stem.rsplit("-", 1)[1])
            outputs = np.load(path, allow_pickle=False)
            for name, array in expected(self.inputs[inference]).items():
                np.testing.assert_array_equal(outputs[name], array, f"{name} of inference {inference}")
            arrived.append(inference)
        return arrived
