"""The machine's disk: Debian's packages, this clone with its wheels, and the runner image where each engine has it.

Loading the image takes a processor without hardware's help many minutes, so the data roots are made here, by this
host's dockerd, and each release of Docker reads those of older ones. A rootless engine's is the one of a remapping
engine with other owners. The disk is written by `mke2fs -d`, so nothing is mounted.

Source: mmdebstrap(1); mke2fs(8), `-d`; user_namespaces(7); dockerd(8), `userns-remap`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import debian
from bootstrap.images import wheels
from bootstrap.steps import run
from tests.support.second_engine import REMAP_FIRST_ID, REMAP_GROUP, REMAP_USER, EngineSetup, second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bootstrap.steps import Steps

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "trixie"
PACKAGES = (
    *("apparmor", "dbus-user-session", "initramfs-tools", "iproute2", "kmod", "libpam-systemd", "linux-image-amd64"),
    *("openssh-server", "polkitd", "procps", "python3", "python3-venv", "systemd-sysv", "udev"),
    *("containerd", "docker-cli", "docker.io", "iptables", "rootlesskit", "runc", "slirp4netns", "uidmap"),
    *("policycoreutils", "selinux-basics", "selinux-policy-default", "selinux-utils"),
)

#: Where the clone is in the machine, and the user of its rootless engine with that user's further ids.
CLONE = "opt/figbox"
USER, USER_ID = "app", 1000
FURTHER_IDS = 100_000

#: Where ssh looks for keys: also where no home must be made first.
KEY_FILES = ".ssh/authorized_keys /etc/ssh/authorized/%u"

SIZE = "12G"
REMEDY = "See what it printed, and start again."


def make(steps: Steps, folder: Path) -> tuple[Path, Path]:
    """Make the disk and an ssh key for its root; return their paths. What doesn't change is kept in `folder`.

    Raises:
        SetupError: A tool is missing or failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disk, key = folder / "disk.ext4", folder / "key"
    tree = _tree(steps, folder)
    site = wheels.ensure(steps, ROOT / "requirements/gateway.txt", "x86_64", folder / "wheels")
    data = _data_roots(steps, folder)
    if not key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], remedy=REMEDY)
    with tempfile.TemporaryDirectory(prefix="root-", dir=folder) as name:
        root = Path(name)
        root.chmod(0o755)
        steps.say("disk", "putting it together")
        run(["tar", "-x", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-f", tree, "-C", root], remedy=REMEDY)
        _extract_kernel(root, folder)
        _configure(root, (folder / "key.pub").read_text())
        _copy_clone(root / CLONE, site)
        for part, target in (("plain", "var/lib/docker"), ("rootless", f"home/{USER}/.local/share/docker")):
            (root / target).parent.mkdir(parents=True, exist_ok=True)
            run(["cp", "-a", f"{data}/{part}", root / target], remedy=REMEDY)
        for path in (root / f"home/{USER}", root / f"home/{USER}/.local", root / f"home/{USER}/.local/share"):
            os.chown(path, USER_ID, USER_ID)
        steps.say("disk", "labelling it for SELinux")
        _label(root)
        steps.say("disk", "writing it")
        disk.unlink(missing_ok=True)
        run(["mke2fs", "-q", "-t", "ext4", "-L", "figbox", "-d", root, disk, SIZE], remedy=REMEDY)
    return disk, key


def _tree(steps: Steps, folder: Path) -> Path:
    """Return a tarball with the installed packages, made once for each list of them."""
    recipe = hashlib.sha256(" ".join((RELEASE, *PACKAGES)).encode()).hexdigest()[:16]
    tree = folder / f"tree-{recipe}.tar"
    if not tree.exists():
        steps.say("disk", f"installing Debian {RELEASE} from this host's mirror")
        unfinished = folder / "tree-unfinished.tar"
        options = ['APT::Install-Recommends "false";', *debian.apt_transport_options()]
        command: list[str | Path] = ["mmdebstrap", "--mode=root", "--variant=minbase", "--skip=check/empty"]
        command += [f"--aptopt={option}" for option in options]
        command += [f"--include={','.join(PACKAGES)}", RELEASE, unfinished]
        run([*command, *(source.line(debian.KEYRING) for source in debian.sources_for(RELEASE))], remedy=REMEDY)
        unfinished.rename(tree)
    return tree


def _extract_kernel(root: Path, folder: Path) -> None:
    for name in ("vmlinuz", "initrd.img"):
        [path] = (root / "boot").glob(f"{name}-*")
        shutil.copy(path, folder / name)


def _configure(root: Path, public_key: str) -> None:
    """Give the machine a name, a network, its users, and our key."""
    files = {
        "etc/hostname": "figbox-vm\n",
        "etc/hosts": "127.0.0.1 localhost figbox-vm\n",
        "etc/fstab": "/dev/vda / ext4 rw,noatime 0 1\n",
        "etc/systemd/network/lan.network": "[Match]\nName=en*\n[Network]\nAddress=10.0.2.15/24\n",
        "etc/subuid": f"{REMAP_USER}:{REMAP_FIRST_ID}:65536\n{REMAP_GROUP}:{REMAP_FIRST_ID}:65536\n",
        "root/.ssh/authorized_keys": public_key,
        f"etc/ssh/authorized/{USER}": public_key,
        f"var/lib/systemd/linger/{USER}": "",
        # Nothing that waits for a network there isn't, or spends the time of an emulated processor.
        "etc/ssh/sshd_config.d/figbox.conf": f"UseDNS no\nUsePAM yes\nAuthorizedKeysFile {KEY_FILES}\n",
    }
    files["etc/subgid"] = files["etc/subuid"] = f"{files['etc/subuid']}{USER}:{FURTHER_IDS}:65536\n"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "root/.ssh").chmod(0o700)
    inside = ["chroot", str(root)]
    run([*inside, "useradd", "--create-home", "--uid", str(USER_ID), "--shell", "/bin/bash", USER], remedy=REMEDY)
    run([*inside, "systemctl", "enable", "systemd-networkd", "ssh", "docker"], remedy=REMEDY)
    for unit in ("apt-daily.timer", "apt-daily-upgrade.timer", "systemd-networkd-wait-online.service", "fstrim.timer"):
        run([*inside, "systemctl", "mask", unit], remedy=REMEDY)


def _label(root: Path) -> None:
    """Write the labels that SELinux's policy has for each file, which an emulated processor would take long for.

    Not below homes: what has a label can't be copied up in a rootless engine's containers, whose root may not set any.
    """
    contexts = "/etc/selinux/default/contexts/files/file_contexts"
    run(["chroot", root, "setfiles", "-F", "-e", "/home", "-e", "/proc", contexts, "/"], remedy=REMEDY)


def _copy_clone(target: Path, site: Path) -> None:
    """Copy the clone as it is committed or changed, with a virtual environment of the machine's Python."""
    listed = run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], remedy=REMEDY
    ).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file() and not name.startswith(("tests/exploits", "tests/plain_runs", "tests/fuzz")):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    root = Path(str(target).removesuffix(CLONE))
    run(["chroot", root, "python3", "-m", "venv", "--without-pip", f"/{CLONE}/.venv"], remedy=REMEDY)
    [packages] = target.glob(".venv/lib/python3.*/site-packages")
    shutil.copytree(site, packages, dirs_exist_ok=True)
    run(["chroot", root, "python3", "-m", "compileall", "-q", f"/{CLONE}/gateway", f"/{CLONE}/.venv"], remedy=REMEDY)


# Where the engines keep images


def _data_roots(steps: Steps, folder: Path) -> Path:
    """Return a folder with the data root of an engine of root's, which may remap, and of a rootless one.

    They are made once for each runner image of this host's engine.
    """
    from tests.support.live import IMAGE, engine_client

    with engine_client() as client:
        image = str(client.inspect_image(IMAGE)["Id"]).removeprefix("sha256:")[:16]
    made = folder / f"engines-{image}"
    if made.is_dir():
        return made
    unfinished = folder / "engines-unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir()
    remapped_name = f"{REMAP_FIRST_ID}.{REMAP_FIRST_ID}"
    for remapped in (False, True):
        steps.say("disk", f"loading the runner image into an engine{' that remaps users' if remapped else ''}")
        with second_engine(EngineSetup(remapped=remapped), with_image=True) as engine:
            engine.stop()
            source = engine.configuration.parent / "data"
            target = unfinished / "plain"
            if remapped:
                source, target = source / remapped_name, target / remapped_name
            run(["cp", "-a", source, target], remedy=REMEDY)
    run(["cp", "-a", unfinished / "plain" / remapped_name, unfinished / "rootless"], remedy=REMEDY)
    for path in _all_below(unfinished / "rootless"):
        _give_to_user(path)
    unfinished.rename(made)
    return made


def _all_below(folder: Path) -> Iterator[Path]:
    yield folder
    for name, folders, files in os.walk(folder):
        yield from (Path(name, each) for each in (*folders, *files))


def _give_to_user(path: Path) -> None:
    """Turn the ids of the remapping engine into those of the rootless one."""
    state = path.lstat()
    os.lchown(path, _own_id(state.st_uid), _own_id(state.st_gid))
    if stat.S_ISREG(state.st_mode):  # which lchown took set-id bits from
        path.chmod(stat.S_IMODE(state.st_mode))


def _own_id(number: int) -> int:
    """Return the id in the rootless engine for one of the remapping engine: its root is the user, as is the host's."""
    return USER_ID if number <= REMAP_FIRST_ID else FURTHER_IDS + number - REMAP_FIRST_ID - 1
