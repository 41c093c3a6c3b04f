"""Two network namespaces with a line between them that takes its time; needs root, ip and tun.

    python tests/learn/slow_line.py FIRST SECOND MILLISECONDS

makes namespaces of these names with the addresses 10.77.0.1 and 10.77.0.2, says "ready", and
carries every packet from one to the other after so many milliseconds, until it ends. While it is
stopped (SIGSTOP) the line is dead, as when a cable is cut: nothing arrives, and nobody is told.
"""

import os
import select
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
TUN_WITHOUT_HEADER = 0x0001 | 0x1000
ADDRESSES = ("10.77.0.1", "10.77.0.2")


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def end(namespace, address):
    """Our end of a device whose other end is in a namespace of its own."""
    import fcntl  # Windows has none

    device = f"t{os.getpid() % 100_000}{address[-1]}"
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", device.encode(), TUN_WITHOUT_HEADER))
    ip("netns", "add", namespace)
    ip("link", "set", device, "netns", namespace)
    inside = ("-n", namespace)
    ip(*inside, "address", "add", f"{address}/24", "dev", device)
    ip(*inside, "link", "set", device, "up")
    ip(*inside, "link", "set", "lo", "up")
    return tun


def main(first, second, milliseconds):
    ends = [end(name, address) for name, address in zip((first, second), ADDRESSES, strict=True)]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    other = dict(zip(ends, reversed(ends), strict=True))
    late = float(milliseconds) / 1e3
    under_way = deque()
    while True:
        wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        for tun in select.select(ends, [], [], wait)[0]:
            under_way.append((time.monotonic() + late, other[tun], os.read(tun, 65_536)))
        while under_way and under_way[0][0] <= time.monotonic():
            _, tun, packet = under_way.popleft()
            os.write(tun, packet)


if __name__ == "__main__":
    main(*sys.argv[1:])
