"""The bench's tables: rounds that others disturbed are done again, left out and marked, and the page takes the tables."""

from pathlib import Path

import pytest

from bench import http, tables


def a_round(rate: float, others: float) -> http.Round:
    return http.Round(rate=rate, ratio=rate / 3000, server_cpu=700, database_cpu=100, p50=5, p99=9.96, others=others)


def test_a_round_in_which_others_used_the_machine_is_done_again() -> None:
    rounds = [a_round(500, 0.9), a_round(1000, 0.05), a_round(1100, 0.0)]
    assert http.quietest(rounds.__getitem__, 3) is rounds[1]


def test_of_rounds_that_all_were_disturbed_the_one_with_the_fewest_of_others_counts() -> None:
    rounds = [a_round(500, 0.9), a_round(700, 0.4), a_round(600, 0.5), a_round(1000, 0.0)]
    assert http.quietest(rounds.__getitem__, 3) is rounds[1]


def test_a_figure_is_the_median_of_the_quiet_rounds_and_marked_where_there_is_none() -> None:
    found = {
        "bare": {"view": [a_round(3000, 0.0)]},
        "gateway-postgresql": {"view": [a_round(1500, 0.02), a_round(300, 0.8), a_round(1800, 0.1)], "token": []},
        "floor": {"view": [a_round(900, 0.5)]},
    }
    found["gateway-postgresql"]["token"] = [a_round(6, 0.7), a_round(8, 0.9)]
    assert http.TABLES["ratios"](found, ["token", "view"]) == (
        "|  | new token | view, looked up |\n| --- | --- | --- |\n"
        f"| bare Flask view / form POST | {tables.NOTHING} | 1.00 (3000) |\n"
        "| gateway, PostgreSQL | ~.002 (7) | .55 (1650) |\n"
        f"| floor: raw Flask, one statement by hand | {tables.NOTHING} | ~.30 (900) |"
    )
    assert "| gateway, PostgreSQL | 800 (700 + 100) |" in http.TABLES["CPU"](found, ["view"])
    assert "| gateway, PostgreSQL | 5.0, 10.0 |" in http.TABLES["percentiles"](found, ["view"])


def test_a_page_takes_a_table_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n\n<!-- bench: a -->\nold\nold\n<!-- end -->\n\n<!-- bench: b -->\nkept\n<!-- end -->\n")
    tables.write({"a": r"| new \1 |"}, page)
    assert page.read_text() == (
        "before\n\n<!-- bench: a -->\n| new \\1 |\n<!-- end -->\n\n<!-- bench: b -->\nkept\n<!-- end -->\n"
    )
    with pytest.raises(KeyError, match="has no <!-- bench: c -->"):
        tables.write({"c": ""}, page)


def test_the_page_about_performance_has_a_place_for_each_table() -> None:
    page = tables.PAGE.read_text(encoding="utf-8")
    for name in (*http.TABLES, "memory", "in process"):
        assert page.count(f"<!-- bench: {name} -->\n") == 1, name
    assert page.count("<!-- end -->\n") == page.count("<!-- bench: ")
