"""Bills of materials: what each file of a release is made of, as CycloneDX documents, by that project's own library.

Source: cyclonedx.org, specification 1.6; github.com/package-url/purl-spec for the names of packages.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import TYPE_CHECKING

from cyclonedx.exception.factory import InvalidLicenseExpressionException
from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from email.message import Message

    from cyclonedx.model.license import License

    from tools.release.archives import Written
    from tools.release.contents import Contents
    from tools.release.source import Source

#: Longest text of a licence that is its name; some packages have the whole text there.
LICENCE_NAME = 60

_REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)", re.MULTILINE)


def of_image(source: Source, written: Written, contents: Contents) -> str:
    """Return the document of an image."""
    name, _, version = written.name.partition(":")
    image = Component(
        name=name,
        version=version,
        type=ComponentType.CONTAINER,
        bom_ref=written.name,
        licenses=[LicenseFactory().make_from_string("MIT")],
        properties=[Property(name="figbox:image-id", value=written.image_id)],
    )
    parts = [*map(_of_python, contents.python), *map(_of_debian, contents.debian)]
    parts += [_of_program(source, program, digest) for program, digest in sorted(contents.programs.items())]
    return _document(source, image, parts)


def of_client(source: Source, digests: Mapping[str, str], lock: str) -> str:
    """Return the document of the client's files.

    Args:
        source: What the release is made from.
        digests: Of the wheel and the source archive, by their names.
        lock: Versions of what it needs, with which it was tested.
    """
    client = Component(
        name="figbox",
        version=source.version,
        type=ComponentType.LIBRARY,
        bom_ref="figbox",
        licenses=[LicenseFactory().make_from_string("MIT")],
        purl=PackageURL("pypi", None, "figbox", source.version),
        components=[
            Component(name=name, type=ComponentType.FILE, bom_ref=name, hashes=[_sha256(digest)])
            for name, digest in sorted(digests.items())
        ],
    )
    parts = [
        Component(
            name=name, version=version, bom_ref=f"{name}=={version}", purl=PackageURL("pypi", None, name, version)
        )
        for name, version in sorted(_REQUIREMENT.findall(lock))
    ]
    return _document(source, client, parts)


def _document(source: Source, whole: Component, parts: Iterable[Component]) -> str:
    parts = list(parts)
    made = dt.datetime.fromtimestamp(source.time, dt.UTC)
    bom = Bom(
        components=parts,
        metadata=BomMetaData(component=whole, timestamp=made),
        # The same each time, and another for each commit and file.
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:figbox:{source.commit}:{whole.name}"),
    )
    bom.register_dependency(whole, parts)
    return f"{JsonV1Dot6(bom).output_as_string(indent=2)}\n"


def _of_python(package: Message) -> Component:
    name, version = _field(package, "Name"), _field(package, "Version")
    return Component(
        name=name,
        version=version,
        bom_ref=f"python:{name}@{version}",
        purl=PackageURL("pypi", None, name.lower().replace("_", "-"), version),
        licenses=_licences(package),
    )


def _of_debian(package: Message) -> Component:
    name, version, architecture = (_field(package, field) for field in ("Package", "Version", "Architecture"))
    return Component(
        name=name,
        version=version,
        bom_ref=f"debian:{name}@{version}",
        purl=PackageURL("deb", "debian", name, version, {"arch": architecture}),
    )


def _of_program(source: Source, name: str, digest: str) -> Component:
    return Component(
        name=f"figbox-{name}",
        version=source.version,
        type=ComponentType.APPLICATION,
        bom_ref=f"program:{name}",
        description="Compiled from runner-image/snapshot",
        licenses=[LicenseFactory().make_from_string("MIT")],
        hashes=[_sha256(digest)],
    )


def _licences(package: Message) -> list[License]:
    """Return the licence that a package of Python names: as an expression, else by name, else none."""
    factory = LicenseFactory()
    expression, name = _field(package, "License-Expression"), _field(package, "License")
    if expression:
        try:
            return [factory.make_with_expression(expression)]
        except InvalidLicenseExpressionException:
            name = expression
    return [factory.make_with_name(name)] if name and len(name) <= LICENCE_NAME and "\n" not in name else []


def _field(package: Message, name: str) -> str:
    return str(package.get(name, ""))


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
