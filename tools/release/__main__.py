"""`python -m tools.release FOLDER`: check the source, build everything, and write the digests."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from bootstrap.images.image import engine_client
from bootstrap.steps import SetupError, Steps
from tools.release import bills, contents, images, packages, source

ROOT = Path(__file__).resolve().parents[2]
SUMS = "SHA256SUMS"


def main(arguments: list[str]) -> int:
    """Make a release; return the exit status: 1 if it can't be made."""
    parser = argparse.ArgumentParser(prog="make release", description="Build all files of a release from its tag.")
    parser.add_argument("folder", type=Path, help="a new folder for the files")
    parser.add_argument(
        "--base", help="base image to build on, which the engine has; default: made of Debian's packages"
    )
    parser.add_argument("--try", action="store_true", dest="is_try", help="do without tag and the version's changes")
    options = parser.parse_args(arguments)
    try:
        release(Steps(), ROOT, options.folder, options.base, is_try=options.is_try)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def release(steps: Steps, root: Path, folder: Path, base: str | None, *, is_try: bool) -> None:
    """Make a release.

    Args:
        steps: Where to report.
        root: The repository; its present commit is released.
        folder: For the files; it must not exist yet.
        base: Name of the base image; None to make it.
        is_try: Do without a tag.

    Raises:
        SetupError: It can't be made; the text says why.
    """
    made_from = source.of_release(root, is_try=is_try)
    if folder.exists():
        raise SetupError(f"{folder} exists: name a new folder.")
    with tempfile.TemporaryDirectory(prefix="figbox-release-") as name:
        checkout, done = Path(name, "checkout"), Path(name, "files")
        done.mkdir()
        source.check_out(root, made_from, checkout)
        steps.say("release", f"{made_from.version}, commit {made_from.commit}")
        _write_client(steps, made_from, checkout, done)
        sums = _write_images(steps, made_from, checkout, done, base)
        (done / f"CHANGES-{made_from.version}.md").write_text(made_from.changes, "utf-8")
        files = sorted(done.iterdir())
        sums += [f"{digest_of(path)}  {path.name}" for path in files]
        (done / SUMS).write_text("".join(f"{line}\n" for line in sums))
        folder.mkdir(parents=True)
        for path in sorted(done.iterdir()):
            shutil.copyfile(path, folder / path.name)
    steps.say("release", f"complete in {folder}; {SUMS} has the digests")


def _write_client(steps: Steps, made_from: source.Source, checkout: Path, folder: Path) -> None:
    built = packages.build(checkout, made_from.time, folder)
    steps.say("client", ", ".join(path.name for path in built))
    lock = (checkout / "requirements/client.txt").read_text("utf-8")
    document = bills.of_client(made_from, {path.name: digest_of(path) for path in built}, lock)
    (folder / f"figbox-{made_from.version}.cdx.json").write_text(document, "utf-8")


def _write_images(steps: Steps, made_from: source.Source, checkout: Path, folder: Path, base: str | None) -> list[str]:
    """Write the images with their documents; return lines of their digests, which `sha256sum` skips."""
    with engine_client() as client:
        base_image = images.find_base(steps, client, base)
        lines = [f"# base image {base_image.id}"]
        settings = []
        for recipe in images.recipes(checkout, checkout.parent / "cache"):
            name = recipe.tag.partition(":")[0]
            stem = f"{name}-{made_from.version}-{base_image.attrs['Architecture']}"
            archive = folder / f"{stem}.tar"
            written = images.write(steps, client, recipe, base_image=base_image, source=made_from, target=archive)
            document = bills.of_image(made_from, written, contents.read(archive))
            (folder / f"{stem}.cdx.json").write_text(document, "utf-8")
            steps.say(recipe.what, f"{archive.name}, {written.image_id}")
            lines.append(f"# image {written.name} id {written.image_id} manifest {written.digest}")
            variable = "FIGBOX_GATEWAY_IMAGE" if name == "figbox-gateway" else "FIGBOX_IMAGE"
            settings.append(f"{variable}={written.image_id}\n")
    (folder / "images.env").write_text("".join(settings))
    return lines


def digest_of(path: Path) -> str:
    """Return the digest of a file, as 64 hex digits."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
