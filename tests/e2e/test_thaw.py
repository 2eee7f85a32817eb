"""What lies in an archive class: its way back at a point, thaws that end, tiers, hours and prices. Judged by boto3."""
import time

import pytest
import world as world_module
from test_restore import HOUR, LONG, Back, numbers, told
from test_restore_moto import Cloud
from world import pages

DAY = 24 * HOUR
CAPACITY = {"operation": "RestoreObject", "action": "error", "status": 503,
    "code": "GlacierExpeditedRetrievalNotAvailable"}


class Frozen(Back):
    """A vault with points, of which lifecycle rules have moved versions to archive classes."""

    def move(self, key, class_, version=None):
        self.server.control("POST", "/_s3sim/class", {"bucket": self.vault_bucket, "key": key, "class": class_,
            **({"version": version} if version else {})})

    def freeze(self, bucket, class_of):
        """Moves all versions of the copies; class_of(path in the vault) names the class."""
        for prefix in (f"data/{bucket}/", f"data-long/{bucket}/"):
            for entry in self.vault.versions(prefix):
                if not entry["Marker"]:
                    self.move(entry["Key"], class_of(entry["Key"]), entry["VersionId"])

    def frozen(self, count, class_of):
        """A bucket after one run whose copies were moved: (bucket, what is in it)."""
        bucket = self.bucket()
        seen = self.backed_up(bucket, count)
        self.freeze(bucket, class_of)
        return bucket, seen

    def words(self, bucket, *more):
        return ("restore", "--source", bucket, "--to", f"s3://{self.back}/", *more)

    def asked(self):
        return len(self.requests("RestoreObject"))

    def thaw(self, path, days=1, tier="Standard"):
        self.owner.restore_object(Bucket=self.vault_bucket, Key=path,
            RestoreRequest={"Days": days, "GlacierJobParameters": {"Tier": tier}})

    def head(self, path):
        return self.owner.head_object(Bucket=self.vault_bucket, Key=path)


@pytest.fixture
def frozen(s3sim, vaultferry, monkeypatch):
    monkeypatch.setattr(world_module, "VAULT_ACTIONS", (*world_module.VAULT_ACTIONS, "s3:RestoreObject"))
    yield Frozen(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.fixture
def cloud(moto, vaultferry):
    return Cloud(moto, vaultferry)


def kill(child):
    child.kill()
    child.wait()


@pytest.mark.tsan
def test_an_old_point_comes_back_from_two_classes_while_it_is_killed_and_moved(frozen):
    """Its versions are not the current ones, one is a long key's, and GLACIER is ready long before DEEP_ARCHIVE."""
    bucket = frozen.bucket()
    keys = [f"{place}/{i:02d}" for place in ("deep", "cold", "warm") for i in range(8)] + [LONG]
    for key in keys:
        frozen.put(bucket, key, f"first {key}".encode(), Metadata={"n": "1"}, Tagging="kept=yes")
    point = frozen.run()["point"]
    seen = frozen.seen(bucket)
    frozen.pause()
    for key in keys[::2]:
        frozen.put(bucket, key, b"second")
    frozen.source.delete_object(Bucket=bucket, Key=keys[1])
    frozen.run()
    frozen.freeze(bucket, lambda path: "STANDARD" if "/warm/" in path else "GLACIER" if "/cold/" in path else
        "DEEP_ARCHIVE")
    words = frozen.words(bucket, "--at", point)
    frozen.latency(100, "RestoreObject")
    child = frozen.start(*words)
    frozen.wait_for(lambda: frozen.asked() > 3)
    kill(child)
    child = frozen.start(*words, state=frozen.vaultferry.folder / "second")
    frozen.wait_for(lambda: frozen.asked() >= 17)
    kill(child)
    time.sleep(0.3)  # what it had asked for and not heard of arrives
    frozen.latency(0)
    report = frozen.restore(bucket, "--at", point, "--no-wait", exit=6)
    assert report["thawing"] == 17 and report["restored"] + report["equal"] == 8
    assert frozen.asked() <= 17 + 16  # what was under way at a kill is at most asked for twice
    frozen.clock(13 * HOUR)
    asked = frozen.asked()
    report = frozen.restore(bucket, "--at", point, "--no-wait", exit=6)
    assert numbers(report) == told(restored=8, equal=8, thawing=9)
    frozen.clock(49 * HOUR)
    result = frozen.finish(frozen.start(*words, state=frozen.vaultferry.folder / "third"))
    assert result.returncode == 0 and numbers(result.json) == told(restored=9, equal=16), result
    assert frozen.asked() == asked and frozen.seen(frozen.back) == seen


def test_a_folder_gets_what_was_thawed(frozen):
    bucket, seen = frozen.frozen(3, lambda path: "GLACIER")
    folder = frozen.vaultferry.folder / "here"
    assert numbers(frozen.restore(bucket, "--no-wait", to=folder, exit=6)) == told(thawing=3)
    frozen.clock(13 * HOUR)
    assert numbers(frozen.restore(bucket, "--no-wait", to=folder)) == told(restored=3)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {key: one[0] for key, one in seen.items()}


# thaws of others, and thaws that end


def test_a_thaw_that_is_over_soon_is_renewed_and_read_at_once(frozen):
    bucket, seen = frozen.frozen(2, lambda path: "GLACIER")
    paths = [f"data/{bucket}/k{i:03d}" for i in range(2)]
    for path in paths:
        frozen.thaw(path, days=1)
    frozen.clock(5 * HOUR + DAY - 5 * 60)
    before = [frozen.head(path)["Restore"] for path in paths]
    assert all("false" in text for text in before)
    frozen.forget_counts()
    assert numbers(frozen.restore(bucket, "--no-wait")) == told(restored=2)
    assert frozen.counts()["RestoreObject"] == 2 and frozen.seen(frozen.back) == seen
    assert all(frozen.head(path)["Restore"] != text for path, text in zip(paths, before))


def test_a_thaw_that_has_ended_is_asked_for_again(frozen):
    bucket, _ = frozen.frozen(2, lambda path: "GLACIER")
    assert numbers(frozen.restore(bucket, "--no-wait", exit=6)) == told(thawing=2)
    frozen.clock(13 * HOUR + 8 * DAY)
    frozen.forget_counts()
    assert numbers(frozen.restore(bucket, "--no-wait", exit=6)) == told(thawing=2)
    assert frozen.counts()["RestoreObject"] == 2


def test_what_others_have_thawed_needs_no_right_and_no_tier(s3sim, vaultferry):
    world = Frozen(s3sim, vaultferry)  # whose role may not ask for a thaw
    bucket, seen = world.frozen(2, lambda path: "DEEP_ARCHIVE")
    for i in range(2):
        world.thaw(f"data/{bucket}/k{i:03d}")
    assert numbers(world.restore(bucket, "--thaw", "expedited", "--no-wait", exit=6)) == told(thawing=2)
    world.clock(13 * HOUR)
    assert numbers(world.restore(bucket, "--thaw", "expedited")) == told(restored=2)
    assert world.seen(world.back) == seen
    s3sim.control("POST", "/_s3sim/reset")


def test_where_listings_do_not_say_what_is_thawed_each_object_is_asked(cloud):
    """moto's have no RestoreStatus."""
    for i in range(3):
        cloud.client.put_object(Bucket="vault", Key=f"data/docs/k{i}", Body=b"x", StorageClass="DEEP_ARCHIVE")
    words = ("restore", "--source", "docs", "--from-versions", "--to", "s3://back/", "--thaw", "expedited")
    assert numbers(cloud(*words, exit=2)) == told(failed=3)
    for i in range(2):
        cloud.client.restore_object(Bucket="vault", Key=f"data/docs/k{i}", RestoreRequest={"Days": 2})
    assert numbers(cloud(*words, exit=2)) == told(restored=2, failed=1)
    assert cloud.bodies("back") == {"k0": b"x", "k1": b"x"}


# tiers


def test_a_tier_that_only_some_classes_have_thaws_those(frozen):
    bucket, _ = frozen.frozen(4, lambda path: "DEEP_ARCHIVE" if path[-1] in "02" else "GLACIER")
    report = frozen.restore(bucket, "--thaw", "expedited", "--no-wait", exit=2)
    assert numbers(report) == told(failed=2, thawing=2)
    assert {one["key"] for one in report["failures"]} == {"k000", "k002"}
    assert all("take bulk or standard" in one["message"] for one in report["failures"])
    assert frozen.asked() == 2
    frozen.clock(301)
    assert numbers(frozen.restore(bucket, "--thaw", "standard", "--no-wait", exit=6)) == told(restored=2, thawing=2)


def test_a_lack_of_expedited_capacity_is_told_at_once(frozen):
    bucket, _ = frozen.frozen(3, lambda path: "GLACIER")
    frozen.faults(CAPACITY)
    report = frozen.restore(bucket, "--thaw", "expedited", "--no-wait", exit=2)
    assert numbers(report) == told(failed=3) and frozen.asked() == 3
    for one in report["failures"]:
        assert one["code"] == "GlacierExpeditedRetrievalNotAvailable" and "standard and bulk" in one["message"]
    frozen.heal()
    assert numbers(frozen.restore(bucket, "--thaw", "bulk", "--no-wait", exit=6)) == told(thawing=3)


def test_a_thaw_that_is_denied_names_the_right(s3sim, vaultferry):
    world = Frozen(s3sim, vaultferry)
    bucket, _ = world.frozen(2, lambda path: "GLACIER")
    report = world.restore(bucket, "--no-wait", exit=5)
    assert numbers(report) == told(failed=2)
    assert all("s3:RestoreObject" in one["message"] for one in report["failures"])
    s3sim.control("POST", "/_s3sim/reset")


# hours and prices


def by_tier(report):
    return {one["tier"]: (one["objects"], one["bytes"], one["hours"], one["cost"]) for one in report["thaw"]}


def test_hours_and_prices_are_told_by_tier(frozen):
    bucket, seen = frozen.frozen(5, lambda path: "DEEP_ARCHIVE" if path[-1] in "01" else "GLACIER" if path[-1] in "23"
        else "STANDARD")
    assert sum(len(one[0]) for one in seen.values()) == 20
    prices = {"classes": {"GLACIER": {"standard_gb": 2 ** 30, "standard_1k": 1000},
        "DEEP_ARCHIVE": {"bulk_gb": 0, "bulk_1k": 500, "standard_gb": 0, "standard_1k": 3000}}}
    report = frozen.restore(bucket, "--dry-run", config=frozen.config(prices=prices))
    # GLACIER: 8 bytes at 1 a byte, 2 objects at 1 each; its bulk is free; DEEP_ARCHIVE: 2 objects at 0.5 or 3 each
    assert by_tier(report) == {"bulk": (4, 16, 48, pytest.approx(1)), "standard": (4, 16, 12, pytest.approx(16)),
        "expedited": (4, 16, None, None)}
    assert report["cost"]["retrieval"] == pytest.approx(1) and report["cost"]["currency"] == "USD"
    text = frozen.cli(*frozen.words(bucket, "--dry-run", "--thaw", "standard"), config=frozen.config(
        prices=prices)).stdout
    assert "up to 48 h, USD 1.00" in text and "up to 12 h, USD 16.00" in text and "retrieval USD 16.00" in text
    assert frozen.asked() == 0
    for i in range(5):
        if i != 4:
            frozen.thaw(f"data/{bucket}/k{i:03d}")
    report = frozen.restore(bucket, "--dry-run", config=frozen.config(prices=prices))
    assert report["thaw"] == [] and report["being_thawed"] == 4


def test_nothing_is_asked_for_twice_while_it_waits(frozen):
    """Passes in between look at listings alone: not one HEAD an object."""
    bucket, seen = frozen.frozen(20, lambda path: "GLACIER")
    child = frozen.start(*frozen.words(bucket, "--thaw", "standard"))
    frozen.wait_for(lambda: frozen.asked() == 20)
    frozen.forget_counts()
    time.sleep(2.5)  # at least one look more
    counts = frozen.counts()
    assert counts["RestoreObject"] == 0 and counts["ListObjectVersions"] >= 1 and counts["HeadObject"] <= 20
    frozen.clock(6 * HOUR)
    result = frozen.finish(child)
    assert result.returncode == 0 and numbers(result.json) == told(restored=20), result
    assert sorted(entry["Key"] for entry in pages(frozen.source, "list_objects_v2", "Contents",
        Bucket=frozen.back)) == sorted(seen)
