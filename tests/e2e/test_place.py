"""Where a copy goes: the class of its age in the request that copies it, judged by listing and HEAD; and what is
said of it before."""
import pytest
import world as world_module
from test_restore import HOUR, Back, numbers, told
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


def place_at_once(world, name):
    """What is new goes into a tier of 0 days, each way in."""
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


@pytest.mark.parametrize("name", ("STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"))
def test_tier_of_0_days_takes_what_is_new(world, name):
    place_at_once(world, name)


@pytest.mark.parametrize("name", ("ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"))
def test_tier_of_a_class_that_only_aws_has_takes_what_is_new(sim, name):
    place_at_once(sim, name)


def test_stream_goes_into_a_tier_of_0_days_and_into_no_other(sim):
    def config(*tiers, **policy):
        made = sim.config(policy=POLICY | {"tiers": list(tiers)} | policy)
        made["sources"] = [{"name": "dumps", "kind": "stream", "policy": "documents"}]
        return made

    def put(name, size, config):
        result = sim.vaultferry("--json", "put", "--source", "dumps", name, config=config, env=sim.env,
            input=bytes(size))
        assert result.returncode == 0, result.stdout
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


def test_copy_that_a_killed_run_began_for_another_class_begins_anew(sim):
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
    sim.wait_for(lambda: sim.counts()["UploadPartCopy"] >= 10)  # it is noted within a second
    child.kill()
    sim.vaultferry.finish(child)
    sim.latency(0)
    report = sim.run(config=sim.config(policy=policy))
    assert_classes(sim, bucket, {"parts": "STANDARD"}, report)


def test_objects_of_ten_ages_come_back_from_the_classes_they_were_put_in(s3sim, vaultferry, monkeypatch):
    monkeypatch.setattr(world_module, "VAULT_ACTIONS", (*world_module.VAULT_ACTIONS, "s3:RestoreObject"))
    sim = Back(s3sim, vaultferry)
    bucket = sim.bucket()
    wanted = fill(sim, bucket)
    sim.run(config=sim.config(policy=POLICY))
    cold = sum(name in ("GLACIER", "DEEP_ARCHIVE") for name in wanted.values())
    report = sim.restore(bucket, "--no-wait", exit=6)
    assert numbers(report) == told(restored=30 - cold, thawing=cold)
    sim.clock(49 * HOUR)
    assert numbers(sim.restore(bucket, "--no-wait")) == told(restored=cold, equal=30 - cold)
    assert sim.seen(sim.back) == sim.seen(bucket)
    s3sim.control("POST", "/_s3sim/reset")


# what is said of it before

def plan(world, *arguments, **config):
    return world.do("plan", *arguments, config=world.config(**config))["sources"][0]


def test_plan_names_the_class_and_the_reason_of_each_object_as_the_run_then_does_it(sim):
    bucket = sim.bucket()
    wanted = fill(sim, bucket)
    said = plan(sim, "--list", "--explain", policy=POLICY)
    actions = {one["key"]: one for one in said["actions"]}
    assert {key: one["class"] for key, one in actions.items()} == wanted
    why = {key: one["why"] for key, one in actions.items()}
    assert "2000 days old: STANDARD, as DEEP_ARCHIVE would cost more than it saves under" in why["2000-10"]
    assert "2000 days old: DEEP_ARCHIVE from 365 days on" in why[f"2000-{256 * KIB}"]
    assert "29 days old: STANDARD until 30 days" in why[f"0029-{256 * KIB}"]
    text = sim.cli("plan", "--explain", config=sim.config(policy=POLICY)).stdout
    line = f"copy          262144 GLACIER      {bucket}/0090-262144: the vault does not have it; "
    assert line + "90 days old: GLACIER from 90 days on\n" in text
    assert "into GLACIER: 8 objects" in text
    assert ": the vault" not in sim.cli("plan", "--list", config=sim.config(policy=POLICY)).stdout
    assert sim.run(config=sim.config(policy=POLICY))["by_class"] == said["by_class_after"]


def test_plan_counts_the_classes_that_records_leave(sim):
    """What is replaced or gone is taken off its class, and what comes is added to its own."""
    bucket = sim.bucket()
    policy = POLICY | {"min_size": 0}
    for key in ("stays", "changes", "goes"):
        put_aged(sim, bucket, key, 100, bytes(1000))
    report = sim.run(config=sim.config(policy=policy))
    assert report["by_class"] == {"GLACIER": {"objects": 3, "bytes": 3000}}
    sim.put(bucket, "changes", bytes(50))
    sim.source.delete_object(Bucket=bucket, Key="goes")
    said = plan(sim, "--list", policy=policy)
    assert said["by_class_after"] == {"GLACIER": {"objects": 1, "bytes": 1000}, "STANDARD": {"objects": 1, "bytes": 50}}
    assert {one["key"]: one["class"] for one in said["actions"]} == {"changes": "STANDARD", "goes": "GLACIER"}
    assert sim.run(config=sim.config(policy=policy))["by_class"] == said["by_class_after"]


# 1 a byte and month in STANDARD, 2 a request; half a byte and 10 a request in GLACIER, with 100 and 10 bytes beside
PRICES = {"list_1k": 0, "classes": {"STANDARD": {"put_1k": 2000, "storage_gb_month": 1 << 30},
    "GLACIER": {"put_1k": 10000, "storage_gb_month": 1 << 29, "overhead_bytes": 100, "overhead_standard_bytes": 10},
    "STANDARD_IA": {"put_1k": 4000, "storage_gb_month": 1 << 29, "minimum_bytes": 500}}}


def test_cost_is_that_of_the_classes_that_objects_go_to(sim):
    bucket = sim.bucket()
    put_aged(sim, bucket, "new", 0, bytes(1000))
    put_aged(sim, bucket, "small", 40, bytes(200))
    put_aged(sim, bucket, "middle", 40, bytes(600))
    put_aged(sim, bucket, "old", 100, bytes(1000))
    tiers = {"tiers": TIERS[:2], "min_size": 0, "delete_after_days": 2555}
    found = plan(sim, policy=tiers, prices=PRICES)["cost"]
    assert found["requests"] == pytest.approx(2 + 4 + 4 + 10)
    assert found["storage_month"] == pytest.approx(1000 + (500 + 600) / 2 + (1000 + 100) / 2 + 10)


def test_month_of_what_the_vault_holds_is_told_by_class_before_and_after(sim):
    bucket = sim.bucket()
    policy = {"tiers": TIERS[1:2], "min_size": 0, "delete_after_days": 2555}
    put_aged(sim, bucket, "new", 0, bytes(1000))
    put_aged(sim, bucket, "old", 100, bytes(1000))
    glacier = (1000 + 100) / 2 + 10
    first = plan(sim, policy=policy, prices=PRICES)["storage_month_by_class"]
    assert first == {"before": {}, "after": {"STANDARD": pytest.approx(1000), "GLACIER": pytest.approx(glacier)}}
    sim.run(config=sim.config(policy=policy))
    sim.put(bucket, "old", bytes(50))
    second = plan(sim, policy=policy, prices=PRICES)
    assert second["storage_month_by_class"] == {"before": first["after"], "after": {"STANDARD": pytest.approx(1050)}}
    text = sim.cli("plan", config=sim.config(policy=policy, prices=PRICES)).stdout
    assert "USD 1560.00 a month now, and USD 1050.00 after the run" in text


def dear(sim, most, **config):
    return sim.config(prices=PRICES, limits={"workers": 8, "max_cost": most}, **config)


@pytest.mark.tsan
def test_run_that_would_cost_more_than_the_limit_does_not_start_until_it_is_accepted(world):
    dear_one, cheap = world.bucket("dear"), world.bucket("cheap")
    world.put(dear_one, "k", bytes(100))  # 100 and 2
    world.put(cheap, "k", bytes(10))
    assert plan(world, prices=PRICES, limits={"max_cost": 101})["above_max_cost"]
    before = world.vault.versions()
    config = dear(world, 101)
    reports = {one["source"]: one for one in world.do("run", config=config, exit=3)["sources"]}
    told = reports[dear_one]
    assert (told["state"], told["exit"], told["point"]) == ("skipped", 3, None)
    assert "USD 102.00" in told["error"]["message"] and "USD 101.00" in told["error"]["message"]
    assert f"run --accept {dear_one}" in told["error"]["message"]
    assert (reports[cheap]["state"], reports[cheap]["exit"]) == ("complete", 0)
    left = [one["Key"] for one in world.vault.versions() if one not in before and not one["Key"].startswith("lease/")]
    assert not any(dear_one in key for key in left) and any(cheap in key for key in left)

    accepted = {one["source"]: one for one in world.do("run", "--accept", dear_one, config=config)["sources"]}
    assert accepted[dear_one]["copied"] == 1 and accepted[dear_one]["state"] == "complete"
    world.assert_same(dear_one)
    assert len(world.vault.check(dear_one)) == 1
    later = {one["source"]: one for one in world.do("run", config=config)["sources"]}  # nothing is left to be paid
    assert later[dear_one]["unchanged"] == 1


def test_run_within_the_limit_lists_twice_and_does_all_that_a_run_does(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 20)
    config = dear(sim, 1e6)
    sim.run(config=config)
    sim.later()
    sim.put(bucket, keys[0], b"changed")
    sim.put(bucket, "new")
    sim.source.delete_object(Bucket=bucket, Key=keys[1])
    sim.forget_counts()
    report = sim.run(config=config)
    assert [report[name] for name in ("listed", "copied", "recopied", "deleted", "unchanged")] == [20, 1, 1, 1, 18]
    assert len(sim.requests("ListObjectsV2", bucket)) == 2
    sim.assert_same(bucket)
    sim.vault.check(bucket)


def test_price_that_is_not_known_stops_nothing_and_is_told(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k", bytes(10))
    report = sim.run(config=dear(sim, 100, source={"copy": "stream"}))
    assert report["state"] == "complete"
    assert any("the price of its transfer is not known" in one for one in report["warnings"])
    sim.put(bucket, "more", bytes(1000))  # what is known counts all the same
    assert sim.run(config=dear(sim, 100, source={"copy": "stream"}), exit=3)["state"] == "skipped"


def test_listing_that_fails_before_the_cost_is_known_starts_nothing(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k")
    sim.faults({"operation": "ListObjectsV2", "bucket": bucket, "action": "error", "status": 403,
        "code": "AccessDenied"})
    report = sim.run(config=dear(sim, 1e6), exit=5)
    assert report["state"] == "skipped" and report["point"] is None and sim.vault.copies(bucket) == {}
    sim.heal()
    assert sim.run(config=dear(sim, 1e6))["copied"] == 1


def test_plan_counts_moves_by_the_agent_as_the_run_then_does_them(sim):
    bucket = sim.bucket()
    policy = POLICY | {"min_size": 0, "transitions": "agent"}
    put_aged(sim, bucket, "a", 20, bytes(1000))
    put_aged(sim, bucket, "b", 40, bytes(1000))
    sim.run(config=sim.config(policy=policy | {"tiers": TIERS[:1]}))
    policy["tiers"] = [{"after_days": 15, "class": "STANDARD_IA"}, {"after_days": 35, "class": "GLACIER"}]
    prices = PRICES | {"classes": PRICES["classes"] | {"STANDARD_IA": PRICES["classes"]["STANDARD_IA"] | {
        "get_1k": 1000, "standard_gb": 1 << 30}}}
    said = plan(sim, "--list", policy=policy, prices=prices)
    assert said["would_move"] == 2
    assert {one["key"]: (one["action"], one["class"]) for one in said["actions"]} == {"a": ("move", "STANDARD_IA"),
        "b": ("move", "GLACIER")}
    assert any("40 days old: GLACIER from 35 days on" in one["why"] for one in said["actions"])
    assert said["cost"]["retrieval"] == pytest.approx(1000)
    assert said["cost"]["requests"] == pytest.approx(10 + 4 + 1, abs=0.01)  # STANDARD's GET has the built-in price
    assert said["cost"]["storage_month"] == pytest.approx(1000 + 550 + 10 - 500)
    report = sim.run(config=dear(sim, 10, policy=policy), exit=3)
    assert report["state"] == "skipped" and report["moved"] == 0
    report = sim.run(config=dear(sim, 1e6, policy=policy))
    assert report["moved"] == 2 and report["by_class"] == said["by_class_after"]


def test_recopy_has_the_same_limit(sim):
    bucket = sim.bucket()
    sim.put(bucket, "k", bytes(10))
    sim.run()
    report = sim.do("resync", "--source", bucket, "--recopy", config=dear(sim, 11), exit=3)["sources"][0]
    assert report["state"] == "skipped" and "USD 12.00" in report["error"]["message"]
    assert len(sim.vault.versions(f"data/{bucket}/")) == 1
    assert sim.do("resync", "--source", bucket, "--recopy", config=dear(sim, 13))["sources"][0]["recopied"] == 1
