"""A CSV of a user's own: read as the service imports it, or refused with what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_personalize.sample import read_interactions

NAMES = ["USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP"]
HEADER = ",".join(NAMES)
ROW = "u1,\u00fc1,view,1700000000\n"


# https://docs.aws.amazon.com/personalize/latest/dg/data-prep-formatting.html: headers without quotation marks
@pytest.mark.parametrize(
    ("data", "text", "columns"),
    [
        (f"{HEADER}\n{ROW}".encode(), f"{HEADER}\n{ROW}", NAMES),
        (f"{HEADER}\r\n{ROW}".encode("utf-8-sig"), f"{HEADER}\n{ROW}", NAMES),
        (f'"USER_ID","ITEM_ID","EVENT_TYPE","TIMESTAMP"\r{ROW}'.encode(), f"{HEADER}\n{ROW}", NAMES),
        (f",{HEADER},PRICE\n0,{ROW}".encode(), f",{HEADER},PRICE\n0,{ROW}", [*NAMES, "PRICE"]),
    ],
)
def test_a_csv_is_read_as_the_service_imports_it(tmp_path: Path, data: bytes, text: str, columns: list[str]) -> None:
    (tmp_path / "my.csv").write_bytes(data)
    assert read_interactions(tmp_path / "my.csv") == (text, columns)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (f"{HEADER}\n{ROW}".encode("latin-1"), "it is not UTF-8, byte 40 is 0xfc. Save it as UTF-8"),
        (f"{HEADER}\n{ROW}".encode("utf-16"), "it is not UTF-8, byte 0 is 0xff. Save it as UTF-8"),
        (HEADER.replace(",", ";").encode(), "its columns are separated by ';'. Write it with commas."),
        (HEADER.replace(",", "\t").encode(), r"its columns are separated by '\t'. Write it with commas."),
        (b"user_id,ITEM_ID,EVENT_TYPE,TIMESTAMP\n", "its header lacks USER_ID; it has ['user_id', 'ITEM_ID'"),
        (b"u1,i1,view,1700000000\n", "at least USER_ID, ITEM_ID, EVENT_TYPE, TIMESTAMP, in the first line."),
        (b"", "its header lacks USER_ID, ITEM_ID, EVENT_TYPE, TIMESTAMP; it has []."),
        (f"{HEADER},Unit price\n".encode(), "it has columns named ['Unit price']. Use letters, digits and underscores"),
    ],
)
def test_a_csv_that_cannot_be_imported_is_refused_with_what_to_change(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "my.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="cannot be imported") as refused:
        read_interactions(path)
    assert str(refused.value).startswith(f"{path} cannot be imported: ")
    assert said in str(refused.value)
