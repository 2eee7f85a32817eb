"""Where a copy goes: the class of its age in the request that copies it, judged by listing and HEAD; and what is said of
it before."""
import pytest
from world import KIB, MIB, World, listing

DAY = 86400
TIERS = [{"after_days": 30, "class": "STANDARD_IA"}, {"after_days": 90, "class": "GLACIER"},
    {"after_days": 365, "class": "DEEP_ARCHIVE"}]
POLICY = {"tiers": TIERS, "delete_after_days": 2555}
AGES = (0, 29, 30, 31, 89, 90, 200, 364, 365, 2000)
BY_AGE = ("STANDARD",) * 2 + ("STANDARD_IA",) * 3 + ("GLACIER",) * 3 + ("DEEP_ARCHIVE",) * 2
# 50 KiB gain by GLACIER, but neither by STANDARD_IA, which bills 128, nor by DEEP_ARCHIVE's dearer request
WANTED = {10: ("STANDARD",) * 10, 50 * KIB: ("STANDARD",) * 5 + ("GLACIER",) * 5, 256 * KIB: BY_AGE}


@pytest.fixture
def world(server, vaultferry):
    return World(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = World(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


def put_aged(sim, bucket, key, days, body=None, **arguments):
    """An object that the source has had for so long, and some seconds."""
    sim.clock(-days * DAY - 5)
    sim.put(bucket, key, body, **arguments)
    sim.clock(0)


def fill(sim, bucket):
    """Objects of ten ages and three sizes; the class that each is to have."""
    for days in AGES:
        for size in WANTED:
            put_aged(sim, bucket, f"{days:04d}-{size}", days, bytes(size))
    return {f"{days:04d}-{size}": name for size, names in WANTED.items() for days, name in zip(AGES, names)}


def listed_classes(world, source):
    return {key: entry["StorageClass"] for key, entry in world.vault.live(source).items()}


def headed_class(world, source, key):
    return world.owner.head_object(Bucket=world.vault_bucket, Key=f"data/{source}/{key}").get("StorageClass",
        "STANDARD")


def assert_classes(world, source, wanted, report):
    """Listing, HEAD, the records of the newest point, and what the run says of it are of one mind."""
    assert listed_classes(world, source) == wanted
    assert {key: headed_class(world, source, key) for key in wanted} == wanted
    view = world.vault.check(source)[-1].view
    assert {key: line["class"] for key, line in view.items()} == wanted
    count = {name: sum(one == name for one in wanted.values()) for name in set(wanted.values())}
    assert {name: totals["objects"] for name, totals in report["by_class"].items()} == count


def test_first_copy_has_the_class_of_its_age_in_the_same_one_request(sim):
    bucket = sim.bucket()
    wanted = fill(sim, bucket)
    sim.forget_counts()
    report = sim.run(config=sim.config(policy=POLICY))
    assert report["copied"] == 30 and report["failed"] == 0
    counts = sim.counts()
    assert counts["CopyObject"] == 30 and counts["HeadObject"] == 0
    assert_classes(sim, bucket, wanted, report)
    again = sim.run(config=sim.config(policy=POLICY))
    assert again["unchanged"] == 30 and again["copied"] == again["recopied"] == 0


def test_streamed_copies_go_where_others_do(sim):
    bucket = sim.bucket()
    put_aged(sim, bucket, "new", 0, bytes(256 * KIB))
    put_aged(sim, bucket, "old", 100, bytes(256 * KIB))
    put_aged(sim, bucket, "oldest", 400, bytes(9 * MIB))  # by parts
    report = sim.run(config=sim.config(policy=POLICY, source={"copy": "stream"}))
    assert_classes(sim, bucket, {"new": "STANDARD", "old": "GLACIER", "oldest": "DEEP_ARCHIVE"}, report)


def test_large_object_goes_by_parts_into_its_class(sim):
    bucket = sim.bucket()
    sim.clock(-400 * DAY)
    upload = sim.source.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    parts = [{"PartNumber": n, "ETag": sim.source.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=n,
        Body=bytes(5 * MIB))["ETag"]} for n in (1, 2)]
    sim.source.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
    sim.clock(0)
    report = sim.run(config=sim.config(policy=POLICY | {"parts": "faithful"}))
    assert_classes(sim, bucket, {"large": "DEEP_ARCHIVE"}, report)
    assert sim.vault.live(bucket)["large"]["ETag"] == listing_etag(sim, bucket, "large")


def listing_etag(world, bucket, key):
    return f'"{listing(world.source, bucket)[key][0]}"'


@pytest.mark.parametrize("name", ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"))
def test_tier_of_0_days_takes_what_is_new(world, name):
    """Each class that a real server knows, each way in."""
    policy = POLICY | {"tiers": [{"after_days": 0, "class": name}], "min_size": 100}
    wanted = {"large": name, "small": "STANDARD"}
    for way in ("server", "stream"):
        bucket = world.bucket(way)
        world.put(bucket, "large", bytes(100))
        world.put(bucket, "small", bytes(99))
        config = world.config(bucket, policy=policy, source={"copy": way})
        if way == "stream":
            world.put(bucket, "parts", bytes(9 * MIB))
        report = world.run(config=config)
        assert_classes(world, bucket, wanted | ({"parts": name} if way == "stream" else {}), report)


def test_stream_goes_into_a_tier_of_0_days_and_into_no_other(sim):
    def config(*tiers, **policy):
        made = sim.config(policy=POLICY | {"tiers": list(tiers)} | policy)
        made["sources"] = [{"name": "dumps", "kind": "stream", "policy": "documents"}]
        return made

    def put(name, size, config):
        result = sim.vaultferry("--json", "put", "--source", "dumps", name, config=config, env=sim.env,
            input=bytes(size))
        assert result.returncode == 0, result
    at_once = config({"after_days": 0, "class": "GLACIER"})
    put("small", 10, at_once)  # its size is known by then
    put("middle", 256 * KIB, at_once)
    put("large", 9 * MIB, at_once)
    put("later", 256 * KIB, config(*TIERS))
    wanted = {"small": "STANDARD", "middle": "GLACIER", "large": "GLACIER", "later": "STANDARD"}
    assert listed_classes(sim, "dumps") == wanted
    assert {key: line["class"] for key, line in sim.vault.check("dumps")[-1].view.items()} == wanted


def test_class_that_the_store_lacks_fails_the_object_by_name_and_no_other(world):
    """RGW refuses by itself, with a code that says nothing of classes."""
    bucket = world.bucket()
    world.put(bucket, "small", bytes(99))
    world.put(bucket, "large", bytes(100))
    if world.simulated:
        world.faults({"operation": "CopyObject", "key": f"data/{bucket}/large", "action": "error", "status": 400,
            "code": "InvalidStorageClass"})
    policy = POLICY | {"tiers": [{"after_days": 0, "class": "ONEZONE_IA"}], "min_size": 100}
    report = world.run(config=world.config(policy=policy), exit=2)
    failure, = report["failures"]
    assert failure["key"] == "large"
    assert failure["code"] == ("InvalidStorageClass" if world.simulated else "InvalidArgument")
    assert "class ONEZONE_IA" in failure["message"] and 'policy "documents"' in failure["message"]
    assert (report["copied"], report["failed"], report["state"]) == (1, 1, "partial")
    if world.simulated:
        world.heal()
    assert world.run(config=world.config(policy=POLICY))["copied"] == 1  # without the tier
    assert listed_classes(world, bucket) == {"small": "STANDARD", "large": "STANDARD"}


def test_copy_that_a_former_run_began_is_recorded_in_the_class_it_was_begun_in(sim):
    bucket = sim.bucket()
    sim.limits(min_part_size=1)
    upload = sim.source.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    parts = [{"PartNumber": n, "ETag": sim.source.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n,
        Body=bytes(KIB))["ETag"]} for n in range(1, 25)]
    sim.source.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    policy = {"parts": "faithful", "min_size": 0, "delete_after_days": 2555}
    sim.latency(400, "UploadPartCopy")
    glacier = {"tiers": [{"after_days": 0, "class": "GLACIER"}]}
    child = sim.start("run", config=sim.config(policy=policy | glacier, limits={"workers": 2}))
    sim.wait_for(lambda: sim.counts()["UploadPartCopy"] >= 6)
    child.kill()
    sim.vaultferry.finish(child)
    sim.latency(0)
    sim.forget_counts()
    report = sim.run(config=sim.config(policy=policy))
    assert sim.counts()["CreateMultipartUpload"] == 0
    assert_classes(sim, bucket, {"parts": "GLACIER"}, report)
