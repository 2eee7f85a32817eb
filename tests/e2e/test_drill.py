"""Restore drills: what is restored, compared and recorded, and that nothing is left; judged by boto3."""
import hashlib
import json
import signal

import pytest
import world as world_module
from world import KIB, MIB, World, pages


class Drills(World):
    """A source, its vault, and a scratch bucket of the source's account."""

    def scratch(self, versioned=True):
        bucket = f"scratch-{self.tag}"
        self.source.create_bucket(Bucket=bucket)
        if versioned:
            self.source.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return bucket

    def drill(self, scratch, *arguments, exit=0, config=None):
        return self.do("drill", "--to", f"s3://{scratch}/restored/", "--to-profile", "source", *arguments, exit=exit,
            config=config)

    def assert_clean(self, scratch):
        for page in self.source.get_paginator("list_object_versions").paginate(Bucket=scratch):
            assert page.get("Versions", []) == [] and page.get("DeleteMarkers", []) == []
        assert self.source.list_multipart_uploads(Bucket=scratch).get("Uploads", []) == []

    def records(self, source):
        files = self.vault.files(source)
        return {path: text for path, text in files.items() if "/drill-" in path}

    def varied(self, name="docs"):
        """Objects of two size bands, with headers, metadata and tags, and odd keys."""
        bucket = self.bucket(name)
        self.fill(bucket, 12)
        for key in ("a b/ü+%", "x" * 1020, "empty"):
            self.put(bucket, key, b"" if key == "empty" else None)
        self.put(bucket, "large", bytes(300 * KIB), ContentType="text/plain", CacheControl="no-store",
            Metadata={"owner": "ops"}, Tagging="team=red&kind=a%20b")
        return bucket


@pytest.fixture
def world(server, vaultferry):
    return Drills(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    yield Drills(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


@pytest.mark.tsan
def test_a_clean_drill_is_recorded_and_leaves_nothing(world):
    bucket, scratch = world.varied(), world.scratch()
    point = world.run()["point"]
    before = world.vault.files(bucket)
    result = world.drill(scratch)
    assert (result["checked"], result["sample"], result["problems"]) == (16, 16, [])
    assert result["bytes_read"] == sum(entry["Size"] for entry in pages(world.source, "list_objects_v2", "Contents",
        Bucket=bucket))
    assert result["confidence"]["all_tested"] and result["confidence"]["at_most"] == 0
    world.assert_clean(scratch)
    after = world.vault.files(bucket)
    assert set(after) - set(before) == {result["record"].removeprefix(f"points/{bucket}/")}
    record = json.loads(world.vault.read(result["record"]))
    assert (record["kind"], record["format"], record["point"], record["source"]) == ("drill", 1, point, bucket)
    assert record["point_sha256"] == hashlib.sha256(before[f"{point}/point.json"]).hexdigest()
    assert record["checked"] == 16 and record["problems"] == [] and record["compared"]["source"] == 16
    assert sum(stratum["objects"] for stratum in record["strata"]) == 16
    assert record["scratch"].startswith(f"s3://{scratch}/restored/drill-")
    if world.simulated:
        assert record["by"].startswith("arn:aws:sts::")


def test_a_sample_is_a_sample_and_its_seed_draws_it_again(world):
    bucket, scratch = world.bucket(), world.scratch(versioned=False)
    world.fill(bucket, 40)
    world.run()
    first = world.drill(scratch, "--sample", 10, "--source", bucket)
    assert first["checked"] == first["sample"] == 10
    assert first["confidence"]["worth"] == 10
    assert abs(first["confidence"]["at_most"] - (1 - 0.05**0.1)) < 1e-5
    world.assert_clean(scratch)
    if world.simulated:
        def drawn(*arguments):
            world.forget_counts()
            result = world.drill(scratch, "--sample", 10, *arguments)
            record = json.loads(world.vault.read(result["record"]))
            copied = sorted({one["key"] for one in world.requests("HeadObject", world.vault_bucket)})
            return record["seed"], [key for key in copied if key.startswith("data/")]

        seed, keys = drawn()
        assert len(keys) == 10
        assert drawn("--seed", seed) == (seed, keys)
        assert drawn()[1] != keys


def test_drills_do_not_disturb_points_runs_and_rebuilds(world):
    bucket, scratch = world.varied(), world.scratch()
    world.run()
    first, second = world.drill(scratch, "--sample", 3), world.drill(scratch, "--sample", 3)
    assert first["record"] != second["record"]
    assert len(world.records(bucket)) == 2
    points = world.do("points")["points"]
    assert len(points) == 1
    world.put(bucket, "k001", b"changed")
    assert world.run()["recopied"] == 1
    world.do("resync", "--from-vault")
    assert world.run()["copied"] == 0
    world.assert_same(bucket)
    assert world.do("verify")["problems"] == []
    assert len(world.vault.points(bucket)) >= 2


def test_the_page_says_what_an_auditor_asks(world):
    bucket, scratch = world.varied(), world.scratch()
    point = world.run()["point"]
    result = world.cli("drill", "--to", f"s3://{scratch}", "--to-profile", "source", "--sample", "5")
    assert result.returncode == 0, result
    for text in (f'source "{bucket}"', point, "seed", "Conclusion: At most", "95 % confidence", "Record: points/",
        "STANDARD", "up to 128 KiB", "128 KiB to 8 MiB", "Problems: 0"):
        assert text in result.stdout, text


def test_tags_that_were_changed_in_the_vault_are_found(world):
    bucket, scratch = world.varied(), world.scratch()
    world.run()
    entry = world.vault.live(bucket)["large"]
    world.owner.put_object_tagging(Bucket=world.vault_bucket, Key=entry["Key"], VersionId=entry["VersionId"],
        Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    result = world.drill(scratch, exit=2)
    assert [(one["key"], one["problem"]) for one in result["problems"]] == [("large", "source-tags-differ")]
    assert result["confidence"]["bad"] == 1
    record = json.loads(world.vault.read(result["record"]))
    assert record["problems"] == result["problems"]
    world.assert_clean(scratch)


def test_a_version_that_is_gone_is_found_and_a_foreign_one_is_not_taken_for_it(world):
    bucket, scratch = world.varied(), world.scratch()
    world.run()
    live = world.vault.live(bucket)
    world.owner.put_object(Bucket=world.vault_bucket, Key=live["k000"]["Key"], Body=b"foreign")
    world.owner.delete_object(Bucket=world.vault_bucket, Key=live["k001"]["Key"], VersionId=live["k001"]["VersionId"])
    result = world.drill(scratch, exit=2)
    assert [(one["key"], one["problem"]) for one in result["problems"]] == [("k001", "version-missing")]
    assert result["checked"] == 16
    world.assert_clean(scratch)


def test_no_source_is_needed(sim):
    bucket, scratch = sim.varied(), sim.scratch()
    sim.run()
    for entry in pages(sim.source, "list_objects_v2", "Contents", Bucket=bucket):
        sim.source.delete_object(Bucket=bucket, Key=entry["Key"])
    sim.source.delete_bucket(Bucket=bucket)
    result = sim.drill(scratch)
    assert result["checked"] == 16 and result["problems"] == []
    assert json.loads(sim.vault.read(result["record"]))["compared"]["source"] == 0


@pytest.mark.parametrize("operation", ["PutObject", "HeadBucket", "DeleteObject"])
def test_a_scratch_bucket_that_is_denied_ends_it(sim, operation):
    bucket, scratch = sim.varied(), sim.scratch()
    sim.run()
    operations = ["PutObject", "CopyObject"] if operation == "PutObject" else [operation]
    sim.faults(*[{"operation": one, "bucket": scratch, "action": "error", "status": 403, "code": "AccessDenied"}
        for one in operations])
    result = sim.drill(scratch, exit=5)
    assert scratch in result["error"]["message"] and result["record"] is None
    assert sim.records(bucket) == {}
    sim.heal()


HOUR = 3600


def made_cold(s3sim, vaultferry):
    """Four objects that rules have moved to GLACIER, six in STANDARD."""
    made = Drills(s3sim, vaultferry)
    made.docs, made.to = made.bucket(), made.scratch()
    made.fill(made.docs, 6, "new")
    for key in made.fill(made.docs, 4, "old"):
        made.owner.put_object(Bucket=made.vault_bucket, Key=f"data/{made.docs}/{key}", Body=key.encode(),
            StorageClass="GLACIER")
    made.later()
    made.do("resync")
    made.run()
    classes = sorted(entry["StorageClass"] for entry in made.vault.live(made.docs).values())
    assert classes == ["GLACIER"] * 4 + ["STANDARD"] * 6
    return made


@pytest.fixture
def cold(s3sim, vaultferry, monkeypatch):
    """With the right to thaw."""
    monkeypatch.setattr("world.VAULT_ACTIONS", world_module.VAULT_ACTIONS + ("s3:RestoreObject",))
    yield made_cold(s3sim, vaultferry)
    s3sim.control("POST", "/_s3sim/reset")


def stratum(record, name):
    return next(one for one in record["strata"] if one["class"] == name)


def test_archived_objects_are_thawed_within_the_budget(cold):
    first = cold.drill(cold.to, "--no-wait", exit=6)
    assert first["record"] is None and first["sources"][0]["thawing"] == 4
    page = cold.cli("drill", "--to", f"s3://{cold.to}", "--to-profile", "source", "--no-wait")
    assert page.returncode == 6 and "4 objects are being thawed" in page.stdout and "--seed" in page.stdout
    cold.assert_clean(cold.to)
    assert cold.records(cold.docs) == {}
    cold.later(13 * HOUR)
    result = cold.drill(cold.to, "--seed", first["sources"][0]["seed"])
    assert (result["checked"], result["problems"]) == (10, [])
    record = json.loads(cold.vault.read(result["record"]))
    assert (record["thaw"]["objects"], stratum(record, "GLACIER")["tested"]) == (4, 4)
    assert record["cost"]["currency"] == "USD" and record["cost"]["requests"] > 0
    cold.assert_clean(cold.to)


def test_a_thaw_is_waited_for(cold):
    child = cold.start("drill", "--to", f"s3://{cold.to}/", "--to-profile", "source")
    cold.wait_for(lambda: cold.counts()["RestoreObject"] == 4)
    cold.later(13 * HOUR)
    result = cold.finish(child)
    assert result.returncode == 0 and result.json["checked"] == 10, result


@pytest.mark.parametrize("limit, why", [(("--max-thaw", 8), "--max-thaw"), (("--max-cost", 0), "--max-cost")])
def test_what_the_budget_does_not_allow_is_told_as_not_tested(cold, limit, why):
    nothing = why == "--max-cost"
    result = cold.drill(cold.to, *limit, exit=2 if nothing else 0)
    assert result["checked"] == (0 if nothing else 6)
    record = json.loads(cold.vault.read(result["record"]))
    assert why in stratum(record, "GLACIER")["not_tested"] and stratum(record, "GLACIER")["tested"] == 0
    assert result["confidence"]["objects"] == (0 if nothing else 6)
    assert "tested" in result["confidence"]["conclusion"]
    assert cold.counts()["RestoreObject"] == 0


def test_a_thaw_that_is_denied_is_no_fault_of_the_objects(s3sim, vaultferry):
    cold = made_cold(s3sim, vaultferry)
    result = cold.drill(cold.to)
    record = json.loads(cold.vault.read(result["record"]))
    assert "s3:RestoreObject" in stratum(record, "GLACIER")["not_tested"] and result["checked"] == 6
    s3sim.control("POST", "/_s3sim/reset")


def test_bytes_that_were_damaged_in_the_vault_are_found(sim):
    bucket, scratch = sim.varied(), sim.scratch()
    parts = sim.source.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    sent = [{"PartNumber": n, "ETag": sim.source.upload_part(Bucket=bucket, Key="parts", UploadId=parts, PartNumber=n,
        Body=bytes([n]) * (5 * MIB if n == 1 else 100))["ETag"]} for n in (1, 2)]
    sim.source.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=parts, MultipartUpload={"Parts": sent})
    sim.run(config=sim.config(policy={"parts": "faithful"}))
    config = sim.config(policy={"parts": "faithful"})
    assert sim.drill(scratch, config=config)["checked"] == 17
    for key, offset in (("large", 1000), ("parts", 5 * MIB + 3), ("k003", 0)):
        sim.server.control("POST", "/_s3sim/damage", {"bucket": sim.vault_bucket, "key": f"data/{bucket}/{key}",
            "offset": offset})
    result = sim.drill(scratch, exit=2, config=config)
    assert sorted((one["key"], one["problem"]) for one in result["problems"]) == [("k003", "bytes-changed"),
        ("large", "bytes-changed"), ("parts", "bytes-changed")]
    assert result["confidence"]["bad"] == 3 and result["confidence"]["at_most"] == pytest.approx(3 / 17, abs=1e-5)
    sim.assert_clean(scratch)


def test_objects_that_are_denied_are_named_and_a_vault_that_is_denied_ends_it(sim):
    bucket, scratch = sim.varied(), sim.scratch()
    sim.run()
    rule = {"operation": "GetObject", "bucket": sim.vault_bucket, "action": "error", "status": 403,
        "code": "AccessDenied"}
    sim.faults(rule | {"key": f"data/{bucket}/k002"})
    result = sim.drill(scratch, exit=2)
    assert [(one["key"], one["problem"]) for one in result["problems"]] == [("k002", "denied")]
    assert result["checked"] == 16 and result["confidence"]["bad"] == 1
    sim.faults(rule | {"key_prefix": "data"})
    assert "no object could be restored" in sim.drill(scratch, exit=5)["error"]["message"]
    sim.heal()
    sim.assert_clean(scratch)
    assert len(sim.records(bucket)) == 1


def test_a_record_that_cannot_be_written_takes_nothing_from_the_result(sim):
    bucket, scratch = sim.varied(), sim.scratch()
    sim.run()
    sim.faults({"operation": "PutObject", "bucket": sim.vault_bucket, "action": "error", "status": 403,
        "code": "AccessDenied"})
    result = sim.drill(scratch, exit=5)
    assert result["checked"] == 16 and result["confidence"]["all_tested"] and result["record"] is None
    page = sim.cli("drill", "--to", f"s3://{scratch}", "--to-profile", "source")
    assert page.returncode == 5 and "Conclusion: All 16 objects" in page.stdout and "No record:" in page.stdout
    sim.heal()
    sim.assert_clean(scratch)


def test_wrong_words_are_named(sim):
    sim.bucket()
    for words, what in (([], "--to"), (["--to", "/tmp/x"], "restores to a bucket"),
        (["--to", "s3://"], "name is missing"),
        (["--to", "s3://b", "--sample", "0"], "--sample"), (["--to", "s3://b", "--seed", "xyz"], "--seed"),
        (["--to", "s3://b", "more"], "one word too many")):
        result = sim.cli("drill", *words)
        assert result.returncode == 1 and what in result.stderr, result
    sim.run(exit=0)
    result = sim.cli("drill", "--to", f"s3://{sim.vault_bucket}/x")
    assert result.returncode == 1 and "the vault itself" in result.stdout + result.stderr, result


def test_a_signal_cleans_up(sim):
    bucket, scratch = sim.bucket(), sim.scratch()
    sim.fill(bucket, 60)
    sim.run()
    sim.latency(100, "PutObject", "CopyObject", "GetObject")
    child = sim.start("drill", "--to", f"s3://{scratch}/x/", "--to-profile", "source", "--sample", "60")
    sim.wait_for(lambda: "Versions" in sim.source.list_object_versions(Bucket=scratch))
    child.send_signal(signal.SIGTERM)
    result = sim.finish(child)
    assert result.returncode == 6, result
    assert result.json["record"] is None
    sim.latency(0)
    sim.assert_clean(scratch)
    assert sim.records(bucket) == {}
