"""The guard: an attack marks nothing, stays guarded until somebody accepts it, and loses no point before."""
import os
import shutil

import pytest
from world import World, fails, listing

DENIED = {"action": "error", "status": 403, "code": "AccessDenied"}
CUSTOMER_KEY = dict(SSECustomerAlgorithm="AES256", SSECustomerKey=b"k" * 32)


class Watched(World):
    """With the guard as it is by default: other tests do to small buckets what no guard would let pass."""

    def config(self, *buckets, policy=None, **rest):
        return super().config(*buckets, policy={"guard": {}} | (policy or {}), **rest)


@pytest.fixture
def world(server, vaultferry):
    return Watched(server, vaultferry)


@pytest.fixture
def sim(s3sim, vaultferry):
    world = Watched(s3sim, vaultferry)
    yield world
    s3sim.control("POST", "/_s3sim/reset")


class Memory:
    """What boto3 read from the source when a point was made: the judge of whether the point can be brought back."""

    def __init__(self, world, bucket):
        self.world, self.bucket = world, bucket
        self.then = {}

    def take(self, point):
        client = self.world.source
        self.then[point] = {key: client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            for key in listing(client, self.bucket)}

    def assert_all_can_be_restored(self):
        """Each remembered point names, for the keys of then and no others, versions that hold the bytes of then."""
        points = {point.id: point for point in self.world.vault.check(self.bucket)}
        for id, bodies in self.then.items():
            view = points[id].view
            assert sorted(view) == sorted(bodies)
            for key, line in view.items():
                assert self.world.vault.read(f"data/{self.bucket}/{key}", line["vault"]) == bodies[key], (id, key)


def delete(world, bucket, keys):
    for key in keys:
        world.source.delete_object(Bucket=bucket, Key=key)


def empty(world, bucket, keys):
    delete(world, bucket, keys)


def overwrite(world, bucket, keys):
    for key in keys:
        world.put(bucket, key, b"pay, or else: " + os.urandom(8))


def guarded(world, bucket, reason):
    """A run that the guard stops: its report, after point, vault and event agree with it."""
    before = world.vault.markers(bucket)
    result = world.cli("--json", "-v", "run")
    assert result.returncode == 3, result
    report = result.json["sources"][0]
    assert (report["state"], report["exit"], report["deleted"]) == ("guarded", 3, 0)
    assert world.vault.markers(bucket) == before
    point = world.vault.check(bucket)[-1]
    assert point.id == report["point"] and point["state"] == "guarded" and point["walk_ended"]
    assert reason in point["guard"]["reason"]
    said = [event for event in result.events if event["event"] == "guarded"]
    assert len(said) == 1 and reason in said[0]["message"] and f"--accept {bucket}" in said[0]["message"], result
    return report


def normal_days(world, count=30):
    """Two complete points, with a change between them."""
    bucket = world.bucket()
    keys = world.fill(bucket, count)
    memory = Memory(world, bucket)
    memory.take(world.run()["point"])
    world.later()
    world.put(bucket, "k000", b"a day's work")
    memory.take(world.run()["point"])
    return bucket, keys, memory


@pytest.mark.parametrize("attack, reason", [(empty, "nothing is listed where 30 objects were"),
    (overwrite, "30 of 30 objects (100 %) were replaced")], ids=["emptied", "overwritten"])
def test_attack_is_guarded_until_it_is_accepted_and_every_point_before_stays(world, attack, reason):
    bucket, keys, memory = normal_days(world)
    world.later()
    attack(world, bucket, keys)
    report = guarded(world, bucket, reason)
    assert report["recopied"] == (30 if attack is overwrite else 0)
    good = world.vault.points(bucket)[-2].id
    assert world.vault.points(bucket)[-1]["guard"]["complete"] == good

    # the next nights: still guarded, and what is new is kept
    for night in range(2):
        world.later()
        world.put(bucket, f"new-{night}")
        if attack is overwrite:
            world.put(bucket, "k001", f"night {night}".encode())
        report = guarded(world, bucket, "of 30 objects")
        assert (report["copied"], report["recopied"]) == (1, 1 if attack is overwrite else 0)
        assert world.vault.points(bucket)[-1]["guard"]["complete"] == good
    memory.assert_all_can_be_restored()

    report = world.run("--accept", bucket)
    assert report["state"] == "complete" and report["deleted"] == (30 if attack is empty else 0)
    memory.take(report["point"])
    point = world.vault.check(bucket)[-1]
    assert "of 30 objects" in point["guard"]["reason"]  # the chain says what was accepted
    world.assert_same(bucket)
    report = world.run()
    assert (report["state"], report["deleted"], report["recopied"]) == ("complete", 0, 0)
    assert "guard" not in world.vault.points(bucket)[-1].json
    memory.assert_all_can_be_restored()


def test_bucket_encrypted_with_the_attackers_keys_is_guarded(world):
    """SSE-C: nothing is copied without the key, which AWS says in words, and RGW by 501."""
    bucket, keys, memory = normal_days(world)
    world.later()
    for key in keys:
        world.put(bucket, key, b"sealed " + key.encode(), **CUSTOMER_KEY)
    report = guarded(world, bucket, "30 of 30 objects (100 %) are now encrypted with a customer's key")
    assert report["failed"] == 30
    code = "InvalidRequest" if world.simulated else "NotImplemented"
    assert {failure["code"] for failure in report["failures"]} == {code}
    memory.assert_all_can_be_restored()
    world.later()
    world.put(bucket, "new")
    assert guarded(world, bucket, "of 30 objects")["copied"] == 1
    # the owner brings everything back: all was replaced, which is to be accepted as well
    world.later()
    for key in keys:
        world.put(bucket, key, b"again " + key.encode())
    guarded(world, bucket, "of 30 objects")
    report = world.run("--accept", bucket)
    assert report["state"] == "complete"
    world.assert_same(bucket)
    memory.take(report["point"])
    assert world.run()["state"] == "complete"
    memory.assert_all_can_be_restored()


def test_customer_keys_that_are_accepted_leave_a_partial_point(sim):
    """The rest is protected again; what nobody can read is named each night, and is no reason to stop."""
    bucket, keys, memory = normal_days(sim)
    sim.later()
    for key in keys[:15]:
        sim.put(bucket, key, b"sealed", **CUSTOMER_KEY)
    guarded(sim, bucket, "15 of 30 objects (50 %) are now encrypted with a customer's key")
    sim.later()
    sim.source.delete_object(Bucket=bucket, Key="k020")
    report = sim.run("--accept", bucket, exit=2)
    assert (report["state"], report["failed"], report["deleted"]) == ("partial", 15, 1)
    memory.assert_all_can_be_restored()
    quiet_nights(sim, bucket, exit=2, failed=15)
    # more of them are another attack, however many nights later
    sim.later()
    for key in keys[15:19]:
        sim.put(bucket, key, b"sealed", **CUSTOMER_KEY)
    for _ in range(2):
        guarded(sim, bucket, "4 of 29 objects (14 %) are now encrypted with a customer's key")
    assert sim.run("--accept", bucket, exit=2)["failed"] == 19
    quiet_nights(sim, bucket, exit=2, failed=19)
    # and so they are when those from before could be read meanwhile
    sim.later()
    for key in keys[:19]:
        sim.put(bucket, key, b"open again")
    sim.run("--accept", bucket)
    sim.later()
    for key in keys[:4]:
        sim.put(bucket, key, b"sealed", **CUSTOMER_KEY)
    guarded(sim, bucket, "4 of 30 objects")


def quiet_nights(sim, bucket, exit=0, failed=0, count=3):
    """Little happens, and nothing is guarded; points are complete unless objects fail."""
    for night in range(count):
        sim.later()
        sim.put(bucket, "daily", f"night {night}".encode())
        report = sim.run(exit=exit)
        assert (report["state"], report["failed"]) == ("partial" if failed else "complete", failed)
        assert "guard" not in sim.vault.points(bucket)[-1].json


def half_gone(sim, bucket, keys):
    delete(sim, bucket, keys[:15])


def listing_empty(sim, bucket, keys):
    sim.faults({"operation": "ListObjects*", "bucket": bucket, "action": "list_empty"})


@pytest.mark.parametrize("attack", [empty, half_gone, overwrite, listing_empty])
@pytest.mark.parametrize("always_partial", [False, True], ids=["complete", "partial"])
def test_what_was_accepted_stays_accepted(sim, attack, always_partial):
    """Whatever tripped the guard, and also where an object that cannot be copied makes every point partial."""
    bucket, keys, memory = normal_days(sim)
    sim.later()
    if always_partial:
        sim.faults({"operation": "CopyObject", "key": f"data/{bucket}/bad"} | DENIED)
        sim.put(bucket, "bad")
    attack(sim, bucket, listing(sim.source, bucket) if attack is empty else keys)
    for _ in range(2):
        guarded(sim, bucket, "30 objects")
    fails = always_partial and attack not in (empty, listing_empty)
    report = sim.run("--accept", bucket, exit=2 if fails else 0)
    assert report["state"] == ("partial" if fails else "complete")
    quiet_nights(sim, bucket, exit=2 if fails else 0, failed=int(fails))
    if attack is listing_empty:
        sim.heal()
        assert sim.run()["state"] == "complete"
        sim.assert_same(bucket)
    memory.assert_all_can_be_restored()


def test_accept_holds_for_what_the_window_left(sim):
    """The run that was told to accept is ended before all is copied and marked: the next ones do the rest."""
    bucket = sim.bucket()
    keys = sim.fill(bucket, 60)
    config = sim.config() | {"limits": {"workers": 2}}
    sim.run(config=config)
    sim.later()
    overwrite(sim, bucket, keys[:40])
    delete(sim, bucket, keys[40:])
    guarded_count = len(sim.vault.points(bucket)) + 1
    # the budget ends after some of the copies: what is left was seen to be replaced all the same
    report = sim.run("--max-bytes", 100, exit=3, config=config)
    assert 0 < report["recopied"] < 12 and len(sim.vault.points(bucket)) == guarded_count
    assert sim.vault.points(bucket)[-1]["guard"]["changed"] == 40
    report = sim.run("--accept", bucket, "--max-bytes", 100, exit=6, config=config)
    assert report["state"] == "partial" and report["deleted"] == 0
    guard = sim.vault.points(bucket)[-1]["guard"]
    assert guard["left_deleted"] == 20 and guard["left_changed"] > 20
    report = sim.run("--max-bytes", 100, exit=6, config=config)
    assert report["state"] == "partial" and "guard" not in sim.vault.points(bucket)[-1].json
    # what comes on top is not accepted
    more = keys[:7]
    delete(sim, bucket, more)
    assert sim.run(exit=3, config=config)["deleted"] == 0
    assert "7 of 60 objects (12 %) are missing" in sim.vault.points(bucket)[-1]["guard"]["reason"]
    report = sim.run("--accept", bucket, config=config)
    assert (report["state"], report["deleted"]) == ("complete", 27)
    sim.assert_same(bucket)


def test_accept_that_was_not_used_is_told(sim):
    bucket = sim.bucket(count=200000, shape="flat-number")
    result = sim.cli("--json", "run", "--accept", bucket, "--max-requests", "40")
    assert result.returncode == 6
    assert [event["source"] for event in result.events if event["event"] == "not-accepted"] == [bucket], result
    assert f"give --accept {bucket} again" in result.json["sources"][0]["warnings"][0]


def test_objects_that_change_every_night_count_once(sim):
    """A source that never is complete: ten of a hundred objects are written daily, which is no attack for that."""
    bucket = sim.bucket()
    keys = sim.fill(bucket, 100)
    sim.run()
    fail_one(sim, bucket)
    sim.put(bucket, "bad")
    sim.later()
    for night in range(6):
        overwrite(sim, bucket, keys[:10])
        sim.put(bucket, "new", f"night {night}".encode())
        sim.later()
        assert sim.run(exit=2)["recopied"] == (10 if night == 0 else 11)
    point = sim.vault.points(bucket)[-1]
    assert point["did"]["repeated"] == 11
    # the state is lost: what the points say is the same
    shutil.rmtree(sim.vaultferry.state)
    overwrite(sim, bucket, keys[:10])
    sim.later()
    assert sim.run(exit=2)["recopied"] == 10
    # those that were not replaced yet do count
    overwrite(sim, bucket, keys[10:31])
    sim.later()
    assert sim.run(exit=3)["state"] == "guarded"
    assert "31 of 100 objects" in sim.vault.points(bucket)[-1]["guard"]["reason"]


def test_all_copied_again_but_one_does_not_trip_the_next_run_and_hides_no_attack(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 40)
    sim.run()
    sim.later()
    fail_one(sim, bucket)
    sim.put(bucket, "bad")
    report = sim.do("resync", "--recopy", exit=2)["sources"][0]
    assert (report["state"], report["recopied"]) == ("partial", 40)
    assert sim.run(exit=2)["state"] == "partial"
    sim.later()
    overwrite(sim, bucket, keys[:13])
    assert sim.run(exit=3)["state"] == "guarded"
    assert "13 of 40 objects" in sim.vault.points(bucket)[-1]["guard"]["reason"]


@pytest.mark.parametrize("fault, reason", [("list_empty", "nothing is listed where 30 objects were"),
    ("list_end_early", "2990 of 3990 objects")])
def test_listing_that_turns_empty_or_short_is_guarded_and_heals_by_itself(sim, fault, reason):
    bucket = sim.bucket(**({} if fault == "list_empty" else dict(count=3990, shape="prefixes")))
    if fault == "list_empty":
        sim.fill(bucket, 30)
    config = sim.config() | {"limits": {"workers": 1}}
    sim.run(config=config)
    sim.faults({"operation": "ListObjects*", "bucket": bucket, "action": fault})
    for _ in range(2):
        report = sim.run(exit=3, config=config)
        assert report["deleted"] == 0 and reason in sim.vault.points(bucket)[-1]["guard"]["reason"]
    sim.heal()
    report = sim.run(config=config)
    assert (report["state"], report["copied"], report["recopied"], report["deleted"]) == ("complete", 0, 0, 0)
    assert sim.vault.markers(bucket) == [] and sim.vault.check(bucket)[-1]["state"] == "complete"


@pytest.mark.parametrize("count, gone, replaced, state", [(5, 1, 0, "complete"), (5, 2, 5, "complete"),
    (5, 3, 0, "guarded"), (19, 9, 10, "complete"), (20, 2, 6, "complete"), (20, 3, 0, "guarded"), (20, 0, 7, "guarded"),
    (30, 4, 0, "guarded"), (30, 0, 10, "guarded")])
def test_shares_from_twenty_objects_on_and_halves_below(sim, count, gone, replaced, state):
    bucket = sim.bucket()
    keys = sim.fill(bucket, count)
    sim.run()
    sim.later()
    delete(sim, bucket, keys[:gone])
    overwrite(sim, bucket, keys[count - replaced:] if gone + replaced <= count else keys[gone:])
    report = sim.run(exit=3 if state == "guarded" else 0)
    assert (report["state"], report["deleted"]) == (state, 0 if state == "guarded" else gone)
    sim.vault.check(bucket)


def fail_one(sim, bucket):
    """An object that cannot be copied makes points partial."""
    sim.faults({"operation": "CopyObject", "key": f"data/{bucket}/bad"} | DENIED)


def test_attack_over_several_nights_adds_up_over_partial_points(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 100)
    sim.run()
    fail_one(sim, bucket)
    for night in range(3):
        sim.later()
        sim.put(bucket, "bad")
        overwrite(sim, bucket, keys[night * 8:night * 8 + 8])
        report = sim.run(exit=2)
        assert (report["state"], report["recopied"]) == ("partial", 8)
    sim.later()
    overwrite(sim, bucket, keys[24:32])
    assert sim.run(exit=3)["state"] == "guarded"
    assert "32 of 100 objects (32 %)" in sim.vault.points(bucket)[-1]["guard"]["reason"]
    sim.heal()
    assert sim.run(exit=3)["state"] == "guarded"
    assert sim.run("--accept", bucket)["state"] == "complete"


def test_deletions_over_several_nights_add_up_over_partial_points(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 100)
    sim.run()
    fail_one(sim, bucket)
    sim.put(bucket, "bad")
    for night in range(2):
        delete(sim, bucket, keys[night * 5:night * 5 + 5])
        assert sim.run(exit=2)["deleted"] == 5
    delete(sim, bucket, keys[10:15])
    assert (sim.run(exit=3)["deleted"], len(sim.vault.markers(bucket))) == (0, 10)
    assert "15 of 100 objects" in sim.vault.points(bucket)[-1]["guard"]["reason"]


def test_complete_point_begins_the_count_anew(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 100)
    sim.run()
    for night in range(5):
        sim.later()
        overwrite(sim, bucket, keys[night * 8:night * 8 + 8])
        assert (sim.run()["recopied"], len(sim.vault.points(bucket))) == (8, night + 2)


def test_what_was_accepted_in_a_partial_point_is_not_asked_again(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 40)
    sim.run()
    sim.put(bucket, "bad")
    fail_one(sim, bucket)
    sim.later()
    overwrite(sim, bucket, keys)
    delete(sim, bucket, keys[:20])
    sim.run(exit=3)
    assert sim.run("--accept", bucket, exit=2)["deleted"] == 20
    report = sim.run(exit=2)
    assert report["state"] == "partial"
    # it is what later nights are compared with: 20 objects
    delete(sim, bucket, keys[20:23])
    assert sim.run(exit=3)["deleted"] == 0
    assert "3 of 20 objects" in sim.vault.points(bucket)[-1]["guard"]["reason"]


def test_source_that_never_was_complete_is_guarded_too(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 40)
    sim.put(bucket, "bad")
    fail_one(sim, bucket)
    sim.run(exit=2)
    sim.later()
    overwrite(sim, bucket, keys)
    for _ in range(2):
        report = sim.run(exit=3)
        assert report["state"] == "guarded"
        assert sim.vault.points(bucket)[-1]["guard"]["complete"] == ""
    delete(sim, bucket, keys)
    delete(sim, bucket, ["bad"])
    assert sim.run(exit=3)["deleted"] == 0
    assert sim.vault.markers(bucket) == []


def test_guarded_stays_guarded_when_the_state_is_lost(world):
    bucket, keys, memory = normal_days(world)
    delete(world, bucket, keys[:20])
    guarded(world, bucket, "20 of 30 objects (67 %) are missing")
    shutil.rmtree(world.vaultferry.state)
    guarded(world, bucket, "20 of 30 objects (67 %) are missing")
    shutil.rmtree(world.vaultferry.state)
    report = world.run("--accept", bucket)
    assert (report["state"], report["deleted"]) == ("complete", 20)
    memory.assert_all_can_be_restored()


def test_lost_points_do_not_open_the_guard(world):
    """Whoever destroys the points and the state, and empties the source, finds the copies still guarded."""
    bucket = world.bucket()
    keys = world.fill(bucket, 30)
    world.run()
    world.vault.remove(f"points/{bucket}/")
    shutil.rmtree(world.vaultferry.state)
    delete(world, bucket, keys)
    report = world.run(exit=3)
    assert (report["state"], report["deleted"]) == ("guarded", 0)
    assert world.vault.markers(bucket) == []


def test_accept_takes_the_sources_name_or_the_buckets_and_only_that_one(sim):
    one, two = sim.bucket("one"), sim.bucket("two")
    for bucket in (one, two):
        sim.fill(bucket, 30)
    named = sim.config(one, source={"name": f"docs-{sim.tag}"})
    named["sources"].append(sim.config(two)["sources"][0])
    sim.do("run", config=named)
    for bucket in (one, two):
        delete(sim, bucket, listing(sim.source, bucket))
    for accepted in (one, f"docs-{sim.tag}"):
        reports = sim.do("run", "--accept", accepted, config=named, exit=3)["sources"]
        states = {report["source"]: report["state"] for report in reports}
        assert states == {f"docs-{sim.tag}": "complete", two: "guarded"}
        sim.put(one, "k")
        sim.do("run", "--source", one, config=named)
        sim.source.delete_object(Bucket=one, Key="k")
    assert sim.do("run", "--accept", two, "--accept", one, config=named)["sources"][1]["state"] == "complete"


@pytest.mark.parametrize("arguments", [["--accept", "nobody"], ["--source", "SOURCE", "--accept", "nobody"]])
def test_accept_of_what_is_not_there_is_wrong_use(sim, arguments):
    bucket = sim.bucket()
    sim.fill(bucket, 3)
    result = sim.cli("run", *[bucket if word == "SOURCE" else word for word in arguments])
    assert result.returncode == 1 and "--accept nobody: this run has no source or bucket of that name" in result.stderr
    assert sim.vault.versions() == []


def test_all_copied_again_by_an_operator_is_no_attack(sim):
    bucket = sim.bucket()
    sim.fill(bucket, 30)
    sim.run()
    report = sim.do("resync", "--recopy")["sources"][0]
    assert (report["state"], report["recopied"]) == ("complete", 30)
    assert sim.run()["state"] == "complete"


def test_policy_that_is_lax_lets_more_pass(sim):
    bucket = sim.bucket()
    keys = sim.fill(bucket, 40)
    policy = {"guard": {"changed": "100%", "deleted": "50%", "at_least": 10}}
    config = sim.config(policy=policy)
    sim.run(config=config)
    sim.later()
    overwrite(sim, bucket, keys)
    delete(sim, bucket, keys[:20])
    assert sim.run(config=config)["deleted"] == 20
    delete(sim, bucket, keys[20:31])  # 11 of 20: more than half is too much for every policy
    assert sim.run(config=config, exit=3)["deleted"] == 0


@pytest.mark.parametrize("sizes, told", [((100, 100), False), ((100, 60), False), ((100, 40), True),
    ((100, 140), False), ((100, 160), True)])
def test_source_that_shrinks_or_grows_by_more_than_half_is_told(sim, sizes, told):
    """By bytes: the objects themselves come and go within the guard's bounds."""
    bucket = sim.bucket()
    sim.fill(bucket, 30)
    sim.put(bucket, "large", b"x" * sizes[0] * 1000)
    sim.run()
    sim.later()
    sim.put(bucket, "large", b"x" * sizes[1] * 1000)
    result = sim.cli("--json", "run")
    assert result.returncode == 0, result
    said = [event for event in result.events if event["event"] == "size-anomaly"]
    assert len(said) == told and all(event["source"] == bucket for event in said), result


def test_customer_key_of_a_copy_in_parts_is_known_too(sim):
    """Those begin with a HEAD, which says no more than 400."""
    bucket = sim.bucket()
    keys = sim.fill(bucket, 20)
    config = sim.config(policy={"parts": "faithful"})
    sim.limits(min_part_size=1)
    sim.run(config=config)
    sim.later()
    for key in keys[:3]:
        there = {"Bucket": bucket, "Key": key}
        there["UploadId"] = sim.source.create_multipart_upload(**there, **CUSTOMER_KEY)["UploadId"]
        etag = sim.source.upload_part(**there, **CUSTOMER_KEY, PartNumber=1, Body=b"sealed")["ETag"]
        sim.source.complete_multipart_upload(**there, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    report = sim.run(config=config, exit=3)
    assert {failure["operation"] for failure in report["failures"]} == {"HeadObject"}
    reason = sim.vault.points(bucket)[-1]["guard"]["reason"]
    assert "3 of 20 objects (15 %) are now encrypted with a customer's key" in reason


def test_customer_key_is_asked_for_by_the_server(sim):
    """What s3sim answers here is what AWS answers: the guard knows a customer's key by it."""
    bucket = sim.bucket()
    sim.put(bucket, "sealed", b"x", **CUSTOMER_KEY)
    there = dict(Bucket=sim.vault_bucket, Key="data/x", CopySource={"Bucket": bucket, "Key": "sealed"})
    fails(sim.source.copy_object, "InvalidRequest", **there | {"Bucket": bucket, "Key": "y"})
    opened = {f"CopySource{name}": value for name, value in CUSTOMER_KEY.items()}
    sim.source.copy_object(**there | {"Bucket": bucket, "Key": "y"}, **opened)
    assert sim.source.get_object(Bucket=bucket, Key="y")["Body"].read() == b"x"
