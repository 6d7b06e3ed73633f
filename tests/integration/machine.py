"""What this machine and user can do; tests ask here before they skip."""

import ctypes
import os
import shutil
import struct

MIB = 1 << 20
MEMORY_CGROUP = "/sys/fs/cgroup/memory"


def is_root():
    return os.geteuid() == 0


def free_swap():
    """Bytes of swap that are free now."""
    with open("/proc/meminfo", encoding="ascii") as meminfo:
        for line in meminfo:
            if line.startswith("SwapFree:"):
                return int(line.split()[1]) * 1024
    return 0


def has_swap(bytes_needed=512 * MIB):
    return free_swap() >= bytes_needed


def has_memory_cgroup():
    return is_root() and os.access(f"{MEMORY_CGROUP}/memory.limit_in_bytes", os.R_OK)


def perf_works():
    """True when a page-fault counter with sigtrap may be opened, which the better meter needs."""
    software, page_faults = 1, 2
    flags = 1 << 0 | 1 << 1 | 1 << 5 | 1 << 35 | 1 << 36 | 1 << 37
    # disabled, inherit, exclude_kernel, inherit_thread, remove_on_exec, sigtrap
    attributes = struct.pack("<IIQQQQQ", software, 136, page_faults, 256, 8, 0, flags)
    attributes = ctypes.create_string_buffer(attributes.ljust(136, b"\0"), 136)
    perf_event_open = 298
    if os.uname().machine != "x86_64":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.syscall(perf_event_open, attributes, 0, -1, -1, 8)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True


def may_advise_others():
    """True with CAP_SYS_NICE, which paging out of another process takes."""
    sys_nice = 23
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        held = next(line for line in status if line.startswith("CapEff:"))
    return bool(int(held.split()[1], 16) >> sys_nice & 1)


def find_program(name):
    """Debian's own one first: another one may lie where an ordinary user cannot read."""
    return shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin") or shutil.which(name)
