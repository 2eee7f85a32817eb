"""What a plan says that a run would cost: sums made by hand."""
import pytest
from world import World

GIB = 1 << 30
# dear enough for small objects: 8 each to list by the thousand, 2 a copy, 1 a byte
PRICES = {"currency": "EUR", "date": "2027-01-02", "list_1k": 8000, "transfer_gb": 0.5 * GIB, "classes": {
    "STANDARD": {"put_1k": 2000, "get_1k": 300, "storage_gb_month": GIB},
    "STANDARD_IA": {"standard_gb": 0.25 * GIB, "standard_1k": 0}}}


@pytest.fixture
def sim(s3sim, vaultferry):
    yield World(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def cost(world, **config):
    return world.do("plan", config=world.config(**({"prices": PRICES} | config)))["sources"][0]["cost"]


def test_a_plan_is_priced(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 3)  # of four bytes
    plan = sim.do("plan", config=sim.config(prices=PRICES))["sources"][0]
    assert plan["requests"]["list"] >= 1
    listed = 8 * plan["requests"]["list"]
    assert plan["cost"] == {"requests": pytest.approx(listed + 6), "storage_month": pytest.approx(12), "transfer": 0,
        "retrieval": 0, "currency": "EUR", "date": "2027-01-02"}
    text = sim.cli("plan", config=sim.config(prices=PRICES)).stdout
    assert "a month in the vault EUR 12.00 more" in text and "list prices of 2027-01-02" in text
    sim.run()
    found = cost(sim)
    assert found["storage_month"] == 0 and found["transfer"] == 0 and found["requests"] > 0


def test_the_built_in_prices_are_dated_and_of_a_currency(sim):
    sim.fill(sim.bucket(), 1)
    found = cost(sim, prices=None)
    assert found["currency"] == "USD" and found["date"] and 0 < found["requests"] < 0.001


def test_transfer_is_priced_from_region_to_region(sim):
    bucket = f"far-{sim.tag}"
    sim.server.control("POST", "/_s3sim/bucket", {"name": bucket, "account": sim.server.source_account,
        "region": "eu-central-1", "check_region": True})
    sim.grant(bucket)
    sim.buckets.append(bucket)
    sim.server.client(*sim.server.source_owner, region="eu-central-1").put_object(Bucket=bucket, Key="k", Body=b"12345")
    assert cost(sim)["transfer"] == pytest.approx(2.5)


def test_what_passes_through_this_machine_costs_nobody_knows_what(sim):
    sim.fill(sim.bucket(), 3)
    server, streamed = cost(sim), cost(sim, source={"copy": "stream"})
    assert streamed["transfer"] is None and server["transfer"] == 0
    assert streamed["requests"] == pytest.approx(server["requests"] + 0.9)


def test_reading_a_colder_class_of_the_source_is_priced(sim):
    bucket = sim.bucket()
    sim.put(bucket, "a", b"12345678", StorageClass="STANDARD_IA")
    sim.put(bucket, "b", b"12345678")
    assert cost(sim)["retrieval"] == pytest.approx(2)
