"""The allowlist of system calls: what it must never hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

PROFILE = json.loads((Path(__file__).parents[2] / "runner-image" / "seccomp.json").read_text())
ALLOWING = [rule for rule in PROFILE["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"]
FREELY_ALLOWED = {name for rule in ALLOWING if not rule.get("args") for name in rule["names"]}
CLONE_THREAD = 0x10000
DANGEROUS = [
    "accept",
    "add_key",
    "bind",
    "bpf",
    "chmod",
    "chown",
    "chroot",
    "clone3",
    "connect",
    "delete_module",
    "execveat",
    "fanotify_init",
    "fchmod",
    "fchmodat",
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
    "request_key",
    "seccomp",
    "semget",
    "sendfile",
    "setgid",
    "setgroups",
    "setns",
    "setuid",
    "shmat",
    "shmget",
    "socket",
    "socketpair",
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
    """What the list doesn't name is refused with an error, not killed and not logged away."""
    assert PROFILE["defaultAction"] == "SCMP_ACT_ERRNO"


@pytest.mark.parametrize("name", DANGEROUS)
def test_dangerous_call_is_not_allowed(name: str) -> None:
    """No rule allows a call that reaches other processes, the network, or seldom used kernel code."""
    assert all(name not in rule["names"] for rule in ALLOWING)


@pytest.mark.parametrize("name", ["clone", "ioctl", "prctl"])
def test_manifold_calls_are_allowed_by_argument_alone(name: str) -> None:
    """A call that does many things is allowed for named values of one argument, one value a rule."""
    rules = [rule for rule in ALLOWING if name in rule["names"]]
    assert rules
    assert all(rule["names"] == [name] and len(rule["args"]) == 1 for rule in rules)
    assert name not in FREELY_ALLOWED


def test_clone_makes_threads_only() -> None:
    """``clone`` is allowed with CLONE_THREAD set: no process, so no fork bomb and no new namespace."""
    (rule,) = (rule for rule in ALLOWING if "clone" in rule["names"])
    assert rule["args"] == [{"index": 0, "value": CLONE_THREAD, "valueTwo": CLONE_THREAD, "op": "SCMP_CMP_MASKED_EQ"}]


def test_clone3_is_answered_not_implemented() -> None:
    """The C library falls back from ``clone3`` to ``clone`` on ENOSYS alone."""
    (rule,) = (rule for rule in PROFILE["syscalls"] if "clone3" in rule["names"])
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_foreign_entry_points_are_closed() -> None:
    """Neither i386 nor x32 calls are let in beside the native ones."""
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


def test_list_is_short_and_says_each_call_once() -> None:
    """Every start compiles the list: it stays well below Docker's 291 calls, and repeats none."""
    names = [name for rule in PROFILE["syscalls"] if not rule.get("args") for name in rule["names"]]
    assert len(names) == len(set(names))
    assert len(FREELY_ALLOWED) <= 120
