"""Restores to a local folder: what arrives is what boto3 had put; what cannot be a file is told, and nothing else is
lost; no key and no link leads out."""

import datetime
import hashlib
import os
import pathlib
import subprocess

import pytest
from world import MIB, World, raw


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield World(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def files(folder):
    """{path from the folder: bytes}, of regular files only."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = pathlib.Path(base, name)
            assert not path.is_symlink()
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def restore(world, bucket, folder, *arguments, exit=0):
    return world.do("restore", "--source", bucket, "--to", str(folder), *arguments, exit=exit)


def test_folder_gets_what_the_source_had(world, tmp_path):
    bucket = world.bucket()
    bodies = {"a": b"one", "b/c/d": b"", "b/c/e f\\g": b"x" * 70000, "large": os.urandom(9 * MIB)}
    for key, body in bodies.items():
        world.put(bucket, key, body)
    world.run()
    to = tmp_path / "to"
    report = restore(world, bucket, to)
    assert (report["restored"], report["failed"]) == (4, 0)
    assert files(to) == bodies
    modified = world.source.head_object(Bucket=bucket, Key="a")["LastModified"].timestamp()
    assert abs((to / "a").stat().st_mtime - modified) < 1
    report = restore(world, bucket, to)
    assert (report["restored"], report["equal"]) == (0, 4)
    if world.simulated:
        # the file's time tells: nothing is read a second time
        assert len([one for one in world.requests("GetObject", world.vault_bucket)
            if one["key"].startswith("data/")]) == len(bodies)


def test_multipart_objects_are_held_against_their_parts(sim, tmp_path):
    bucket = sim.bucket()
    body = os.urandom(11 * MIB + 3)
    upload = sim.source.create_multipart_upload(Bucket=bucket, Key="m")["UploadId"]
    parts = []
    for number, (first, last) in enumerate(((0, 6 * MIB), (6 * MIB, len(body))), 1):
        etag = sim.source.upload_part(Bucket=bucket, Key="m", UploadId=upload, PartNumber=number,
            Body=body[first:last])["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    sim.source.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload={"Parts": parts})
    sim.run(config=sim.config(bucket, policy={"parts": "faithful"}))
    restore(sim, bucket, tmp_path / "to")
    assert hashlib.sha256((tmp_path / "to" / "m").read_bytes()).digest() == hashlib.sha256(body).digest()


STRANGE = ["../../etc/x", "a/../../x", "a//b", "/abs", "./dot", "n" * 300, "deep/" + "m" * 256, "f", "f/g"]


def test_keys_that_can_be_no_file_are_a_line_each_and_lose_nothing_else(sim, tmp_path):
    bucket = sim.bucket()
    good = {f"k{i}": f"{i}".encode() for i in range(5)}
    for key, body in good.items():
        sim.put(bucket, key, body)
    for key in STRANGE:
        raw(sim.server, "PUT", bucket, key, sim.server.source_owner, b"strange")
    sim.run()
    outside = sorted(tmp_path.iterdir())
    to = tmp_path / "to"
    report = restore(sim, bucket, to, exit=2)
    # of f and f/g one is a file that is in the other's way: whichever comes first
    assert report["failed"] == len(STRANGE) - 1
    told = {one["key"] for one in report["failures"]}
    assert told - {"f", "f/g"} == set(STRANGE) - {"f", "f/g"} and len(told & {"f", "f/g"}) == 1
    assert all(one["message"] for one in report["failures"])
    have = files(to)
    assert {key: have[key] for key in good} == good and len(have) == len(good) + 1
    assert sorted(path for path in tmp_path.iterdir() if path != to) == outside
    assert not (tmp_path / "etc").exists()


def test_links_in_the_folder_are_not_followed(sim, tmp_path):
    bucket = sim.bucket()
    for key in ("way/out", "file", "fine"):
        sim.put(bucket, key, b"inside")
    sim.run()
    to, outside = tmp_path / "to", tmp_path / "outside"
    to.mkdir()
    outside.mkdir()
    (outside / "file").write_bytes(b"theirs")
    (to / "way").symlink_to(outside)
    (to / "file").symlink_to(outside / "file")
    report = restore(sim, bucket, to, "--conflict", "overwrite", exit=2)
    assert report["failed"] == 2 and report["restored"] == 1
    assert (to / "fine").read_bytes() == b"inside"
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"file": b"theirs"}


def test_conflicts_in_a_folder_are_as_told(sim, tmp_path):
    bucket = sim.bucket()
    for key in ("same", "other", "longer"):
        sim.put(bucket, key, b"vault")
    sim.run()
    to = tmp_path / "to"
    to.mkdir()
    (to / "same").write_bytes(b"vault")
    (to / "other").write_bytes(b"local")
    (to / "longer").write_bytes(b"local, and longer")
    report = restore(sim, bucket, to, exit=2)
    assert (report["equal"], report["skipped"], report["restored"]) == (1, 2, 0)
    assert (to / "other").read_bytes() == b"local"
    restore(sim, bucket, to, "--conflict", "fail", exit=2)
    report = restore(sim, bucket, to, "--conflict", "overwrite")
    assert report["restored"] == 2
    assert files(to) == {"same": b"vault", "other": b"vault", "longer": b"vault"}


def test_folder_markers_become_folders(sim, tmp_path):
    bucket = sim.bucket()
    sim.put(bucket, "empty/", b"")
    sim.put(bucket, "full/", b"")
    sim.put(bucket, "full/file", b"x")
    sim.run()
    to = tmp_path / "to"
    assert restore(sim, bucket, to)["failed"] == 0
    assert (to / "empty").is_dir() and files(to) == {"full/file": b"x"}
    assert restore(sim, bucket, to)["equal"] == 3


def test_damaged_bytes_reach_no_file(sim, tmp_path):
    bucket = sim.bucket()
    sim.put(bucket, "bad", b"precious bytes")
    sim.put(bucket, "good", b"as they were")
    sim.run()
    sim.server.control("POST", "/_s3sim/damage", {"bucket": sim.vault_bucket, "key": f"data/{bucket}/bad", "offset": 3})
    to = tmp_path / "to"
    report = restore(sim, bucket, to, exit=2)
    assert [one["key"] for one in report["failures"]] == ["bad"]
    assert files(to) == {"good": b"as they were"}


def test_connection_that_breaks_goes_on_behind_the_last_byte(sim, tmp_path):
    bucket = sim.bucket()
    body = os.urandom(3 * MIB)
    sim.put(bucket, "k", body)
    sim.run()
    sim.faults({"operation": "GetObject", "key": f"data/{bucket}/k", "action": "truncate", "bytes": MIB, "count": 2})
    to = tmp_path / "to"
    assert restore(sim, bucket, to)["restored"] == 1
    assert files(to) == {"k": body}


def test_full_disk_is_said_and_the_restore_can_go_on(sim, tmp_path):
    bucket = sim.bucket()
    sim.put(bucket, "large", os.urandom(2 * MIB))
    sim.put(bucket, "small", b"x")
    sim.run()
    to = tmp_path / "to"
    arguments = ["--json", "restore", "--source", bucket, "--to", str(to)]
    command = sim.vaultferry.command(arguments, sim.config())
    # what a file may grow to stands for the disk
    done = subprocess.run(["bash", "-c", 'ulimit -f 1024; exec "$@"', "-", *map(str, command)], capture_output=True,
        text=True, timeout=60, env=sim.vaultferry.environment(sim.env), stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and "large" in done.stdout, done
    assert set(files(to)) <= {"small"}
    restore(sim, bucket, to)
    assert len(files(to)) == 2


def test_file_that_may_not_grow_so_large_keeps_no_other_from_coming(sim, tmp_path):
    """As on a stick whose file system ends files at 4 GiB."""
    bucket = sim.bucket()
    sim.put(bucket, "first", os.urandom(2 * MIB))
    keys = sim.fill(bucket, 12)
    sim.run()
    to = tmp_path / "to"
    words = ["--json", "restore", "--source", bucket, "--to", str(to)]
    command = sim.vaultferry.command(words, sim.config() | {"limits": {"workers": 1}})
    done = subprocess.run(["bash", "-c", 'ulimit -f 1024; exec "$@"', "-", *map(str, command)], capture_output=True,
        text=True, timeout=60, env=sim.vaultferry.environment(sim.env), stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and '"failed":1,' in done.stdout and "File too large" in done.stdout, done
    assert sorted(files(to)) == keys


def test_time_of_a_file_is_that_of_the_source(sim, tmp_path):
    bucket = sim.bucket()
    sim.put(bucket, "k", b"x")
    sim.run()
    to = tmp_path / "to"
    restore(sim, bucket, to)
    there = datetime.datetime.fromtimestamp((to / "k").stat().st_mtime, datetime.timezone.utc)
    assert abs(there - sim.source.head_object(Bucket=bucket, Key="k")["LastModified"]) < datetime.timedelta(seconds=1)
