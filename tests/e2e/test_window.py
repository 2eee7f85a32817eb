"""The window: deadline, requests, bytes and signals end a run in order, and the next one goes on where it ended."""
import os
import random
import shutil
import signal
import time

import pytest
from world import Counts, World, listing

GRACE = 25  # seconds from the first signal to the end; schedulers give 30 before they kill
WORKERS = 8
SHORT = 8  # where something hangs: half of it for what is in flight, all but two seconds for what is published
STALL = {"action": "stall", "ms": 60000}


class Windowed(World):
    grace = None

    @property
    def env(self):
        return super().env | ({"VAULTFERRY_GRACE_SECONDS": self.grace} if self.grace else {})


@pytest.fixture
def sim(s3sim, vaultferry):
    world = Windowed(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def world(server, vaultferry):
    return Windowed(server, vaultferry)


def shorten(world):
    """The grace time, as whoever runs the program may where it is killed sooner or later than after 30 s."""
    world.grace = SHORT


def begin(world, *arguments, config=None):
    """A run that has got so far as to catch signals."""
    child = world.start("run", *arguments, config=config)

    def catches():
        lines = open(f"/proc/{child.pid}/status").read().split("\n")
        caught = int(next(line for line in lines if line.startswith("SigCgt")).split()[1], 16)
        return caught >> (signal.SIGTERM - 1) & 1
    while not catches():
        assert child.poll() is None
    return child


def ended(world, child, *signals):
    """Sends the signals one after the other; result, and seconds to the end."""
    start = time.monotonic()
    for number in signals:
        child.send_signal(number)
        time.sleep(0.3 if len(signals) > 1 else 0)
    return world.finish(child), time.monotonic() - start


def partial(world, bucket, report):
    """The point that a run left which ended early: what it has is in the vault."""
    point = world.vault.points(bucket)[-1]
    assert (report["state"], point["state"], report["point"]) == ("partial", "partial", point.id)
    assert set(point.view) <= set(world.vault.live(bucket))
    return point


def assert_whole(world, bucket, report):
    """Complete, and no object was copied twice."""
    assert report["state"] == "complete"
    assert set(world.vault.copies(bucket).values()) == {1}
    world.vault.check(bucket)
    world.assert_same(bucket, tags=False)


# deadline, requests, bytes


@pytest.mark.tsan
def test_deadline_leaves_a_partial_point_and_the_next_run_copies_the_rest(sim):
    bucket = sim.bucket(count=300, shape="flat-number")
    sim.latency(150, "CopyObject")
    report = sim.run("--deadline", "2s", exit=6)
    assert 0 < report["copied"] < 300
    assert len(partial(sim, bucket, report).view) == report["copied"]
    sim.latency(0)
    after = sim.run()
    assert after["copied"] == 300 - report["copied"] and after["adopted"] == 0
    assert_whole(sim, bucket, after)


def test_deadline_ends_what_hangs_within_the_grace_time(sim):
    """Half of it for copies that are in flight, the rest for what is to be published."""
    bucket = sim.bucket(count=30, shape="flat-number")
    sim.faults(STALL | {"operation": "CopyObject", "skip": 5})
    shorten(sim)
    start = time.monotonic()
    report = sim.run("--deadline", "1s", exit=6)
    assert time.monotonic() - start < 1 + SHORT
    assert report["copied"] == 5 and len(partial(sim, bucket, report).view) == 5
    sim.heal()
    assert sim.run()["copied"] + 5 == 30


@pytest.mark.parametrize("operation", ["PutObject", "GetObject",
    pytest.param("ListObjectVersions", marks=pytest.mark.slow),
    pytest.param("GetBucketVersioning", marks=pytest.mark.slow)])
def test_deadline_ends_what_hangs_before_the_first_copy(sim, operation):
    """The look at the vault, its points, the lease: nothing is copied, and nobody else has to wait for a lease."""
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    sim.run()
    shutil.rmtree(sim.vaultferry.state)
    sim.put(bucket, "new")
    shorten(sim)
    sim.faults(STALL | {"operation": operation, "bucket": sim.vault_bucket})
    start = time.monotonic()
    result = sim.cli("--json", "run", "--deadline", "1s")
    assert result.returncode == 6 and time.monotonic() - start < 1 + SHORT, result
    sim.heal()
    assert len(sim.vault.copies(bucket)) == 3 and len(sim.vault.points(bucket)) == 1
    assert sim.run()["state"] == "complete"


@pytest.mark.slow
def test_completion_window_of_the_policy_breaks_off_what_hangs(sim):
    hangs, prepares, fine = (sim.bucket(name, count=20, shape="flat-number") for name in ("hangs", "prepares", "fine"))
    config = sim.config(hangs, prepares, policy={"completion_window_minutes": 1, "start_window_minutes": 1})
    config["policies"]["patient"] = {"delete_after_days": 35}
    config["sources"] += sim.config(fine, source={"policy": "patient"})["sources"]
    shorten(sim)
    sim.faults({"operation": "CopyObject", "action": "stall", "ms": 75000, "key_prefix": f"data/{fine}/", "count": 1},
        {"operation": "CopyObject", "action": "stall", "ms": 300000, "key_prefix": f"data/{hangs}/", "skip": 5},
        {"operation": "GetBucketPolicy", "action": "stall", "ms": 300000, "bucket": prepares})
    reports = {report["source"]: report for report in sim.do("run", config=config, exit=6)["sources"]}
    assert (reports[hangs]["exit"], reports[hangs]["copied"]) == (6, 5) and reports[hangs]["seconds"] < 60 + SHORT
    assert (reports[prepares]["exit"], reports[prepares]["state"]) == (6, "skipped")
    assert reports[fine]["exit"] == 0 and reports[fine]["seconds"] > 60 + SHORT
    partial(sim, hangs, reports[hangs])
    sim.heal()
    assert {report["state"] for report in sim.do("run", config=config)["sources"]} == {"complete"}


@pytest.mark.slow
def test_completion_window_of_the_policy_ends_only_its_own_sources(sim):
    short, long = (sim.bucket(name, count=400, shape="flat-number") for name in ("short", "long"))
    config = sim.config(short, policy={"completion_window_minutes": 1, "start_window_minutes": 1})
    config["policies"]["patient"] = {"delete_after_days": 35}
    config["sources"] += sim.config(long, source={"policy": "patient"})["sources"]
    config["limits"] = {"workers": 2}
    sim.latency(250, "CopyObject")
    reports = {report["source"]: report for report in sim.do("run", config=config, exit=6)["sources"]}
    assert reports[long]["state"] == "complete" and reports[long]["exit"] == 0
    assert reports[short]["exit"] == 6 and 0 < reports[short]["copied"] < 400
    partial(sim, short, reports[short])
    sim.latency(0)
    assert {report["state"] for report in sim.do("run", config=config)["sources"]} == {"complete"}
    assert set(sim.vault.copies(short).values()) == {1} and len(sim.vault.copies(short)) == 400


def billed(sim):
    """Requests of S3 since forget_counts; those of boto3 are not among them if it asked nothing meanwhile."""
    return sum(count for name, count in sim.counts().items() if name not in ("AssumeRole", "ListBuckets", "HeadBucket"))


@pytest.mark.parametrize("most", [50, 100, 250])
def test_request_budget_is_kept_but_for_what_is_in_flight_and_the_point(sim, most):
    """At most the budget, one request a worker that was under way, and what ends a run: log, point, lease (8 here)."""
    bucket = sim.bucket(count=1000, shape="flat-number")
    sim.forget_counts()
    report = sim.run("--max-requests", most, exit=6)
    spent = billed(sim)
    assert most <= spent <= most + WORKERS + 8, spent
    assert len(partial(sim, bucket, report).view) == report["copied"] > 0
    after = sim.run()
    assert after["copied"] == 1000 - report["copied"]
    assert set(sim.vault.copies(bucket).values()) == {1} and len(sim.vault.check(bucket)[-1].view) == 1000


@pytest.mark.parametrize("size, copied", [(1000, 100), (1001, 100), (45000, 3), (100000, 1), (200000, 1)])
def test_byte_budget_is_passed_by_at_most_one_object(sim, size, copied):
    """However many workers there are: the bytes of an object are reserved before it is begun."""
    bucket = sim.bucket(count=200, shape="flat-number", size=[size, size])
    report = sim.run("--max-bytes", 100000, exit=6)
    assert report["copied"] == copied
    partial(sim, bucket, report)
    assert sim.run()["copied"] == 200 - copied
    assert set(sim.vault.copies(bucket).values()) == {1}


def test_byte_budget_holds_for_what_failed_before_and_gives_back_what_fails(sim):
    bucket = sim.bucket(count=40, shape="flat-number", size=[30000, 30000])
    denied = {"operation": "CopyObject", "action": "error", "status": 403, "code": "AccessDenied"}
    sim.faults(denied | {"count": 30})
    report = sim.run(exit=2)
    assert (report["failed"], report["copied"]) == (30, 10)
    sim.heal()
    sim.faults(denied | {"count": 6})
    report = sim.run("--max-bytes", 100000, exit=6)
    assert report["copied"] == 4
    sim.heal()
    assert sim.run("--max-bytes", 100000, exit=6)["copied"] == 4
    assert sim.run()["copied"] == 22
    assert set(sim.vault.copies(bucket).values()) == {1}


def test_budgets_are_of_all_sources_together(sim):
    buckets = [sim.bucket(f"b{n:02d}", count=100, shape="flat-number", size=[100, 100]) for n in range(20)]
    reports = sim.do("run", "--max-bytes", 50000, exit=6)["sources"]
    copied = sum(report["copied"] for report in reports)
    assert copied == 500
    states = Counts()
    for report in reports:
        states[report["state"]] += 1
        assert report["exit"] == (0 if report["state"] == "complete" else 6)
    assert states["skipped"] >= 1 and sum(states.values()) == 20
    rest = sim.do("run")["sources"]
    assert sum(report["copied"] for report in rest) == 2000 - copied
    assert {report["state"] for report in rest} == {"complete"}
    assert all(set(sim.vault.copies(bucket).values()) == {1} for bucket in buckets)


@pytest.mark.parametrize("option", [("--deadline", "0s"), ("--deadline", "soon"), ("--max-requests", "0"),
    ("--max-requests", "-5"), ("--max-bytes", "1.5"),
    ("--max-bytes", "99999999999999999999999")], ids=lambda option: "=".join(option))
def test_budget_that_makes_no_sense_is_wrong_use(sim, option):
    sim.fill(sim.bucket(), 1)
    assert sim.cli("run", *option).returncode == 1
    assert sim.vault.versions() == []


def test_what_failed_is_tried_first_by_the_next_run(sim):
    bucket = sim.bucket(count=2000, shape="flat-number")
    late = sorted(listing(sim.source, bucket))[-3:]
    denied = {"operation": "CopyObject", "action": "error", "status": 403, "code": "AccessDenied"}
    sim.faults(*(denied | {"key": f"data/{bucket}/{key}"} for key in late))
    assert sim.run(exit=2)["failed"] == 3
    sim.heal()
    sim.server.control("POST", "/_s3sim/synthetic", {"bucket": bucket, "generation": 2, "changed_share": 0.5})
    before = len(sim.requests("CopyObject"))
    report = sim.run("--max-requests", 120, exit=6)
    keys = [one["key"] for one in sim.requests("CopyObject")[before:]]
    assert set(keys[:3]) == {f"data/{bucket}/{key}" for key in late}
    assert set(late) <= set(partial(sim, bucket, report).view) and report["copied"] == 3


# signals


def change(sim, bucket, round, chance):
    sim.later()
    for n in chance.sample(range(60), 30):
        sim.put(bucket, f"k{n:02d}", f"{round} {n}".encode())
    sim.put(bucket, f"new{round:03d}")
    if round:
        sim.source.delete_object(Bucket=bucket, Key=f"new{round - 1:03d}")


def assert_history(sim, bucket):
    points = sim.vault.check(bucket)
    versions = {entry["VersionId"]: entry for entry in sim.vault.versions(f"data/{bucket}/")}
    for point in points:
        for key, line in point.view.items():
            assert versions[line["vault"]]["Key"] == f"data/{bucket}/{key}"
    return points


@pytest.mark.parametrize("times", [6, pytest.param(20, marks=pytest.mark.slow),
    pytest.param(int(os.environ.get("VF_KILLS", "50")), marks=pytest.mark.kills)])
def test_signals_at_random_instants_end_in_order_and_the_next_run_completes(sim, times):
    chance = random.Random(4)
    bucket = sim.bucket()
    sim.fill(bucket, 10)
    sim.run()
    change(sim, bucket, 0, chance)
    sim.latency(15)
    start = time.monotonic()
    sim.run()
    usual, worst, codes, states = time.monotonic() - start, 0, Counts(), Counts()
    for round in range(1, times + 1):
        sim.latency(0)
        change(sim, bucket, round, chance)
        before = len(sim.vault.points(bucket))
        sim.latency(15)
        child = begin(sim)
        time.sleep(chance.uniform(0, usual))
        result, seconds = ended(sim, child, chance.choice((signal.SIGTERM, signal.SIGINT)))
        worst = max(worst, seconds)
        assert result.returncode in (0, 6), result
        codes[result.returncode] += 1
        sim.latency(0)
        points = sim.vault.points(bucket)
        assert len(points) - before in (0, 1)
        if len(points) > before:
            assert points[-1]["state"] == ("complete" if result.returncode == 0 else "partial")
            states[points[-1]["state"]] += 1
            assert result.json["sources"][0]["point"] == points[-1].id
        else:
            states["none"] += 1
            assert result.returncode == 6
        report = sim.run()  # at once: nobody holds the lease
        assert report["state"] == "complete" and report["failed"] == 0
        sim.assert_same(bucket, tags=False)
    points = assert_history(sim, bucket)
    print(f"\n{times} signals: the slowest end took {worst:.2f} s, exits {dict(codes)}, points {dict(states)}, "
        f"{len(points)} in all")
    assert worst < GRACE and codes[6] > times / 3 and (states["partial"] > 0 or times < 20)


def test_signal_takes_its_time_for_what_is_in_flight(sim):
    """Copies that take two seconds are waited for: nothing that was begun is done again."""
    bucket = sim.bucket(count=60, shape="flat-number")
    sim.forget_counts()
    sim.latency(2000, "CopyObject")
    child = begin(sim)
    sim.wait_for(lambda: sim.counts()["ListObjectsV2"] >= 1)
    time.sleep(1)
    result, seconds = ended(sim, child, signal.SIGTERM)
    report = result.json["sources"][0]
    assert result.returncode == 6 and report["copied"] == WORKERS == len(partial(sim, bucket, report).view)
    sim.latency(0)
    assert sim.run()["copied"] == 60 - WORKERS and set(sim.vault.copies(bucket).values()) == {1}


def part_copies(sim):
    """Into this vault: what a former test let hang may be done, and counted, later."""
    return len(sim.requests("UploadPartCopy", sim.vault_bucket))


def multipart(sim, bucket, key, parts):
    there = {"Bucket": bucket, "Key": key}
    there["UploadId"] = sim.source.create_multipart_upload(**there)["UploadId"]
    done = [{"PartNumber": n, "ETag": sim.source.upload_part(PartNumber=n, Body=bytes([n]) * 1000, **there)["ETag"]}
        for n in range(1, parts + 1)]
    sim.source.complete_multipart_upload(MultipartUpload={"Parts": done}, **there)


@pytest.mark.parametrize("hangs", ["UploadPartCopy", "CompleteMultipartUpload", "*"])
def test_signal_while_large_copies_hang_ends_within_the_grace_time(sim, hangs):
    """What hangs is broken off; a point is written unless everything hangs. The next run goes on with the parts."""
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    for n in range(3):
        multipart(sim, bucket, f"large{n}", 6)
    sim.put(bucket, "small")
    config = sim.config(policy={"parts": "faithful"})
    completing = hangs == "CompleteMultipartUpload"
    sim.faults(STALL | ({"operation": hangs} if completing else {"operation": "UploadPartCopy", "skip": 4}))
    sim.forget_counts()
    shorten(sim)
    child = begin(sim, config=config)
    sim.wait_for(lambda: sum(sim.fired()) >= 3)
    if hangs == "*":
        sim.faults(STALL | {"operation": "*"})
    result, seconds = ended(sim, child, signal.SIGTERM)
    print(f"\n{hangs}: {seconds:.1f} s")
    assert result.returncode == 6 and seconds < SHORT, (seconds, result)
    sim.heal()
    if hangs == "*":
        assert sim.vault.points(bucket) == []
    else:
        partial(sim, bucket, result.json["sources"][0])
    before = part_copies(sim)
    report = sim.run(config=config)
    assert report["state"] == "complete" and set(sim.vault.copies(bucket).values()) == {1}
    if completing:
        assert part_copies(sim) == before == 18
    sim.assert_same(bucket)


def test_large_copy_stops_between_its_parts(sim):
    """A signal, and any other end of the window, does not wait for the ten thousandth part."""
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    multipart(sim, bucket, "large", 200)
    config = sim.config(policy={"parts": "faithful"}) | {"limits": {"workers": 2}}
    sim.latency(100, "UploadPartCopy")
    sim.forget_counts()
    report = sim.run("--deadline", "1s", config=config, exit=6)
    done = part_copies(sim)
    assert done < 60 and report["state"] == "partial" and report["copied"] == 0
    report = sim.run("--max-requests", 60, config=config, exit=6)
    assert part_copies(sim) < done + 60
    sim.latency(0)
    assert sim.run(config=config)["copied"] == 1
    assert part_copies(sim) == 200  # no part twice
    sim.assert_same(bucket)


@pytest.mark.parametrize("first, second", [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)])
def test_second_signal_ends_at_once_without_a_point(sim, first, second):
    bucket = sim.bucket(count=100, shape="flat-number")
    sim.latency(2500, "CopyObject")
    child = begin(sim)
    sim.wait_for(lambda: len(sim.requests("ListObjectsV2", bucket)) >= 1)
    time.sleep(0.5)
    result, seconds = ended(sim, child, first, second)
    assert result.returncode == 6, (seconds, result)
    assert sim.vault.points(bucket) == []
    sim.latency(0)
    time.sleep(2.5)  # copies whose answers nobody waited for arrive
    report = sim.run()
    assert report["state"] == "complete" and report["adopted"] + report["copied"] == 100
    assert set(sim.vault.copies(bucket).values()) == {1}
    sim.vault.check(bucket)


def test_signal_before_anything_was_begun_leaves_nothing(sim):
    sim.fill(sim.bucket(), 3)
    sim.latency(1000, "ListBuckets", "AssumeRole")
    result, seconds = ended(sim, begin(sim), signal.SIGTERM)
    assert result.returncode == 6, result
    assert [entry for entry in sim.vault.versions() if entry["Key"].startswith(("data/", "points/"))] == []
    sim.latency(0)
    assert sim.run()["state"] == "complete"


def test_signal_on_a_real_server_ends_in_order(world):
    bucket = world.bucket()
    world.fill(bucket, 150)
    child = begin(world, config=world.config() | {"limits": {"workers": 1}})
    world.wait_for(lambda: world.vault.copies(bucket))
    result, _ = ended(world, child, signal.SIGTERM)
    assert result.returncode in (0, 6)
    if result.returncode == 6:
        partial(world, bucket, result.json["sources"][0])
    assert_whole(world, bucket, world.run())


# limits


def test_one_worker_is_enough(sim):
    bucket = sim.bucket(count=2500, shape="prefixes")
    sim.server.control("POST", "/_s3sim/counters/reset")
    hanging = sim.server.control("GET", "/_s3sim/counters")["peak_concurrency"]  # requests of tests before this one
    config = sim.config() | {"limits": {"workers": 1}}
    assert sim.run(config=config)["copied"] == 2500
    peak = sim.server.control("GET", "/_s3sim/counters")["peak_concurrency"]
    assert peak <= hanging + 3  # the worker, the run itself, and its lease
    sim.server.control("POST", "/_s3sim/synthetic",
        {"bucket": bucket, "generation": 2, "changed_share": 0.1, "deleted_share": 0.05})
    report = sim.run(config=config)
    assert report["state"] == "complete" and report["recopied"] > 0 and report["deleted"] > 0
    assert len(sim.vault.check(bucket)) == 2


def test_rate_limit_holds_for_all_accounts_together(sim):
    """By the time that it takes: so many requests cannot have been sent faster."""
    buckets = [sim.bucket(f"b{n}", count=60, shape="flat-number") for n in range(3)]
    config = sim.config() | {"limits": {"workers": 16, "requests_per_second": 100}}
    sim.forget_counts()
    start = time.monotonic()
    reports = sim.do("run", config=config)["sources"]
    seconds = time.monotonic() - start
    sent = sum(count for name, count in sim.counts().items() if name not in ("AssumeRole",))
    assert sent >= 240 and {report["state"] for report in reports} == {"complete"}
    assert sent <= 100 * 1.15 * seconds + 100, (sent, seconds)  # a second's worth may be sent at once
    print(f"\n{sent} requests in {seconds:.2f} s")
    assert all(len(sim.vault.copies(bucket)) == 60 for bucket in buckets)
