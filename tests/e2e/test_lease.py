"""The lease of a run: one contender wins, others are told who has it, and the dead are followed. Judged by boto3."""
import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest
from servers.process import sanitizer_report

SOURCE = "docs"
FOLDER = f"lease/{SOURCE}/"
HELD, EXIT_HELD, EXIT_NO_ACCESS = 3, 4, 5
OWNERS = [f"{number:032x}" for number in range(1, 20)]


class Contender:
    """A running tests/tools/agent_lease; lines() are what it printed once it has ended."""

    def __init__(self, world, owner, hold_ms=0, speed=1, start=subprocess.DEVNULL):
        self.child = subprocess.Popen([world.tool, world.config, SOURCE, owner, str(hold_ms), str(speed)],
            stdin=start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=world.env)
        world.children.append(self.child)

    def first(self):
        """Waits for its first line."""
        return json.loads(self.child.stdout.readline())

    def lines(self):
        out, err = self.child.communicate(timeout=60)
        self.errors = err.decode(errors="replace")
        assert not sanitizer_report(self.errors), self.errors
        return [json.loads(line) for line in out.splitlines()]

    def result(self):
        """Its first line, after its end."""
        return self.lines()[0]


class World:
    """A vault of its own on a server, and the contenders for its lease."""

    def __init__(self, server, build_dir, folder, bucket, versioned=True):
        self.server, self.bucket, self.children = server, bucket, []
        self.tool = build_dir / "tools" / "agent_lease"
        assert self.tool.exists(), "the target test_tools is not built"
        self.boto = server.client(*server.vault_owner)
        self.boto.create_bucket(Bucket=bucket)
        if versioned:
            self.boto.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.config = folder / "config.json"
        self.address(server.url)
        key, secret = server.vault_owner
        self.env = {"HOME": str(folder), "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8", "VAULTFERRY_STATE_DIR": str(folder / "state")}

    def address(self, url):
        """Where the contenders that start from now on find the vault."""
        self.config.write_text(json.dumps({
            "vault": {"bucket": self.bucket, "region": "us-east-1", "endpoint": url, "path_style": True},
            "sources": [{"name": SOURCE, "select": {"buckets": ["source-docs"]}, "policy": "p"}],
            "policies": {"p": {"schedule": "cron(0 3 * * ? *)", "delete_after_days": 30}},
        }))

    def contend(self, owner=OWNERS[0], hold_ms=0, speed=1):
        return Contender(self, owner, hold_ms, speed)

    def race(self, owners):
        """Contenders that begin together: their standard input ends at one moment."""
        start, write = os.pipe()
        racers = [Contender(self, owner, 60000, start=start) for owner in owners]
        os.close(start)
        time.sleep(0.3)  # they are all waiting, or at least most of them
        os.close(write)
        return racers

    def versions(self, number=None):
        """Versions of lease files, oldest first."""
        prefix = FOLDER if number is None else f"{FOLDER}{number:010d}.json"
        found = []
        for page in self.boto.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
            found += page.get("Versions", [])
        return found[::-1]

    def document(self, version):
        return json.loads(self.boto.get_object(Bucket=self.bucket, Key=version["Key"],
            VersionId=version["VersionId"])["Body"].read())

    def put(self, number, body):
        self.boto.put_object(Bucket=self.bucket, Key=f"{FOLDER}{number:010d}.json",
            Body=body if isinstance(body, bytes) else json.dumps(body).encode())

    def end(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.communicate()


class Gate:
    """A relay in front of a server that lets PUT requests through only once so many of them have come."""

    def __init__(self, url, parties):
        self.target = urllib.parse.urlsplit(url)
        self.barrier = threading.Barrier(parties)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection((self.target.hostname, self.target.port))
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source, sink, requests):
        try:
            while data := source.recv(65536):
                if requests and data.startswith(b"PUT "):
                    self.barrier.wait(30)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except (OSError, threading.BrokenBarrierError):
            source.close()
            sink.close()

    def close(self):
        self.barrier.abort()
        self.listener.close()


def lease(owner=OWNERS[9], nonce="ab" * 16, **more):
    return {"format": 1, "owner": owner, "nonce": nonce, "host": "elsewhere", "pid": 4711, "program": "vaultferry 0",
        "started": "2026-11-20T03:00:00Z", "renewed": "2026-11-20T03:00:00Z", "released": False} | more


@pytest.fixture
def world(server, build_dir, tmp_path, request):
    made = World(server, build_dir, tmp_path, f"lease-{abs(hash(request.node.name)) % 10**10}")
    yield made
    made.end()


@pytest.fixture
def sim(s3sim, build_dir, tmp_path):
    """On s3sim alone: with its faults and its clock."""
    s3sim.control("POST", "/_s3sim/reset")
    made = World(s3sim, build_dir, tmp_path, "lease-vault")
    yield made
    made.end()
    s3sim.control("DELETE", "/_s3sim/faults")
    s3sim.control("POST", "/_s3sim/clock", {"offset_seconds": 0})


def clock(world, seconds):
    world.server.control("POST", "/_s3sim/clock", {"offset_seconds": seconds})


def faults(world, *rules):
    world.server.control("POST", "/_s3sim/faults", list(rules))


@pytest.mark.tsan
@pytest.mark.parametrize("contenders", [2, 10])
def test_exactly_one_contender_wins(world, contenders):
    for number in range(1, 6):
        racers = world.race(OWNERS[:contenders])
        firsts = [racer.first() for racer in racers]
        won = [i for i, line in enumerate(firsts) if line["event"] == "taken"]
        assert len(won) == 1, firsts
        assert firsts[won[0]]["number"] == number
        for i, line in enumerate(firsts):
            assert i in won or (line["event"], line["verdict"]) == ("failed", HELD), line
        assert world.document(world.versions(number)[0])["owner"] == OWNERS[won[0]]
        racers[won[0]].child.send_signal(signal.SIGTERM)
        assert racers[won[0]].lines() == [{"event": "released"}]
        for i, racer in enumerate(racers):
            racer.lines()
            assert racer.child.returncode == (0 if i in won else EXIT_HELD)


def test_of_ten_that_saw_a_free_lease_one_wins(world):
    """All have looked before the first writes. RGW ignores the condition on a versioned bucket, and keeps all ten."""
    for number in range(1, 6):
        gate = Gate(world.server.url, 10)
        world.address(gate.url)
        racers = [world.contend(owner, -1) for owner in OWNERS[:10]]
        firsts = [racer.result() for racer in racers]
        gate.close()
        won = [i for i, line in enumerate(firsts) if line["event"] == "taken"]
        assert len(won) == 1 and sum(line.get("verdict") == HELD for line in firsts) == 9, firsts
        versions = world.versions(number)
        assert len(versions) == (10 if world.server.name == "rgw" else 1)
        winner = world.document(versions[0])
        assert winner["owner"] == OWNERS[won[0]]
        for i, line in enumerate(firsts):
            assert i in won or f"process {winner['pid']}" in line["what"], line
        world.address(world.server.url)
        assert world.contend(OWNERS[10]).result()["verdict"] == HELD
        world.put(number, winner | {"released": True})


def test_the_document_says_who_and_since_when(world):
    holder = world.contend(OWNERS[0], 60000)
    assert holder.first() == {"event": "taken", "number": 1, "followed_dead": False}
    [version] = world.versions()
    assert version["Key"] == FOLDER + "0000000001.json" and version["StorageClass"] == "STANDARD"
    document = world.document(version)
    assert list(document) == ["format", "owner", "nonce", "host", "pid", "program", "started", "renewed", "released"]
    assert (document["format"], document["owner"], document["pid"], document["released"]) == (
        1, OWNERS[0], holder.child.pid, False)
    refused = world.contend(OWNERS[1]).result()
    assert refused["verdict"] == HELD
    for word in (SOURCE, document["host"], str(holder.child.pid), document["started"], "last renewed", "dead from"):
        assert word in refused["what"], refused
    holder.child.send_signal(signal.SIGTERM)
    assert holder.lines() == [{"event": "released"}]
    assert world.document(world.versions()[-1])["released"] is True


def test_a_released_lease_is_taken_at_once(world):
    assert world.contend(OWNERS[0]).result()["number"] == 1
    assert world.contend(OWNERS[1]).result() == {"event": "taken", "number": 2, "followed_dead": False}


def test_the_same_owner_takes_over_at_once(world):
    assert world.contend(OWNERS[0], -1).result()["number"] == 1
    assert world.contend(OWNERS[1]).result()["verdict"] == HELD
    assert world.contend(OWNERS[0]).result() == {"event": "taken", "number": 2, "followed_dead": True}


def test_the_dead_are_followed_after_90_seconds_of_the_server(sim):
    assert sim.contend(OWNERS[0], -1).result()["number"] == 1
    clock(sim, 80)
    assert sim.contend(OWNERS[1]).result()["verdict"] == HELD
    clock(sim, 95)
    assert sim.contend(OWNERS[1]).result() == {"event": "taken", "number": 2, "followed_dead": True}
    assert sim.contend(OWNERS[2]).result() == {"event": "taken", "number": 3, "followed_dead": False}


@pytest.mark.parametrize("offset", [-3 * 3600, -100, 100, 3 * 3600])
def test_the_clock_of_the_machine_does_not_matter(sim, offset):
    clock(sim, offset)
    assert sim.contend(OWNERS[0], -1).result()["number"] == 1
    assert sim.contend(OWNERS[1]).result()["verdict"] == HELD
    clock(sim, offset + 95)
    assert sim.contend(OWNERS[1]).result() == {"event": "taken", "number": 2, "followed_dead": True}


@pytest.mark.tsan
def test_a_lease_is_renewed_while_it_is_held(world):
    holder = world.contend(OWNERS[0], 5000, speed=20)
    assert holder.first()["event"] == "taken"
    assert holder.lines() == [{"event": "released"}]
    documents = [world.document(version) for version in world.versions(1)]
    assert 4 <= len(documents) <= 7
    assert len({document["nonce"] for document in documents}) == 1
    assert [document["released"] for document in documents] == [False] * (len(documents) - 1) + [True]


def test_a_lease_that_another_took_is_lost(world):
    holder = world.contend(OWNERS[0], 60000, speed=20)
    assert holder.first()["event"] == "taken"
    world.put(2, lease())
    before = len(world.versions(1))
    assert holder.lines() == [{"event": "lost"}]
    assert "another run has taken it" in holder.errors
    assert len(world.versions(1)) <= before + 1 and not world.document(world.versions(1)[-1])["released"]


def test_a_lease_that_cannot_be_renewed_is_lost_before_it_is_dead(sim):
    holder = sim.contend(OWNERS[0], 60000, speed=20)
    assert holder.first()["event"] == "taken"
    faults(sim, {"operation": "PutObject", "action": "error", "status": 403, "code": "AccessDenied"})
    begun = time.monotonic()
    assert holder.lines() == [{"event": "lost"}]
    assert time.monotonic() - begun < 90 / 20 + 2
    assert len(sim.versions(1)) == 1


def test_a_renewal_that_fails_for_a_while_is_made_up_for(sim):
    holder = sim.contend(OWNERS[0], 8000, speed=6)  # lost only after ten real seconds without a renewal
    assert holder.first()["event"] == "taken"
    faults(sim, {"operation": "PutObject", "action": "error", "status": 403, "code": "AccessDenied", "count": 2})
    assert holder.lines() == [{"event": "released"}]
    assert len(sim.versions(1)) >= 3


@pytest.mark.parametrize("rule", [
    {"action": "error", "status": 503},
    {"action": "error", "status": 500},
    {"action": "reset"},
    {"action": "lost_answer"},
    {"action": "error", "status": 500, "perform": True},
])
def test_a_put_that_had_to_be_repeated_is_still_ours(sim, rule):
    """The second attempt is answered 412 where the first was done and its answer lost."""
    faults(sim, {"operation": "PutObject", "count": 1, **rule})
    assert sim.contend(OWNERS[0]).result() == {"event": "taken", "number": 1, "followed_dead": False}
    assert [found["fired"] for found in sim.server.control("GET", "/_s3sim/faults")] == [1]
    assert sim.contend(OWNERS[1]).result() == {"event": "taken", "number": 2, "followed_dead": False}


def test_errors_of_the_listing_never_mean_free(sim):
    assert sim.contend(OWNERS[0], -1).result()["number"] == 1
    for operation in ("ListObjectsV2", "ListObjectVersions", "GetObject"):
        faults(sim, {"operation": operation, "action": "error", "status": 403, "code": "AccessDenied"})
        contender = sim.contend(OWNERS[1])
        assert contender.result()["event"] == "failed" and contender.child.returncode == EXIT_NO_ACCESS
    assert len(sim.versions()) == 1


def test_a_late_contender_on_top_changes_nothing(world):
    """A store without the condition: the loser's version becomes the current one of the key."""
    world.put(1, lease())
    world.put(1, lease(owner=OWNERS[0], nonce="cd" * 16, host="loser", released=True))
    refused = world.contend(OWNERS[0]).result()
    assert refused["verdict"] == HELD and "elsewhere" in refused["what"]
    world.put(1, lease(released=True))
    world.put(1, lease(owner=OWNERS[0], nonce="cd" * 16, host="loser"))
    assert world.contend(OWNERS[0]).result() == {"event": "taken", "number": 2, "followed_dead": False}


def test_a_delete_marker_hides_no_lease(world):
    world.put(1, lease(released=True))
    world.put(2, lease())
    world.boto.delete_object(Bucket=world.bucket, Key=f"{FOLDER}0000000002.json")
    assert world.contend(OWNERS[0]).result()["verdict"] == HELD
    assert world.contend(OWNERS[9]).result() == {"event": "taken", "number": 3, "followed_dead": True}


def test_numbers_grow_even_where_only_a_delete_marker_is_left(world):
    world.put(1, lease())
    [version] = world.versions()
    world.boto.delete_object(Bucket=world.bucket, Key=version["Key"])
    world.boto.delete_object(Bucket=world.bucket, Key=version["Key"], VersionId=version["VersionId"])
    assert world.contend(OWNERS[0]).result() == {"event": "taken", "number": 2, "followed_dead": True}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"x" * 70000, json.dumps(lease(format=2)).encode()])
def test_an_unreadable_lease_is_held_until_its_age_says_dead(sim, body):
    sim.put(7, body)
    refused = sim.contend(OWNERS[0]).result()
    assert refused["verdict"] == HELD and "lease 7, which cannot be read" in refused["what"]
    clock(sim, 95)
    assert sim.contend(OWNERS[0]).result() == {"event": "taken", "number": 8, "followed_dead": True}


def test_the_highest_of_many_numbers_is_found_over_pages(sim):
    for number in range(1, 1203):
        sim.put(number, lease(released=True))
    assert sim.contend(OWNERS[0]).result()["number"] == 1203


def test_the_oldest_of_many_versions_is_found_over_pages(sim):
    sim.put(1, lease())
    for _ in range(1100):
        sim.put(1, lease(nonce="cd" * 16, released=True))
    assert sim.contend(OWNERS[0]).result()["verdict"] == HELD


def test_other_sources_and_strange_files_are_no_leases(world):
    for key in ("docs-2/0000000009.json", "docs/9.json", "docs/zzz", "docs/0000000008.json.bak"):
        world.boto.put_object(Bucket=world.bucket, Key="lease/" + key, Body=b"{}")
    assert world.contend(OWNERS[0]).result() == {"event": "taken", "number": 1, "followed_dead": False}


def test_a_bucket_without_versions_works_too(server, build_dir, tmp_path):
    world = World(server, build_dir, tmp_path, "lease-no-versions", versioned=False)
    try:
        holder = world.contend(OWNERS[0], 60000)
        assert holder.first()["number"] == 1
        assert world.contend(OWNERS[1]).result()["verdict"] == HELD
        holder.child.send_signal(signal.SIGTERM)
        assert holder.lines() == [{"event": "released"}]
        assert world.contend(OWNERS[1]).result() == {"event": "taken", "number": 2, "followed_dead": False}
    finally:
        world.end()
