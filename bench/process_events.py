"""What the kernel tells of execs and ends of processes, those in containers, too.

Its process connector has the time of each, without a cost for what is measured. It needs root.
"""

import contextlib
import socket
import struct
import threading
from pathlib import Path
from typing import NamedTuple

from bench.supervisors import MeasurementError

# linux/cn_proc.h, linux/connector.h, linux/netlink.h
_NETLINK_CONNECTOR = 11
_NETLINK_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, sender
_CONNECTOR_HEADER = struct.Struct("=IIIIHH")  # index, value, sequence, acknowledged, length, flags
_EVENT_HEADER = struct.Struct("=IIQ")  # what, CPU, ns of the monotonic clock
_TASK = struct.Struct("=II")  # thread, process
_DONE, _PROCESSES, _LISTEN = 3, 1, 1
_EXEC, _EXIT = 2, 0x80000000
_BUFFER_BYTES = 1 << 20


class Exec(NamedTuple):
    """A process has become another program; `cgroup` names its container."""

    ns: int
    pid: int
    arguments: list[str]
    cgroup: str


class ProcessEvents:
    """Notes execs and ends, in ns of the monotonic clock, as long as it is entered."""

    def __init__(self) -> None:
        self.execs: list[Exec] = []
        self.ends: dict[int, int] = {}

    def __enter__(self) -> "ProcessEvents":
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_CONNECTOR)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.settimeout(0.2)
        try:
            self._socket.bind((0, _PROCESSES))  # the kernel chooses the address
            order = _CONNECTOR_HEADER.pack(_PROCESSES, _PROCESSES, 0, 0, 4, 0)
            order += struct.pack("=I", _LISTEN)
            length = _NETLINK_HEADER.size + len(order)
            self._socket.send(_NETLINK_HEADER.pack(length, _DONE, 0, 0, 0) + order)
            self._socket.recv(4096)  # acknowledged, or another event
        except OSError as error:
            self._socket.close()
            raise MeasurementError(
                f"cannot listen to the kernel's process events: {error}"
            ) from None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                self._note(self._socket.recv(4096))

    def _note(self, message: bytes) -> None:
        offset = _NETLINK_HEADER.size + _CONNECTOR_HEADER.size
        what, _, ns = _EVENT_HEADER.unpack_from(message, offset)
        thread, process = _TASK.unpack_from(message, offset + _EVENT_HEADER.size)
        if what == _EXIT and thread == process:
            self.ends[process] = ns
        elif what == _EXEC:
            with contextlib.suppress(OSError):  # or without arguments: has ended already
                arguments = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
                cgroup = Path(f"/proc/{process}/cgroup").read_text()
                if arguments:
                    self.execs.append(Exec(ns, process, arguments.split("\0")[:-1], cgroup))
