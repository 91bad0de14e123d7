"""What a process says of its memory."""

import subprocess
import sys
import unittest

from cutpoint_runner.memory import peak_bytes, resident_bytes


class Memory(unittest.TestCase):
    def test_peak_stays_when_memory_is_given_back(self):
        before = resident_bytes()
        held = bytearray(64 << 20)
        self.assertGreater(resident_bytes(), before + (60 << 20))
        del held
        self.assertGreater(peak_bytes(), before + (60 << 20))

    def test_peak_is_not_that_of_the_process_that_started_it(self):
        held = bytearray(256 << 20)
        code = "from cutpoint_runner.memory import peak_bytes; print(peak_bytes())"
        started = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
        self.assertLess(int(started.stdout), len(held))
