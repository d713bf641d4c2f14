"""The allowlist of system calls: what it must never contain."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import re
import signal
import socket
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tools import render_seccomp

ROOT = Path(__file__).parents[4]
PROFILE = json.loads((ROOT / "gateway" / "launcher" / "engine" / "seccomp.json").read_text())
GROUPS = tomllib.loads((ROOT / "docs" / "seccomp-calls.toml").read_text())
COUNTED = GROUPS.pop("counted")
CALLS: dict[str, dict[str, Any]] = {name: call for group in GROUPS.values() for name, call in group["calls"].items()}
ALLOWING = [rule for rule in PROFILE["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"]
FREELY_ALLOWED = {name for rule in ALLOWING if not rule.get("args") for name in rule["names"]}
CLONE_THREAD = 0x10000
DANGEROUS = [
    "accept",
    "add_key",
    "bind",
    "bpf",
    "chown",
    "chroot",
    "clone3",
    "connect",
    "delete_module",
    "execveat",
    "fanotify_init",
    "fchown",
    "fchownat",
    "finit_module",
    "fork",
    "init_module",
    "inotify_init",
    "io_setup",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_load",
    "keyctl",
    "landlock_create_ruleset",
    "lchown",
    "link",
    "linkat",
    "listen",
    "memfd_create",
    "mknod",
    "mknodat",
    "modify_ldt",
    "mount",
    "move_mount",
    "mq_open",
    "msgget",
    "name_to_handle_at",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "personality",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "reboot",
    "recvmmsg",
    "recvmsg",
    "request_key",
    "seccomp",
    "semget",
    "sendfile",
    "sendmmsg",
    "sendmsg",
    "setgid",
    "setgroups",
    "setns",
    "setsockopt",
    "setuid",
    "setxattr",
    "shmat",
    "shmget",
    "shutdown",
    "socket",
    "splice",
    "swapon",
    "symlink",
    "symlinkat",
    "tee",
    "timer_create",
    "umount2",
    "unshare",
    "userfaultfd",
    "vfork",
    "vmsplice",
]


def test_everything_else_is_refused() -> None:
    """A call that isn't on the list fails with an error; it doesn't kill, and isn't merely logged."""
    assert PROFILE["defaultAction"] == "SCMP_ACT_ERRNO"


@pytest.mark.parametrize("name", DANGEROUS)
def test_dangerous_call_is_not_allowed(name: str) -> None:
    """No rule allows a call that reaches other processes, the network, or seldom used kernel code."""
    assert all(name not in rule["names"] for rule in ALLOWING)


@pytest.mark.parametrize("name", ["clone", "ioctl", "prctl"])
def test_manifold_calls_are_allowed_by_argument_alone(name: str) -> None:
    """A call that does many things is allowed for named values of one argument only, with one value in each rule."""
    rules = [rule for rule in ALLOWING if name in rule["names"]]
    assert rules
    assert all(rule["names"] == [name] and len(rule["args"]) == 1 for rule in rules)
    assert name not in FREELY_ALLOWED


def test_clone_makes_threads_and_one_plain_child() -> None:
    """``clone`` is allowed with CLONE_THREAD set, or for the supervisor's child with no flag at all: no namespace."""
    rules = [rule["args"] for rule in ALLOWING if "clone" in rule["names"]]
    assert rules == [
        [{"index": 0, "value": CLONE_THREAD, "valueTwo": CLONE_THREAD, "op": "SCMP_CMP_MASKED_EQ"}],
        [{"index": 0, "value": signal.SIGCHLD, "op": "SCMP_CMP_EQ"}],
    ]


def test_prctl_is_allowed_for_three_values() -> None:
    """PR_SET_NAME, and the two that the supervisor closes again: PR_SET_DUMPABLE and PR_SET_SECCOMP."""
    rules = [rule["args"] for rule in ALLOWING if "prctl" in rule["names"]]
    assert rules == [[{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}] for value in (15, 4, 22)]


def test_sockets_are_pairs_that_carry_bytes() -> None:
    """One kind of pair can be made, and calls on it take neither flags nor an address; nothing makes other sockets."""
    rules = {name: rule["args"] for rule in ALLOWING for name in rule["names"] if rule.get("args")}
    exact = {name: [(each["index"], each["value"], each["op"]) for each in args] for name, args in rules.items()}
    kind = socket.SOCK_STREAM | socket.SOCK_CLOEXEC
    pair = [(0, socket.AF_UNIX, "SCMP_CMP_EQ"), (1, kind, "SCMP_CMP_EQ"), (2, 0, "SCMP_CMP_EQ")]
    assert exact["socketpair"] == pair
    assert exact["sendto"] == exact["recvfrom"] == [(3, 0, "SCMP_CMP_EQ"), (4, 0, "SCMP_CMP_EQ")]
    named = [name for rule in ALLOWING for name in rule["names"]]
    assert all(named.count(name) == 1 for name in ("socketpair", "sendto", "recvfrom"))


def test_modes_have_no_set_id_bit() -> None:
    """``chmod`` and its kin are allowed with both set-id bits clear."""
    bits = {"value": stat.S_ISUID | stat.S_ISGID, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    for name, index in (("chmod", 1), ("fchmod", 1), ("fchmodat", 2)):
        assert [rule["args"] for rule in ALLOWING if name in rule["names"]] == [[{"index": index, **bits}]]


def test_clone3_is_answered_not_implemented() -> None:
    """The C library falls back from ``clone3`` to ``clone`` on ENOSYS alone."""
    (rule,) = (rule for rule in PROFILE["syscalls"] if "clone3" in rule["names"])
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_foreign_entry_points_are_closed() -> None:
    """Neither i386 nor x32 calls are allowed beside the native ones."""
    assert {entry["architecture"] for entry in PROFILE["archMap"]} == {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"}
    assert all(entry["subArchitectures"] == [] for entry in PROFILE["archMap"])


def test_the_runtime_can_start() -> None:
    """The few calls that runc makes under the filter, some of them seldom, are allowed."""
    needed = {
        "execve",
        "fstatfs",
        "tgkill",
        "nanosleep",
        "sched_yield",
        "epoll_pwait",
        "sigaltstack",
        "eventfd2",
        "futex",
    }
    assert needed <= FREELY_ALLOWED


def test_list_says_each_call_once() -> None:
    """No call is in two rules, one of which would be without effect."""
    names = [name for rule in PROFILE["syscalls"] if not rule.get("args") for name in rule["names"]]
    assert len(names) == len(set(names))


def test_every_call_has_its_reason_and_no_other_has() -> None:
    """The reasons cover exactly what the profile allows, call by call and value by value."""
    assert render_seccomp.allowed(PROFILE) == set(CALLS)
    assert sum(len(group["calls"]) for group in GROUPS.values()) == len(CALLS)
    for name, call in CALLS.items():
        assert call["why"].strip(), name
        assert call["probe"].strip(), name


def test_page_is_current() -> None:
    """docs/seccomp.md is up to date with the reasons and the profile."""
    assert render_seccomp.PAGE.read_text("utf-8") == render_seccomp.render(), "run: python -m tools.render_seccomp"


def test_page_counts_what_the_list_allows() -> None:
    """The number of allowed calls in the documents is the list's own; on x86-64 all of its names exist."""
    names = {name.partition("-")[0] for name in CALLS}
    assert COUNTED["allowed"][0] == len(names)
    assert COUNTED["by_argument"][0] == len(names - FREELY_ALLOWED)


@pytest.mark.parametrize("column", [0, 1], ids=["x86_64", "aarch64"])
def test_numbers_are_those_of_the_kernel(column: int) -> None:
    """Every name is a call with that number on both processors, or is listed as missing there."""
    found = ctypes.util.find_library("seccomp")
    if found is None:
        pytest.skip("libseccomp is not installed here")
    library = ctypes.CDLL(found)
    architecture = ctypes.c_uint32((0xC000003E, 0xC00000B7)[column])
    for name, call in CALLS.items():
        # Names that an architecture doesn't have are resolved to negative numbers.
        number = library.seccomp_syscall_resolve_name_arch(architecture, name.partition("-")[0].encode())
        documented = call["numbers"][column]
        assert number == documented or number < 0 > documented, name
    there = [name for name, call in CALLS.items() if call["numbers"][column] >= 0]
    assert len(there) >= 80


def test_threads_can_be_made_on_both_processors() -> None:
    """The flags of `clone` are its first argument on both; on some others they are the second."""
    assert {entry["architecture"] for entry in PROFILE["archMap"]} == {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"}
    assert all(CALLS[name]["numbers"][1] > 0 for name in ("clone-CLONE_THREAD", "futex", "exit", "rt_sigreturn"))


def test_reasons_are_words() -> None:
    """A reason is a sentence for people, on one line of a table."""
    for call in CALLS.values():
        assert re.fullmatch(r"[A-Z`][^|\n]{5,160}", call["why"]), call["why"]
