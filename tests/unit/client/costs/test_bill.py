"""Prices and bills: one file of prices, sums by service, shares."""

import json

import pytest

from client.costs.bill import Bill, Use
from client.costs.prices import FILE, Prices, UnknownPriceError


def test_every_price_has_a_unit_a_page_and_both_regions() -> None:
    read = json.loads(FILE.read_text())
    assert read.keys() == {"date", "note", "prices"}
    for key, entry in read["prices"].items():
        assert entry.keys() - {"checked"} == {"service", "unit", "source", "usd"}, key
        assert entry["source"].startswith("https://aws.amazon.com/"), key
        assert entry["usd"].keys() == {"us-east-1", "eu-central-1"}, key
        assert all(0 < usd < 10 for usd in entry["usd"].values()), key


def test_a_region_without_prices_is_named() -> None:
    with pytest.raises(
        UnknownPriceError, match=r"no prices for region 'mars-1' in prices.json; it has eu-central-1, us-east-1"
    ):
        Prices.of("mars-1")


def test_an_instance_without_a_price_is_named() -> None:
    with pytest.raises(UnknownPriceError, match=r"no price for 'ml.p9.huge' in prices.json; it has ml.c5.2xlarge, "):
        Prices.of("us-east-1")["sagemaker.hour.ml.p9.huge"]


def test_a_bill_sums_the_same_use_and_shares_out_the_total() -> None:
    uses = [Use("kms.key", 1, "key"), Use("cloudwatch.alarm", 10, "alarms"), Use("cloudwatch.alarm", 20, "alarms")]
    shown = Bill.of([*uses, Use("sqs.request", 0, "nothing")], Prices.of("us-east-1")).shown()
    assert shown["usd"] == 4.0
    assert shown["services"] == {"CloudWatch": 3.0, "KMS": 1.0}
    assert [(line["what"], line["quantity"], line["usd"], line["share"]) for line in shown["lines"]] == [
        ("alarms", 30, 3.0, 0.75),
        ("key", 1, 1.0, 0.25),
    ]


def test_another_region_has_other_prices() -> None:
    use = [Use("s3.put", 1_000_000, "requests")]
    assert [round(Bill.of(use, Prices.of(region)).total, 2) for region in ("us-east-1", "eu-central-1")] == [5.0, 5.4]


def test_an_empty_bill_is_nothing() -> None:
    assert Bill.of([], Prices.of("us-east-1")).shown()["usd"] == 0


def test_a_price_that_was_compared_names_the_page_for_a_region_that_it_has() -> None:
    prices = json.loads(FILE.read_text())["prices"]
    compared = {key: entry["checked"] for key, entry in prices.items() if "checked" in entry}
    assert compared
    for key, pages in compared.items():
        assert pages.keys() <= prices[key]["usd"].keys(), key
        assert all(page.startswith("https://") for page in pages.values()), key
