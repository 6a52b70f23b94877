"""Send one frame to many sockets with a single system call, by Linux' io_uring through ctypes.

A send is done while it is submitted or not at all, and only what fails is told back. That rests on these facts of the
kernel, each of which `open_ring` tries before anybody relies on it:

1. A request with `IOSQE_CQE_SKIP_SUCCESS` posts no completion unless it fails (kernel 5.17).
2. With `MSG_DONTWAIT` a full socket fails with EAGAIN at once, instead of being waited for in the background, so that
   the frame need not outlive the call.
3. A short send counts as a failure, and tells how much was sent, only together with `MSG_WAITALL`; without it half a
   frame would pass for a whole one.
"""

import ctypes
import errno
import logging
import mmap
import os
import socket
import struct
import weakref
from array import array
from collections.abc import Mapping, Sequence
from typing import Final

logger = logging.getLogger(__name__)

ENTRIES: Final = 1024
"""Sends in one call; a power of two."""

_SETUP: Final = 425  # numbers of system calls, the same on every architecture
_ENTER: Final = 426
_SUBMIT_ALL: Final = 1 << 7
_COOP_TASKRUN: Final = 1 << 8
_SINGLE_MMAP: Final = 1 << 0
_CQE_SKIP: Final = 1 << 11
_SQES: Final = 0x10000000
_SEND: Final = 26
_SKIP_SUCCESS: Final = 1 << 6
_WORDS_OF_PARAMETERS: Final = 30
_BYTES_OF_REQUEST: Final = 64
_COMPLETION: Final = struct.Struct("<QiI")
_REQUEST: Final = struct.Struct("<BBHiQQIIQ")
_NONE_FAILED: Final[Mapping[int, int]] = {}


class Ring:
    """One io_uring, for the thread of the loop."""

    def __init__(self) -> None:
        """Raises OSError where the kernel, or the rules of a container, do not let us."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.restype = ctypes.c_long
        parameters = array("I", bytes(4 * _WORDS_OF_PARAMETERS))
        parameters[2] = _SUBMIT_ALL | _COOP_TASKRUN
        self._fd = self._call(_SETUP, ENTRIES, ctypes.c_void_p(parameters.buffer_info()[0]))
        self._close = weakref.finalize(self, os.close, self._fd)
        self._map(parameters)
        self.usable = True
        """False once the kernel has refused a submission."""

    def _map(self, parameters: "array[int]") -> None:
        features, submissions, completions = parameters[5], parameters[10:20], parameters[20:30]
        if not features & _SINGLE_MMAP or not features & _CQE_SKIP:
            raise OSError(errno.ENOSYS, "this kernel's io_uring is too old")
        size = max(submissions[6] + 4 * parameters[0], completions[5] + _COMPLETION.size * parameters[1])
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        self._ring = mmap.mmap(self._fd, _pages(size), mmap.MAP_SHARED, protection, offset=0)
        self._requests = mmap.mmap(
            self._fd, _pages(_BYTES_OF_REQUEST * ENTRIES), mmap.MAP_SHARED, protection, offset=_SQES
        )
        self._words = memoryview(self._ring).cast("I")
        self._tail = submissions[1] // 4
        self._completed_head, self._completed_tail = completions[0] // 4, completions[1] // 4
        self._completions, self._completions_mask = completions[5], parameters[1] - 1
        flags = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL | socket.MSG_WAITALL
        for slot in range(ENTRIES):
            _REQUEST.pack_into(
                self._requests, _BYTES_OF_REQUEST * slot, _SEND, _SKIP_SUCCESS, 0, -1, 0, 0, 0, flags, slot
            )
            self._words[submissions[6] // 4 + slot] = slot
        requests = memoryview(self._requests)
        self._descriptors = requests.cast("i")[1::16]
        self._addresses = requests.cast("Q")[2::8]
        self._lengths = requests.cast("I")[6::16]

    def close(self) -> None:
        """Let go of it."""
        self.usable = False
        self._fd = -1
        self._close()

    def send(self, descriptors: Sequence[int], frame: bytes) -> Mapping[int, int]:
        """Send ``frame`` to up to `ENTRIES` sockets.

        Returns how many bytes were sent to those that have not got all of it, by their place in ``descriptors``.
        """
        count, address = len(descriptors), ctypes.cast(ctypes.c_char_p(frame), ctypes.c_void_p).value
        assert count <= ENTRIES and address is not None
        wanted = memoryview(array("i", descriptors))
        tail = self._words[self._tail]
        start = tail & (ENTRIES - 1)
        before_end = min(count, ENTRIES - start)
        self._fill(start, wanted[:before_end], address, len(frame))
        if before_end < count:
            self._fill(0, wanted[before_end:], address, len(frame))
        self._words[self._tail] = (tail + count) & 0xFFFFFFFF
        submitted = self._submit(count)
        if submitted == count and self._words[self._completed_head] == self._words[self._completed_tail]:
            return _NONE_FAILED
        failed = {(slot - start) % ENTRIES: sent for slot, sent in self._take_failures()}
        failed.update(dict.fromkeys(range(submitted, count), 0))
        return failed

    def _fill(self, at: int, descriptors: memoryview, address: int, length: int) -> None:
        count = len(descriptors)
        end = at + count
        self._descriptors[at:end] = descriptors
        self._addresses[at:end] = memoryview(array("Q", (address,)) * count)
        self._lengths[at:end] = memoryview(array("I", (length,)) * count)

    def _submit(self, count: int) -> int:
        submitted = 0
        while submitted < count:
            try:
                submitted += self._call(_ENTER, self._fd, count - submitted, 0, 0, None, 0)
            except InterruptedError:
                continue
            except OSError as error:
                logger.warning("io_uring is given up: %s", error)
                self.usable = False
                break
        return submitted

    def _take_failures(self) -> list[tuple[int, int]]:
        head, tail = self._words[self._completed_head], self._words[self._completed_tail]
        taken = []
        while head != tail:
            at = self._completions + _COMPLETION.size * (head & self._completions_mask)
            slot, result, _ = _COMPLETION.unpack_from(self._ring, at)
            taken.append((slot, max(0, result)))
            head = (head + 1) & 0xFFFFFFFF
        self._words[self._completed_head] = head
        return taken

    def _call(self, *arguments: object) -> int:
        result: int = self._libc.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def open_ring() -> Ring | None:
    """Open a ring and try what it has to do; None where it cannot be had or does not do it."""
    try:
        ring = Ring()
    except OSError as error:
        logger.info("io_uring is not to be had: %s", error)
        return None
    if _keeps_its_promises(ring):
        return ring
    logger.warning("io_uring does not work as it must here and is not used")
    ring.close()
    return None


def _keeps_its_promises(ring: Ring) -> bool:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        if ring.send([near.fileno()], b"whole") or far.recv(64) != b"whole":
            return False
        frame = bytes(8 * near.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
        short = ring.send([near.fileno()], frame).get(0, -1)
        full = ring.send([near.fileno()], frame).get(0, -1)
        return 0 < short < len(frame) and full == 0 and ring.usable


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
