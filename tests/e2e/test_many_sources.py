"""Many sources in one run: eight in flight, fair to small ones beside a big one, and failures stay where they are."""
import os
import time

import pytest
from servers.process import is_sanitized
from world import Counts, World

DENIED = {"action": "error", "status": 403, "code": "AccessDenied"}
LONG = pytest.param(1000, 20000, marks=pytest.mark.slow)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def small_ones(sim, count):
    return [sim.bucket(f"many-{n:04d}", count=3, shape="flat-number") for n in range(count)]


def watched(sim, config):
    """A run: result, seconds, the most memory (KiB) and the most descriptors that it had."""
    start = time.monotonic()
    child = sim.start("run", config=config)
    memory = descriptors = 0
    while child.poll() is None:
        try:
            status = open(f"/proc/{child.pid}/status").read()
            descriptors = max(descriptors, len(os.listdir(f"/proc/{child.pid}/fd")))
        except OSError:
            break
        if "VmHWM" in status:
            memory = max(memory, int(status.split("VmHWM:")[1].split()[0]))
        time.sleep(0.05)
    return sim.finish(child), time.monotonic() - start, memory, descriptors


@pytest.mark.parametrize("count, large", [(200, 8000), LONG])
def test_many_small_buckets_beside_a_big_one(sim, build_dir, count, large):
    """Listing fails for five of them, a copy for three: all others are complete, and long before the big one ends."""
    big = sim.bucket("many-0000-big", count=large, shape="uuid")
    small = small_ones(sim, count)
    unlisted, uncopied = small[10:15], small[20:23]
    sim.faults(*({"operation": "ListObjectsV2", "bucket": bucket} | DENIED for bucket in unlisted),
        *({"operation": "CopyObject", "key_prefix": f"data/{bucket}/", "skip": 1, "count": 1} | DENIED
            for bucket in uncopied))
    sim.latency(10, "CopyObject")
    config = sim.config(f"many-*-{sim.tag}") | {"limits": {"workers": 16}}
    result, seconds, memory, descriptors = watched(sim, config)
    print(f"\n{count} small ones and {large} objects: {seconds:.1f} s, {memory / 1024:.0f} MiB, "
        f"{descriptors} descriptors")
    assert result.returncode == 5
    reports = {report["source"]: report for report in result.json["sources"]}
    assert sorted(reports) == sorted([big, *small])
    codes = Counts()
    for bucket, report in reports.items():
        codes[report["exit"]] += 1
        assert report["exit"] == (5 if bucket in unlisted else 2 if bucket in uncopied else 0), report
        assert report["state"] == ("partial" if bucket in unlisted + uncopied else "complete"), report
    assert codes == {0: count + 1 - 8, 5: 5, 2: 3}
    assert descriptors < 16 * 3 + 8 * 8 + 40
    assert is_sanitized(build_dir / "vaultferry") or memory < 200 * 1024

    # whoever is starved waits for the big one
    finished = {bucket: sim.vault.points(bucket)[-1]["finished"] for bucket in (big, *small[:8], *small[-8:])}
    assert max(finished, key=finished.get) == big
    sim.heal()
    again = {report["source"]: report for report in sim.do("run", config=config)["sources"]}
    assert {report["state"] for report in again.values()} == {"complete"}
    assert {bucket: report["copied"] for bucket, report in again.items() if report["copied"]} == \
        dict.fromkeys(unlisted, 3) | dict.fromkeys(uncopied, 1)
    for bucket in (*small[:30], *small[-3:]):
        assert len(sim.vault.check(bucket)[-1].view) == 3


@pytest.mark.tsan
def test_twenty_sources_over_one_pool(sim):
    small = [sim.bucket(f"many-{n:02d}", count=40, shape="flat-number") for n in range(20)]
    reports = sim.do("run", config=sim.config(f"many-*-{sim.tag}"))["sources"]
    assert [report["source"] for report in reports] == sorted(small)
    assert {(report["state"], report["copied"]) for report in reports} == {("complete", 40)}
    sim.server.control("POST", "/_s3sim/synthetic", {"bucket": small[3], "generation": 2, "changed_share": 0.2})
    reports = sim.do("run", config=sim.config(f"many-*-{sim.tag}"))["sources"]
    assert {report["source"] for report in reports if report["recopied"]} == {small[3]}
    assert all(len(sim.vault.check(bucket)) == 2 for bucket in small)


def test_at_most_eight_sources_are_in_flight(sim):
    """Leases say when a source was begun and released."""
    for n in range(24):
        sim.bucket(f"many-{n:02d}", count=3, shape="flat-number")
    sim.latency(100, "CopyObject")
    sim.do("run", config=sim.config(f"many-*-{sim.tag}"))
    in_flight, most, began = set(), 0, set()
    for one in sim.server.control("GET", "/_s3sim/requests?last=4096"):
        name = (one["key"] or "").split("/")
        if one["operation"] == "PutObject" and name[0] == "points" and name[-1] == "point.json":
            in_flight.discard(name[1])
        elif one["operation"] == "PutObject" and name[0] == "lease" and name[1] not in began:
            began.add(name[1])
            in_flight.add(name[1])
            most = max(most, len(in_flight))
    assert len(began) == 24 and 2 <= most <= 8
