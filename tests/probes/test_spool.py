import json

from oso_dagster.probes.spool import Spool


def test_what_was_appended_is_read_in_order_until_it_is_cleared(tmp_path):
    spool = Spool(tmp_path / "deep" / "spool.jsonl")
    assert spool.read() == []
    assert spool.append([{"n": 1}, {"n": 2}]) == 0
    assert Spool(tmp_path / "deep" / "spool.jsonl").append([{"n": 3}]) == 0
    assert [record["n"] for record in spool.read()] == [1, 2, 3]
    spool.clear()
    assert spool.read() == []


def test_a_spool_that_is_full_drops_the_oldest_and_says_how_many(tmp_path):
    spool = Spool(tmp_path / "spool.jsonl", most=3)
    assert spool.append([{"n": number} for number in range(5)]) == 2
    assert spool.append([{"n": 5}]) == 1
    assert [record["n"] for record in spool.read()] == [3, 4, 5]


def test_a_line_that_a_kill_tore_is_left_out_and_the_next_one_is_whole(tmp_path):
    spool = Spool(tmp_path / "spool.jsonl")
    spool.append([{"n": 1}])
    with (tmp_path / "spool.jsonl").open("a") as file:
        file.write(json.dumps({"n": 2})[:4])
    spool.append([{"n": 3}])
    assert [record["n"] for record in spool.read()] == [1, 3]
