"""SIGKILL at random instants, again and again over one vault, judged by checker.py after each. VF_KILLS says how many.

A history goes round like this: the source changes, a run starts, it is killed when s3sim has seen so many of its
requests; then the state folder is kept, lost, or changed for that of a second machine, and the next run starts. Times
come from s3sim's clock, which is set forward between runs.
"""
import json
import os
import random
import shutil
import signal
import time

import pytest
from changing import Generations, Source, in_parallel
from checker import Checker
from world import GIB, World, listing

pytestmark = [pytest.mark.s3sim, pytest.mark.kills]
KILLS = int(os.environ.get("VF_KILLS", "50"))
A_HISTORY = 25  # kills of one vault: more would make each look at it slow
WORKERS = 16
KEPT, LOST, OTHER = "kept", "lost", "other"


class Tally:
    """What the histories of this file came to; printed at the end, where pytest shows it with -s."""

    def __init__(self):
        self.kills = self.held = self.whole = self.points = self.logs_of_killed = self.many_logs = 0
        self.catching_up = self.packing = self.resumed = self.never_recorded = 0
        self.by_state = {state: [0, 0, 0] for state in (KEPT, LOST, OTHER)}  # runs, copies, copies made again

    def __str__(self):
        states = "; ".join(f"state {name}: {runs} runs, {copies} copies, {again} again"
            for name, (runs, copies, again) in self.by_state.items())
        return (f"{self.kills} kills, {self.held} while the lease was held, {self.whole} whole runs; {states}; "
            f"{self.points} points, {self.logs_of_killed} with logs of killed runs, {self.many_logs} with several of "
            f"their own; killed while the manifest was written: {self.catching_up} in catching up, {self.packing} in "
            f"packing; {self.resumed} uploads resumed; {self.never_recorded} copies of objects that were gone before a "
            f"run could record them")


@pytest.fixture(scope="module")
def tally():
    count = Tally()
    yield count
    print(f"\nkills: {count}")


class History:
    """One source and one vault, many runs. The caller says when a run is killed; all judging is here."""

    def __init__(self, world, source, chance, tally):
        self.world, self.source, self.chance, self.tally = world, source, chance, tally
        self.bucket = source.bucket
        self.checker = Checker(world.owner, world.vault_bucket, self.bucket)
        self.config = world.config(policy={"parts": "faithful"})
        self.now = 0
        self.killed = set()  # versions that killed runs made
        self.never_recorded = set()  # of these, whose objects were gone before the next run
        self.folders = [world.vaultferry.folder / "one", world.vaultferry.folder / "two"]
        self.state, self.after_state = self.folders[0], KEPT
        self.ahead = 0  # requests that the run will send under its lease, about
        self.compared = set()  # versions that were held against their sources
        self.in_flight = 0  # copies that may have been under way when the last run was killed
        self.kills = self.held = 0

    def pass_time(self, seconds):
        self.now += seconds
        self.world.clock(self.now)

    def requests(self):
        return self.world.server.control("GET", "/_s3sim/counters")

    def start(self, workers=WORKERS):
        self.world.forget_counts()
        return self.world.start("run", "--accept", self.bucket, config=self.config | {"limits": {"workers": workers}},
            state=self.state)  # between two whole runs more may change than the guard lets pass

    def wait(self, child, reached):
        """Until s3sim has seen what is waited for. False: the run was done before."""
        end = time.monotonic() + 60
        while child.poll() is None:
            if reached(self.requests()):
                return True
            assert time.monotonic() < end, "the run does not come to an end"
            time.sleep(0.001)
        return False

    def wait_for_request(self, child, most):
        return self.wait(child, lambda seen: seen["requests"] >= most)

    def wait_for_put(self, child, most):
        """Of a run's small files the lease is put first, then logs, point.json, and at last the lease's release."""
        return self.wait(child, lambda seen: seen["operations"].get("PutObject", 0) >= most)

    def wait_under_lease(self, child, ahead):
        return self.wait_for_put(child, 1) and \
            self.wait_for_request(child, self.requests()["requests"] + self.chance.randrange(ahead))

    def at_random(self, child):
        """To an instant before the lease, under it, or at the run's end."""
        where = self.chance.random()
        if self.held < 0.9 * self.kills:
            where = 1  # there were enough that missed the lease
        if where < 0.08:
            return self.wait_for_request(child, self.chance.randrange(6))
        if where < 0.25:
            return self.wait_for_put(child, self.chance.choice((2, 2, 3)))
        return self.wait_under_lease(child, self.ahead)

    def lease_is_held_by(self, child):
        """By the newest lease in the vault."""
        leases = sorted(path for path in self.checker.history if path.startswith("lease/"))
        if not leases:
            return False
        lease = self.world.json(leases[-1])
        return lease["pid"] == child.pid and not lease.get("released", False)

    def wait_for_new_manifest(self, child):
        """It is written beside the old one, and put in its place some milliseconds later."""
        new = self.state / self.bucket / "manifest.mdb.new"
        while child.poll() is None:
            if new.exists():
                return True
        return False

    def run(self, kill=None, ms=None):
        """A run that is killed once kill(child) has waited for the instant, and a bit longer; without it, or if it came
        too late, a whole one. `ms`: what a request takes at least. Returns whether it was killed."""
        ms, workers, slow = ms or self.chance.choice((2, 5, 10, 20)), WORKERS, ()
        if kill == self.at_random and self.chance.random() < 0.12:  # some are recorded while others are under way
            ms, workers, slow = 150, 4, ("CopyObject", "UploadPartCopy")
        self.ahead = 25 + len(self.source.fresh) * (1 if self.after_state == KEPT else 2)
        self.world.latency(ms, *slow)
        child = self.start(workers)
        killed = kill is not None and kill(child)
        if killed:
            time.sleep(self.chance.random() * 1.5 * ms / 1000)
            child.kill()
            killed = child.wait() == -signal.SIGKILL
        if not killed:
            result = self.world.finish(child)
            assert result.returncode == 0, result
        time.sleep((ms + 15) / 1000 if killed else 0)  # what was in flight arrives at the vault all the same
        self.world.latency(0)
        self.judge(child, killed, workers)
        if not killed:
            self.judge_whole()
        return killed

    # judging

    def judge(self, child, killed, workers):
        """What must hold at any instant."""
        looked = self.checker.look()
        assert len(looked.points) <= 1 and (killed or looked.points), "a whole run writes a point"
        for point in looked.points:
            assert point.json["state"] == "complete" and point.what() == self.source.there, point.id
            self.tally.points += 1
            self.tally.logs_of_killed += any("point" in file for file in point.json["files"])
            self.tally.many_logs += sum("point" not in file for file in point.json["files"]) > 1
        again = self.count_again(looked.copies)
        row = self.tally.by_state[self.after_state]
        row[0], row[1], row[2] = row[0] + 1, row[1] + len(looked.copies), row[2] + again
        assert again <= self.in_flight, f"{again} objects were copied again, state {self.after_state}"
        self.in_flight = 0
        if killed:
            self.in_flight = workers
            self.killed |= {one.id for one in looked.copies}
            held = self.lease_is_held_by(child)
            self.kills, self.held = self.kills + 1, self.held + held
            self.tally.kills, self.tally.held = self.tally.kills + 1, self.tally.held + held
        self.tally.whole += not killed

    def count_again(self, copies):
        """Copies of an object of which there was one already, since it was last written at the source."""
        again = 0
        for one in copies:
            key = self.checker.key_of(one.path)
            assert key in self.source.keys, f"{key!r} is not at the source"
            again += key not in self.source.fresh
            self.source.fresh.discard(key)
        return again

    def judge_whole(self):
        """What must hold after a whole run."""
        point = self.checker.points[-1]
        assert point.what() == self.source.there
        for one in self.checker.strangers(point):
            assert one.id in self.killed, f"{one.path} was copied by a whole run, and is in no view"
            self.never_recorded.add(one.id)
        assert not self.checker.uploads(), "uploads were left"
        newest = {key: self.checker.history[self.checker.path_of(key)][0].id for key in point.view}
        in_parallel(lambda key: self.checker.same(self.world.source, self.bucket, key),
            [key for key in newest if self.source.bodies and newest[key] not in self.compared])
        self.compared |= set(newest.values())

    def plan(self, *words, state=None):
        child = self.world.start(*words, config=self.config, state=state or self.state)
        result = self.world.finish(child)
        assert result.returncode == 0, result
        report = result.json["sources"][0]
        assert report["would_copy"] == report["would_recopy"] == report["would_delete"] == 0, report
        return report

    def close(self):
        """A whole run; then each state folder, and one that is made from the vault alone, finds nothing to do."""
        self.pass_time(91)
        self.run()
        self.checker.read_again()
        self.tally.never_recorded += len(self.never_recorded)
        kept = self.plan("plan")
        rebuilt = self.plan("resync", "--check", state=self.world.vaultferry.folder / "fresh")
        assert kept["listed"] == rebuilt["listed"] == kept["unchanged"] == rebuilt["unchanged"] == len(self.source.keys)
        assert kept["by_class_after"] == rebuilt["by_class_after"]

    def next_state(self, weights=(5, 4, 1)):
        """Keeps, loses or changes the state folder. A lease of another folder's has to be dead before it is taken."""
        self.after_state = self.chance.choices((KEPT, LOST, OTHER), weights)[0]
        if self.after_state == LOST:
            shutil.rmtree(self.state, ignore_errors=True)
        if self.after_state == OTHER:
            self.folders.reverse()
            self.state = self.folders[0]
        self.pass_time(2 if self.after_state == KEPT else 91)


class Simulated(World):
    def json(self, path):
        return json.loads(self.vault.read(path))


@pytest.fixture
def world(s3sim, vaultferry):
    return Simulated(s3sim, vaultferry)


def histories():
    """(seed, kills) of each."""
    whole, rest = divmod(KILLS, A_HISTORY)
    return [(seed, A_HISTORY) for seed in range(whole)] + ([(whole, rest)] if rest else [])


@pytest.mark.parametrize("seed,kills", histories())
def test_kill_at_any_instant_loses_nothing(world, tally, seed, kills):
    chance = random.Random(f"instants {seed}")
    world.limits(min_part_size=1)
    history = History(world, Source(world, world.bucket(versioned=chance.random() < 0.5), chance), chance, tally)
    history.source.change(60)
    done = 0
    while done < kills:
        history.pass_time(2)
        done += history.run(kill=history.at_random if chance.random() < 0.85 else None)
        history.next_state()
        if chance.random() < 0.75:
            history.source.change(chance.randrange(1, 40))
    history.close()
    assert history.held >= 0.75 * history.kills - 2, f"{history.kills} kills, {history.held} while the lease was held"


def test_kill_while_the_manifest_catches_up(world, tally):
    """Of a lost state folder, of a half-made one, and of a second machine's that fell behind."""
    chance = random.Random("catching up")
    history = History(world, Generations(world, world.bucket(count=700, shape="prefixes")), chance, tally)
    for _ in range(3):
        history.pass_time(2)
        history.run()
        history.source.change(30)
    done = 0
    while done < max(5, KILLS // 10):
        history.next_state((4, 4, 3))
        history.run(kill=None if chance.random() < 0.2 else chance.choice((history.wait_for_new_manifest,
            lambda child: history.wait_under_lease(child, 16))))
        tally.catching_up += (history.state / history.bucket / "manifest.mdb.new").exists()
        done += 1
        if chance.random() < 0.3:
            history.source.change(30)
    history.close()


def test_kill_while_the_manifest_is_packed(world, tally):
    """After the point was written, and before the lease is released. Long keys make a file that is worth it; the state
    folder of before its packing is put back each time, as if from a backup."""
    chance = random.Random("packing")
    history = History(world, Generations(world, world.bucket(count=1500, shape="long-prefix")), chance, tally)
    new, loose = history.state / history.bucket / "manifest.mdb.new", history.state.with_name("loose")
    for _ in range(60):  # most runs are packed and done before the kill
        history.pass_time(2)
        history.run(kill=lambda child: history.wait_for_put(child, 2) and history.wait_for_new_manifest(child), ms=2)
        tally.packing += new.exists()
        if tally.packing >= max(2, KILLS // 25):
            break
        if new.exists() and not loose.exists():
            shutil.copytree(history.state, loose)
        if loose.exists():
            shutil.rmtree(history.state)
            shutil.copytree(loose, history.state)
        if not loose.exists() or chance.random() < 0.2:
            history.source.change(30 if loose.exists() else 1000)  # when all is written anew, it is loose again
    assert tally.packing, "no manifest was killed in its packing"
    history.close()


class Large:
    """One object of 16 GiB: 64 parts of 256 MiB. A run of 4 workers takes two seconds to copy it."""

    PARTS, WORKERS = 64, 4

    def __init__(self, world):
        self.world, self.bucket = world, world.bucket(count=1, size=16 * GIB)
        self.folder = world.vaultferry.folder / "one"
        self.now = 0
        self.config = world.config() | {"limits": {"workers": self.WORKERS}}
        self.checker = Checker(world.owner, world.vault_bucket, self.bucket)

    def run(self, parts=None):
        """A run that is killed when so many parts were copied, or a whole one. Counts of its requests."""
        self.now += 91
        self.world.clock(self.now)
        self.world.forget_counts()
        self.world.latency(120, "UploadPartCopy")
        child = self.world.start("run", config=self.config, state=self.folder)
        if parts is not None:
            self.world.wait_for(lambda: child.poll() is not None or self.world.counts()["UploadPartCopy"] >= parts)
            child.kill()
            assert child.wait() == -signal.SIGKILL
            time.sleep(0.15)
        else:
            result = self.world.finish(child)
            assert result.returncode == 0, result
        self.checker.look()
        return self.world.counts()

    def check(self, copies):
        """The object, and nothing of an upload, is in the vault; so many times was it copied in all."""
        assert self.checker.uploads() == []
        assert self.checker.points[-1].what() == listing(self.world.source, self.bucket)
        assert len([one for one in self.checker.versions.values() if one.path.startswith("data/")]) == copies


@pytest.mark.parametrize("state", [KEPT, LOST])
def test_kill_in_a_multipart_copy(world, tally, state):
    large, chance = Large(world), random.Random(f"parts {state}")
    before = large.run(parts=chance.randrange(48, 60))["UploadPartCopy"]
    assert len(large.checker.uploads()) == 1
    if state == LOST:
        shutil.rmtree(large.folder)
    after = large.run()
    tally.resumed += state == KEPT
    assert after["CreateMultipartUpload"] == (state == LOST)
    if state == KEPT:  # what was in flight may have been done, or not
        assert large.PARTS <= before + after["UploadPartCopy"] <= large.PARTS + large.WORKERS
    large.check(copies=1)


@pytest.mark.parametrize("what", ["deleted", "changed"])
def test_upload_of_a_killed_run_goes_when_its_source_does(world, what):
    large = Large(world)
    large.run(parts=52)
    assert len(large.checker.uploads()) == 1
    if what == "deleted":
        world.source.delete_object(Bucket=large.bucket, Key=next(iter(listing(world.source, large.bucket))))
    else:
        world.server.control("POST", "/_s3sim/synthetic", {"bucket": large.bucket, "generation": 2, "changed_share": 1})
    large.run()
    large.run()
    large.check(copies=what == "changed")
