"""Every key that S3 takes comes through a run: into the vault, back out of it, and as a deletion."""
import hashlib
import shutil

import pytest
from world import World, listing, raw

ODD = ["plain", "a b", "a+b", "a%2Fb", "%", "%zz", "//", "/lead", "//lead", "trail/", "a//b", "a/../b", "a/./b", ".",
    "..",
    "../up", "./x", "ü/é", "e\u0301", "日本", "😀", "\U0010ffff", "\x01ctl", "\x1f", "tab\there", "new\nline", "cr\rhere",
    "\r\n", "del\x7f", "&<>\"'", "a=b&c=d", "?q", "#h", "~tilde", "*star", "x:y;z,@$!()[]{}|\\^`", "'", " ", " lead",
    "trail ", "\u2028", "\ufffd", "point.json", "data/x", "\u00a0"]


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def long_keys(bucket):
    """Around each bound: of a path in the vault, of a link in the manifest, of S3 itself."""
    fits = 1024 - len(f"data/{bucket}/")
    lengths = [fits - 1, fits, fits + 1, 510, 511, 512, 1013, 1014, 1015, 1023, 1024]
    shared = ["s" * 600 + "/" + tail for tail in ("a", "b", "b" * 200, "b" * 423)]
    return ["a" * n for n in lengths] + ["é" * 512, "😀" * 256, "x" + "日" * 341] + shared


def path_of(bucket, key):
    path = f"data/{bucket}/{key}"
    return path if len(path.encode()) <= 1024 else f"data-long/{bucket}/{hashlib.sha256(key.encode()).hexdigest()}"


def read(world, key):
    return raw(world.server, "GET", world.vault_bucket, key, world.server.vault_owner)


@pytest.mark.tsan
def test_every_key_survives_with_its_content_and_its_deletion(world):
    bucket = world.bucket()
    keys = ODD + long_keys(bucket)
    owner = world.server.source_owner
    for key in keys:
        raw(world.server, "PUT", bucket, key, owner, body=key.encode())
    assert sorted(listing(world.source, bucket)) == sorted(keys)
    report = world.run()
    assert (report["copied"], report["failed"]) == (len(keys), 0)
    assert sorted(world.vault.live(bucket)) == sorted(keys)
    for key in keys:
        assert read(world, path_of(bucket, key)) == key.encode(), ascii(key)
    points = world.vault.check(bucket)
    assert sorted(points[-1].view) == sorted(keys)

    report = world.run()
    assert (report["unchanged"], report["copied"], report["deleted"]) == (len(keys), 0, 0)
    shutil.rmtree(world.vaultferry.state)
    report = world.run()
    assert (report["unchanged"], report["copied"], report["recopied"], report["deleted"]) == (len(keys), 0, 0, 0)

    world.later()
    left = [key for n, key in enumerate(keys) if n % 3]
    gone, changed = sorted(set(keys) - set(left)), left[::4]
    for key in gone:
        raw(world.server, "DELETE", bucket, key, owner)
    for key in changed:
        raw(world.server, "PUT", bucket, key, owner, body=key.encode() + b" again")
    report = world.run()
    assert (report["deleted"], report["recopied"], report["failed"]) == (len(gone), len(changed), 0)
    assert sorted(world.vault.live(bucket)) == sorted(left)
    assert world.vault.markers(bucket) == sorted(path_of(bucket, key) for key in gone)
    for key in changed:
        assert read(world, path_of(bucket, key)) == key.encode() + b" again"
    world.vault.check(bucket)


def test_odd_keys_are_adopted_from_versions_alone(world):
    """No point, no state: keys come from data/, and those of data-long/ from names/."""
    bucket = world.bucket()
    keys = ODD[:12] + long_keys(bucket)
    for key in keys:
        raw(world.server, "PUT", bucket, key, world.server.source_owner, body=key.encode())
    world.run()
    before = world.vault.copies(bucket)
    world.vault.remove(f"points/{bucket}/")
    shutil.rmtree(world.vaultferry.state)
    report = world.run()
    assert (report["copied"], report["recopied"], report["failed"]) == (0, 0, 0)
    assert world.vault.copies(bucket) == before
    world.vault.check(bucket)


def test_odd_keys_are_shown_readably_in_plan_and_report(sim):
    bucket = sim.bucket()
    keys = ["new\nline", "\x01ctl", "q\"uote", "日本", "é" * 512]
    for key in keys:
        sim.put(bucket, key, b"x")
    plan = sim.do("plan", "--list")["sources"][0]
    assert sorted(action["key"] for action in plan["actions"]) == sorted(keys)
    text = sim.cli("plan", "--list").stdout
    assert "new\\nline" in text and "\\u0001ctl" in text and "日本" in text and "\x01" not in text
    sim.faults({"operation": "CopyObject", "action": "error", "status": 400, "code": "InvalidRequest"})
    report = sim.run(exit=2)
    assert sorted(failure["key"] for failure in report["failures"]) == sorted(keys)
    result = sim.cli("run")
    assert result.returncode == 2 and "new\\nline" in result.stdout and "\x01" not in result.stdout + result.stderr


def many_keys_with_a_long_prefix(sim, count):
    bucket = sim.bucket(count=count, shape="long-prefix")
    report = sim.run()
    assert (report["copied"], report["failed"]) == (count, 0)
    assert len(sim.vault.copies(bucket)) == count
    sim.forget_counts()
    report = sim.run()
    assert (report["unchanged"], report["copied"]) == (count, 0)
    assert sim.counts()["CopyObject"] == 0
    sim.server.control("POST", "/_s3sim/synthetic", {"bucket": bucket, "generation": 2, "changed_share": 0.002,
        "deleted_share": 0.002})
    report = sim.run()
    there = listing(sim.source, bucket)
    assert report["deleted"] == count - len(there) > 0 and report["recopied"] > 0
    points = sim.vault.points(bucket)
    assert {key: (line["etag"], line["size"]) for key, line in points[-1].view.items()} == there


def test_keys_that_share_600_bytes(sim):
    many_keys_with_a_long_prefix(sim, 20000)


@pytest.mark.slow
def test_a_million_keys_that_share_600_bytes(sim):
    many_keys_with_a_long_prefix(sim, 1000000)
