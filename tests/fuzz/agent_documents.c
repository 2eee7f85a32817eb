/*
 * Documents that others have written, from any bytes: a lease, a bucket's configuration as XML, policies of buckets and
 * roles; and schedules. The first byte says which.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/bootstrap_policy.h"
#include "agent/bucket_xml.h"
#include "agent/lease_document.h"
#include "agent/schedule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* What is taken can be written, and is read as it was. */
static void try_lease(const char *text, size_t length)
{
    struct lease_document first, second;
    char *written;

    if (!lease_document_read(text, length, &first))
        return;
    require(lease_id_is_valid(first.owner, strlen(first.owner)) && lease_id_is_valid(first.nonce, strlen(first.nonce)));
    written = lease_document_write(&first);
    require(written != NULL && lease_document_read(written, strlen(written), &second));
    require(strcmp(first.host, second.host) == 0 && first.pid == second.pid && first.renewed_ms == second.renewed_ms &&
            first.started_ms == second.started_ms && first.released == second.released);
    free(written);
}

static void try_xml(const char *text, size_t length)
{
    json_t *json = bucket_xml_json(text, length);
    char *out;

    if (json == NULL)
        return;
    out = json_dumps(json, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    require(out != NULL);
    free(out);
    json_decref(json);
}

/* Ours into what is there. Done once: a second time finds everything in its place. */
static void try_policy(const char *text, size_t length)
{
    static const char ours[] =
            "{\"Statement\":[{\"Sid\":\"a\",\"Principal\":{\"AWS\":\"arn:1\"},\"Action\":[\"x\",\"y\"],"
            "\"Condition\":{\"StringEquals\":{\"k\":\"v\"}}},{\"Sid\":\"b\",\"Principal\":\"*\"}]}";
    json_t *found = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL), *wanted = json_loads(ours, 0, NULL);

    require(wanted != NULL);
    for (int keep = 0; keep < 2 && json_is_object(found); keep++) {
        json_t *once = bootstrap_policy_merge(found, wanted, keep == 1);
        json_t *twice = bootstrap_policy_merge(once, wanted, keep == 1);

        require(once != NULL && twice != NULL && bootstrap_policy_same(once, twice));
        require(bootstrap_policy_drop(once, "a") && !bootstrap_policy_drop(once, "a"));
        json_decref(once);
        json_decref(twice);
    }
    if (json_is_object(found)) {
        json_t *once = bootstrap_policy_trust(found, wanted), *twice = bootstrap_policy_trust(once, wanted);

        require(once != NULL && twice != NULL && bootstrap_policy_same(once, twice));
        json_decref(once);
        json_decref(twice);
    }
    json_decref(found);
    json_decref(wanted);
}

static void try_schedule(const char *text, size_t length)
{
    static const int64_t now_s = 1795225200; /* an hour of November 2026 */
    struct schedule schedule;
    int64_t next_s = 0, last_s = 0;
    char *copy = malloc(length + 1);

    require(copy != NULL);
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (schedule_parse(copy, &schedule) == NULL) {
        require(!schedule_next(&schedule, "UTC", now_s, &next_s) || next_s > now_s);
        require(!schedule_latest(&schedule, "UTC", now_s, &last_s) || last_s <= now_s);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const char *, size_t) = { try_lease, try_xml, try_policy, try_schedule };

    if (size > 1)
        tries[data[0] % 4]((const char *)data + 1, size - 1);
    return 0;
}
