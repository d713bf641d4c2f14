"""The keys file is read as written, or refused with key and field; nothing of it is quoted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.keyring import Key, KeyPolicy
from gateway.keys.keys_file import SIZE_LIMIT, InvalidKeysFile, KeyEntry, parse_entries, parse_keys, table_head
from gateway.model.jobs import MiB
from tests.documents.pages import KEYS, blocks, section

DIGEST = "0123456789abcdef" * 4
BOUNDED = settings(deadline=None, max_examples=200)


def _table(name: str = "a", digest: str = DIGEST, extra: str = "") -> str:
    return f'{table_head(name)}\nsha256 = "{digest}"\n{extra}\n'


def test_entries_become_keys() -> None:
    """Every field comes through, in the units of the gateway."""
    limits = (
        "requests_per_minute = 60\nconcurrent_jobs = 4\ncompute_seconds_per_minute = 90\n"
        "wall_limit_s = 2.5\nmemory_limit_mib = 256\n"
    )
    text = "# clients\n" + _table("a.b-c_D", extra=limits) + _table("b", "f" * 64)
    assert parse_keys(text.encode()) == {
        "a.b-c_D": Key(bytes.fromhex(DIGEST), KeyPolicy(60, 4, 90, 2.5, 256 * MiB)),
        "b": Key(b"\xff" * 32),
    }


def test_no_keys_must_be_said_and_not_left_out() -> None:
    """An empty table of keys is valid; a file without the table, such as a truncated one, is an error."""
    assert parse_keys(b"[keys]\n") == {}
    for data in (b"", b"# clients\n", b"\n\n"):
        with pytest.raises(InvalidKeysFile, match=r"^keys: Field required$"):
            parse_keys(data)


def _numbers() -> list[tuple[str, float, float]]:
    found = []
    for name, field in KeyEntry.model_fields.items():
        bounds = {type(rule).__name__: rule for rule in field.metadata}
        if name != "sha256":
            found.append((name, bounds["Ge"].ge, bounds["Le"].le))
    return found


@pytest.mark.parametrize(("field", "least", "most"), _numbers(), ids=[name for name, *_ in _numbers()])
def test_bounds_trip_and_name_key_and_field(field: str, least: float, most: float) -> None:
    """Both bounds pass; beyond them, and for every other type, the error names key and field."""
    for value in (least, most):
        assert getattr(parse_entries(_table(extra=f"{field} = {value}").encode())["a"], field) == value
    for value in (least - 1, most + 1, "nan", "inf", "-inf", "true", '"7"', "[7]", "{}", "1979-05-27"):
        with pytest.raises(InvalidKeysFile, match=rf"^keys\.a\.{field}: "):
            parse_entries(_table(extra=f"{field} = {value}").encode())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[keys.a]\n", "keys.a.sha256: Field required"),
        (_table(digest="A" * 64), "keys.a.sha256: String"),
        (_table(digest="0" * 63), "keys.a.sha256: String"),
        (_table(digest="0" * 65), "keys.a.sha256: String"),
        (_table(digest=""), "keys.a.sha256: String"),
        (_table(digest="0" * 64 + "\\n"), "keys.a.sha256: String"),
        ("[keys.a]\nsha256 = 7\n", "keys.a.sha256: Input should be a valid string"),
        (_table(extra="colour = 1"), "keys.a.colour: Extra inputs"),
        (_table() + "[other]\n", "other: Extra inputs"),
        ("[[keys]]\n", "keys: Input should be a valid dictionary"),
        ("keys = 1\n", "keys: Input should be a valid dictionary"),
        ("[keys]\na = 1\n", "keys.a: Input should be a valid dict"),
        ('[keys."a b"]\n', "keys.a b: String"),
        ('[keys.""]\n', "keys.: String"),
        ('[keys."\\u001b[31m"]\n', r"keys.\x1b[31m: String"),
        (f'[keys."{"x" * 65}"]\n', "keys.(long name): String"),
        (_table("a") + _table("b"), "keys.b.sha256: this is the key of a"),
        (_table("a") + _table("a", "f" * 64), "it is not TOML (line 4, column 8)"),
        ("[keys.a]\nsha256 = ", "it is not TOML (end of document)"),
        ("a = " + "9" * 5000, "it is not TOML that can be read"),
        ("a = " + "[" * 5000, "it is not TOML that can be read"),
        ("\n# " + "." * 600 + "\na" + ".a" * 71 + " = 1", "line 3 has more than 70 dots"),
        ("".join(f"a{number} = 1\n" for number in range(20)), "keys: Field required; a0: Extra inputs"),
    ],
)
def test_errors_are_named(text: str, fault: str) -> None:
    """Errors name key and field."""
    with pytest.raises(InvalidKeysFile) as caught:
        parse_entries(text.encode())
    assert str(caught.value).startswith(fault)


def test_errors_are_short() -> None:
    """Of many mistakes the first are told, and how many more there are."""
    with pytest.raises(InvalidKeysFile, match=r"a6: Extra inputs are not permitted; and 993 more$"):
        parse_entries("".join(f"a{number} = 1\n" for number in range(1000)).encode())


@pytest.mark.parametrize("place", ["sha256", "requests_per_minute", "other", "= =", "wall_limit_s"])
def test_values_are_not_quoted(place: str) -> None:
    """A key written in the wrong place is not quoted by the error."""
    with pytest.raises(InvalidKeysFile) as caught:
        parse_entries(f'[keys.a]\n{place} = "the-secret-key"\n'.encode())
    assert "secret" not in str(caught.value)


def test_length_and_encoding() -> None:
    """A file that is too long or isn't UTF-8 is refused before anything is parsed."""
    with pytest.raises(InvalidKeysFile, match="longer than"):
        parse_keys(b"#" * (SIZE_LIMIT + 1))
    with pytest.raises(InvalidKeysFile, match="not UTF-8"):
        parse_keys(b"\xff\xfe")


@BOUNDED
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: (_table() + text).encode()))
def test_any_bytes_are_keys_or_a_fault(data: bytes) -> None:
    """Any bytes give keys or raise one exception."""
    try:
        keys = parse_keys(data)
    except InvalidKeysFile as error:
        keys, fault = {}, str(error)
    else:
        fault = ""
    assert fault.isprintable()
    assert all(len(key.digest) == 32 for key in keys.values())


def test_example_of_a_keys_file_is_one() -> None:
    """The documented file is accepted and has every field, and the table names all of them and their bounds."""
    (example,) = blocks(KEYS, "toml")
    (entry,) = parse_entries(example.encode()).values()
    assert entry.model_fields_set == set(KeyEntry.model_fields)
    rows = [[cell.strip() for cell in row.split("|")[1:4]] for row in section(KEYS, "The file").splitlines()[3:]]
    listed = {name.strip("`"): (bounds, meaning) for name, bounds, meaning in filter(lambda row: len(row) == 3, rows)}
    assert set(KeyEntry.model_fields) <= set(listed)
    for name, field in KeyEntry.model_fields.items():
        if name != "sha256":
            least, most = (getattr(rule, side) for rule, side in zip(field.metadata, ("ge", "le"), strict=True))
            assert listed[name] == (f"{least}, {most}", field.description)
