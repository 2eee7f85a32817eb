"""A source whose points are lost, and what runs, verify and prune make of what is left: the versions. Judged by
boto3."""
import shutil

import pytest
from test_prune import Pruned

pytestmark = pytest.mark.s3sim


class Lost(Pruned):
    def lose_points(self):
        self.vault.remove(f"points/{self.buckets[-1]}/")
        shutil.rmtree(self.vaultferry.state)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Lost(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.mark.parametrize("first", ["complete", "partial"])
def test_what_the_source_has_archived_is_recorded_and_never_pruned(sim, first):
    """A run has nothing to do with such objects: no line would tell of them."""
    bucket = sim.bucket()
    sim.fill(bucket, 20)
    sim.run()
    for key in ("k003", "k004"):
        sim.source.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key},
            StorageClass="GLACIER")
    before = sim.left()
    sim.lose_points()
    sim.day(1)
    if first == "partial":
        sim.put(bucket, "other")
        sim.faults({"operation": "CopyObject", "action": "error", "status": 403, "code": "AccessDenied"})
        assert sim.run(exit=2)["state"] == "partial"
        sim.heal()
    for day in range(2, 5):
        sim.day(day)
        sim.put(bucket, "same key", f"day {day}".encode())
        assert sim.run()["state"] == "complete"
        sim.prune()
        assert before <= sim.left()
    assert sim.do("verify")["problems"] == []


def test_dumps_are_not_pruned_after_their_points_were_lost(sim):
    config = sim.config(policy={"keep": {"last": 2}, "grace_days": 0})
    config["sources"] = [{"name": "dumps", "kind": "stream", "policy": "documents"}]
    sim.buckets.append("dumps")

    def put(name):
        assert sim.cli("put", "--source", "dumps", name, "--", "echo", name, config=config).returncode == 0
    for number in range(6):
        put(f"dump {number}")
    before = sim.left()
    sim.lose_points()
    for day in range(1, 4):
        sim.day(day)
        put(f"after {day}")
        sim.prune("--accept", "dumps", config=config)
    assert before <= sim.left()
    assert len(sim.do("ls", "--source", "dumps", config=config)["objects"]) == 9
    assert sim.do("verify", config=config)["problems"] == []
