"""The manifest from the vault: a state folder that was lost, left behind, or killed in between. Judged by boto3."""
import json
import shutil

import pytest
from world import World

pytestmark = pytest.mark.s3sim
LONG = "long/" + "k" * 1015
DENIED = {"action": "error", "status": 403, "code": "AccessDenied"}


class Machines(World):
    """Runs from several state folders, as of several machines; `home` is the usual one."""

    def run_on(self, machine, exit=0):
        result = self.finish(self.start("run", state=self.vaultferry.folder / machine))
        assert result.returncode == exit, result
        return result.json["sources"][0]

    def lose_state(self):
        shutil.rmtree(self.vaultferry.state)

    def change(self, bucket, *keys):
        self.later()
        for key in keys:
            self.put(bucket, key, f"{key} {self.passed}".encode())

    def point_ids(self, bucket):
        return [point.id for point in self.vault.points(bucket)]

    def fail_points(self, bucket, skip=0, **fault):
        """Writes under points/ fail, after `skip` that do not."""
        self.faults({"operation": "PutObject", "key_prefix": f"points/{bucket}/", "skip": skip} | (fault or DENIED))

    def kill_at_put(self, bucket, machine="home", **fault):
        """A run on that machine that is killed while its log is being put."""
        self.fail_points(bucket, action="stall", ms=30000, **fault)
        child = self.start("run", state=self.vaultferry.folder / machine)
        self.wait_for(lambda: self.fired() == [1])
        child.kill()
        child.wait()
        self.heal()

    def forge(self, key, change):
        """Writes a file of the vault anew as if it had always been so."""
        text = change(self.vault.read(key))
        self.vault.remove(key)
        self.owner.put_object(Bucket=self.vault_bucket, Key=key, Body=text)


@pytest.fixture
def world(s3sim, vaultferry):
    return Machines(s3sim, vaultferry)


def nothing_copied(report):
    return report["copied"] + report["recopied"] == 0


def test_lost_state_folder_costs_no_copy(world):
    bucket = world.bucket()
    world.fill(bucket, 30)
    world.put(bucket, LONG)
    assert world.run()["copied"] == 31
    world.change(bucket, "k001")
    world.source.delete_object(Bucket=bucket, Key="k002")
    world.run()
    world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["adopted"] == 0 and report["unchanged"] == 30
    world.vault.check(bucket)


def test_manifest_three_points_behind_takes_only_the_logs_after_it(world):
    bucket = world.bucket()
    world.fill(bucket, 20)
    world.run_on("a")
    for key in ("k001", "new", LONG):
        world.change(bucket, key)
        assert world.run_on("b")["copied"] + world.run_on("b")["copied"] <= 1
    world.source.delete_object(Bucket=bucket, Key="k007")
    world.later()
    world.run_on("b")
    first = world.point_ids(bucket)[0]
    world.forget_counts()
    world.later()
    report = world.run_on("a")
    assert nothing_copied(report) and report["adopted"] == 0 and report["unchanged"] == 21
    read = [one["key"] for one in world.requests("GetObject") if one["key"].startswith("points/")]
    assert not any(first in key and "changes" in key for key in read), "the log of its own point was read again"
    world.vault.check(bucket)


@pytest.mark.parametrize("lost", [False, True], ids=["kept-state", "lost-state"])
def test_logs_without_a_point_are_named_by_the_next_one(world, lost):
    bucket = world.bucket()
    world.fill(bucket, 5)
    world.run()
    world.change(bucket, "k001", "new")
    world.fail_points(bucket, skip=1)
    world.run(exit=5)
    world.heal()
    if lost:
        world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["adopted"] == 0 and report["unchanged"] == 6
    points = world.vault.check(bucket)
    assert len(points) == 2 and points[1]["files"][0]["point"] < points[1].id


@pytest.mark.parametrize("lost", [False, True], ids=["kept-state", "lost-state"])
def test_first_run_without_a_point_is_gone_on_with(world, lost):
    bucket = world.bucket()
    world.fill(bucket, 5)
    world.fail_points(bucket, skip=1)
    world.run(exit=5)
    world.heal()
    if lost:
        world.lose_state()
    world.later()
    assert nothing_copied(world.run())
    assert len(world.vault.check(bucket)) == 1


def test_killed_between_log_and_its_note_loses_nothing(world):
    bucket = world.bucket()
    world.fill(bucket, 5)
    world.run_on("home")
    world.change(bucket, "k001", "new")
    world.source.delete_object(Bucket=bucket, Key="k004")
    world.kill_at_put(bucket)
    world.later(120)
    assert nothing_copied(world.run_on("home"))
    world.vault.check(bucket)


def test_outbox_that_was_overtaken_is_not_told_after_later_points(world):
    """a copied k001 but could not write its log; b then copied a newer k001 and published."""
    bucket = world.bucket()
    world.fill(bucket, 5)
    world.run_on("a")
    world.change(bucket, "k001", "only-a")
    world.source.delete_object(Bucket=bucket, Key="k004")
    world.fail_points(bucket)
    world.run_on("a", exit=5)
    world.heal()
    world.change(bucket, "k001")
    world.run_on("b")
    world.vault.check(bucket)
    world.change(bucket, "k002")
    report = world.run_on("a")
    assert report["recopied"] == 1 and report["copied"] == 0
    world.vault.check(bucket)


def test_logs_that_another_machine_named_are_not_named_twice(world):
    bucket = world.bucket()
    world.fill(bucket, 5)
    world.run_on("a")
    world.change(bucket, "k001", "new")
    world.fail_points(bucket, skip=1)
    world.run_on("a", exit=5)
    world.heal()
    world.later()
    assert nothing_copied(world.run_on("b"))
    world.change(bucket, "k003")
    assert world.run_on("a")["recopied"] == 1
    assert len(world.vault.check(bucket)) == 3


def test_put_whose_answer_was_lost_is_one_version(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.faults({"operation": "PutObject", "key_prefix": f"points/{bucket}/", "count": 2, "action": "error",
        "status": 500, "code": "InternalError", "perform": True})
    world.run()
    assert world.fired() == [2]
    world.vault.check(bucket)  # refuses a second version


@pytest.mark.parametrize("what", ["missing", "damaged"])
def test_log_that_cannot_be_used_is_named(world, what):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run()
    log = f"points/{bucket}/{world.point_ids(bucket)[0]}/changes-0001.ndjson.zst"
    if what == "missing":
        world.vault.remove(log)
    else:
        world.forge(log, lambda text: text[:-20] + b"x" + text[-19:])
    world.lose_state()
    world.later()
    report = world.run(exit=2)
    assert log in json.dumps(report) and nothing_copied(report) and report["adopted"] == 3
    world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["unchanged"] == 3


def test_second_versions_and_delete_markers_under_points_change_nothing(world):
    bucket = world.bucket()
    world.fill(bucket, 4)
    world.run()
    folder = f"points/{bucket}/{world.point_ids(bucket)[0]}"
    world.owner.put_object(Bucket=world.vault_bucket, Key=f"{folder}/point.json", Body=b"{}")
    world.owner.delete_object(Bucket=world.vault_bucket, Key=f"{folder}/changes-0001.ndjson.zst")
    for state in ("kept", "lost"):
        if state == "lost":
            world.lose_state()
        world.later()
        report = world.run()
        assert nothing_copied(report) and report["unchanged"] == 4


def test_without_points_the_versions_are_the_catalog(world):
    bucket = world.bucket()
    world.fill(bucket, 10)
    world.put(bucket, LONG)
    world.run()
    world.change(bucket, "k001")
    world.source.delete_object(Bucket=bucket, Key="k002")
    world.run()
    world.lose_state()
    world.vault.remove("points/")
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["adopted"] == 10
    points = world.vault.check(bucket)
    assert len(points) == 1 and any(file["name"].startswith("full-") for file in points[0]["files"])
    # from now on the full file is where a rebuild begins
    world.change(bucket, "k003")
    world.run()
    world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["unchanged"] == 10
    # and where it is damaged, the logs still tell all
    world.vault.remove(f"points/{bucket}/{points[0].id}/full-0001")
    world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["unchanged"] == 10


def test_long_key_without_its_name_is_found_again_from_its_source(world):
    bucket = world.bucket()
    world.put(bucket, "short")
    world.put(bucket, LONG)
    world.run()
    world.lose_state()
    world.vault.remove("points/")
    world.vault.remove("names/")
    world.later()
    report = world.run()
    assert report["adopted"] + report["copied"] == 2
    assert sorted(world.vault.points(bucket)[0].view) == [LONG, "short"]


@pytest.mark.parametrize("to", [b'"state":"partial"', b'"nothing":1'], ids=["another", "no-point"])
def test_point_that_was_changed_is_named_and_not_in_the_way(world, to):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run()
    point = world.point_ids(bucket)[0]
    key = f"points/{bucket}/{point}/point.json"
    world.forge(key, lambda text: text.replace(b": ", b":").replace(b'"state":"complete"', to))
    assert to in world.vault.read(key)
    world.change(bucket, "k001")
    report = world.run(exit=2)
    assert point in json.dumps(report) and report["adopted"] == 2
    world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["unchanged"] == 3


def test_link_to_another_point_than_the_manifests_is_named(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run_on("a")
    world.change(bucket, "k001")
    world.run_on("b")
    first, second = world.vault.points(bucket)
    world.forge(f"points/{bucket}/{second.id}/point.json",
        lambda text: text.replace(first.sha256.encode(), first.sha256[::-1].encode()))
    world.later()
    assert second.id in json.dumps(world.run_on("a", exit=2))


def test_predecessor_that_is_missing_is_named(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run()
    world.change(bucket, "k001")
    world.run()
    first = world.point_ids(bucket)[0]
    world.vault.remove(f"points/{bucket}/{first}/point.json")
    world.lose_state()
    world.later()
    assert first in json.dumps(world.run(exit=2))


def test_listing_of_versions_that_fails_is_not_an_empty_vault(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run()
    world.lose_state()
    world.later()
    for skip in (0, 1):
        world.forget_counts()
        world.faults({"operation": "ListObjectVersions", "key_prefix": "", "skip": skip} | DENIED)
        world.run(exit=5)
        assert world.counts()["CopyObject"] == 0
    world.heal()
    assert nothing_copied(world.run())


def test_long_listing_of_points_is_read_to_its_end_and_old_logs_without_a_point_are_left_alone(world):
    bucket = world.bucket()
    world.fill(bucket, 3)
    world.run()
    for number in range(1, 1100):
        world.owner.put_object(Bucket=world.vault_bucket, Body=b"",
            Key=f"points/{bucket}/20200101T000000Z/changes-{number:04}.ndjson.zst")
    world.lose_state()
    world.later()
    report = world.run()
    assert nothing_copied(report) and report["unchanged"] == 3
