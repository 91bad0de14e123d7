"""Measures what one connection carries: `goodput.py receive` on one device, `goodput.py send ADDRESS` on another."""

import socket
import sys
import time

_PORT = 5201
_SECONDS = 3.0
# A connection needs a while to reach its rate.
_LEFT_OUT_S = 1.0


def receive() -> None:
    """Prints a line when it listens, and then the bits per second."""
    with socket.create_server(("0.0.0.0", _PORT)) as listener:
        print("listening", flush=True)
        connection, _ = listener.accept()
    begun = time.monotonic()
    counted, first, last = 0, None, None
    while data := connection.recv(65536):
        now = time.monotonic()
        if now - begun < _LEFT_OUT_S:
            continue
        if first is None:
            first = now
        else:
            counted += len(data)
        last = now
    print(8 * counted / (last - first))


def send(host: str) -> None:
    connection = socket.create_connection((host, _PORT), 10)
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        connection.sendall(bytes(16384))
    connection.close()


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive()
    else:
        send(sys.argv[2])
