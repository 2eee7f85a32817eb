/*
 * The sources, each as its own account's credentials see it and as the vault's role does; see doctor_inside.h. An
 * account that cannot be asked does not keep the others from being looked at.
 */
#include "agent/doctor_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/doctor_source.h"
#include "agent/select.h"
#include "agent/selection.h"

static bool is_wanted(const struct doctor *doctor, const char *name, const char *bucket, bool found[])
{
    bool wanted = doctor->wanted->count == 0;

    for (size_t i = 0; i < doctor->wanted->count; i++)
        if (strcmp(doctor->wanted->items[i], name) == 0 ||
                (bucket != NULL && strcmp(doctor->wanted->items[i], bucket) == 0))
            wanted = found[i] = true;
    return wanted;
}

/* Keeps what the vault's rules are judged by. */
static void look_at(struct doctor *doctor, const struct doctor_source *source)
{
    struct source *kept;

    if (doctor->source_count == doctor->source_capacity) {
        size_t capacity = doctor->source_capacity == 0 ? 16 : doctor->source_capacity * 2;
        struct source *larger = realloc(doctor->sources, capacity * sizeof *larger);
        if (larger == NULL) {
            doctor->report->no_memory = true;
            return;
        }
        doctor->sources = larger;
        doctor->source_capacity = capacity;
    }
    kept = &doctor->sources[doctor->source_count++];
    *kept = (struct source){ .config = source->config, .policy = source->config->policy };
    (void)snprintf(kept->name, sizeof kept->name, "%s", source->name);
    (void)snprintf(kept->bucket, sizeof kept->bucket, "%s", source->bucket);
    doctor_look_at_source(doctor, source);
}

/* By pattern or tag: as a run selects them, of this entry of the config alone. */
static void look_at_listed(
        struct doctor *doctor, const struct config_source *entry, struct doctor_source *source, bool found[])
{
    struct config one = *doctor->program->config;
    struct program program = *doctor->program;
    struct selection selection = { .count = 0 };
    struct failure failure;
    char name[sizeof source->subject];

    (void)snprintf(name, sizeof name, "%s", source->subject);
    one.sources = (struct config_source *)entry;
    one.source_count = 1;
    program.config = &one;
    if (selection_make(&program, NULL, 0, &selection, &failure) != VERDICT_OK)
        (void)doctor_say_failure(doctor, name, "buckets", &failure);
    else if (selection.gap_count == 0 || selection.count > 0)
        (void)doctor_say(doctor, name, "buckets", selection.count > 0 ? DOCTOR_OK : DOCTOR_WARNING, "%zu are selected",
                selection.count);
    for (size_t i = 0; i < selection.gap_count; i++)
        if (selection.gaps[i].whole || is_wanted(doctor, selection.gaps[i].name, selection.gaps[i].name, found))
            (void)doctor_say_failure(doctor, name, "buckets", &selection.gaps[i].failure);
    for (size_t i = 0; i < selection.count && !clock_stop_asked(); i++)
        if (is_wanted(doctor, selection.sources[i].name, selection.sources[i].bucket, found)) {
            source->bucket = selection.sources[i].bucket;
            source->name = selection.sources[i].name;
            look_at(doctor, source);
        }
    selection_free(&selection);
}

static void look_at_entry(struct doctor *doctor, const struct config_source *entry, bool found[])
{
    const struct access_options options = { .config = &entry->access, .session_name = "vaultferry-doctor" };
    struct doctor_source source = { .config = entry };
    const char *bucket;
    size_t cursor = 0;
    struct failure failure;

    (void)snprintf(source.subject, sizeof source.subject, "source account %s",
            entry->access.account != NULL ? entry->access.account : "");
    if (access_open(doctor->program, &options, &source.access, &failure) != VERDICT_OK ||
            access_hasty(source.access, DOCTOR_ATTEMPTS, &source.client, &failure) != VERDICT_OK) {
        (void)doctor_say_failure(doctor, source.subject, "credentials", &failure);
        goto out;
    }
    doctor_look_at_endpoint(doctor, source.subject, source.access);
    if (!doctor_identity(doctor, source.subject, source.access, entry->access.account))
        goto out;
    if (select_needs_listing(entry)) {
        const struct doctor_side side = { .subject = source.subject,
            .document = PERMISSION_SOURCE_ROLE,
            .other = PERMISSION_DOCUMENTS,
            .client = source.client };
        if (doctor_probe(doctor, &side, "s3:ListAllMyBuckets") == DOCTOR_OK)
            look_at_listed(doctor, entry, &source, found);
    } else {
        (void)doctor_say(
                doctor, source.subject, "s3:ListAllMyBuckets", DOCTOR_SKIPPED, "all buckets are named by the config");
        while ((bucket = select_next_literal(entry, &cursor)) != NULL && !clock_stop_asked())
            if (is_wanted(doctor, select_folder(entry, bucket), bucket, found)) {
                source.bucket = bucket;
                source.name = select_folder(entry, bucket);
                look_at(doctor, &source);
            }
    }
out:
    s3_client_free(source.client);
    access_close(source.access);
}

static void look_at_stream(struct doctor *doctor, const struct config_source *entry, bool found[])
{
    char subject[128];

    if (!is_wanted(doctor, entry->name, NULL, found))
        return;
    (void)snprintf(subject, sizeof subject, "source %s", entry->name);
    doctor_look_at_points(doctor, entry->name, subject);
}

/* Whether an entry may hold what is wanted, as far as names tell: patterns and tags may. */
static bool may_hold(const struct doctor *doctor, const struct config_source *entry)
{
    bool found[sizeof doctor->wanted->items / sizeof doctor->wanted->items[0]];
    const char *bucket;
    size_t cursor = 0;

    if (doctor->wanted->count == 0 || entry->kind == CONFIG_KIND_STREAM || select_needs_listing(entry))
        return true;
    while ((bucket = select_next_literal(entry, &cursor)) != NULL)
        if (is_wanted(doctor, select_folder(entry, bucket), bucket, found))
            return true;
    return false;
}

enum verdict doctor_look_at_sources(struct doctor *doctor, struct failure *failure)
{
    const struct config *config = doctor->program->config;
    bool found[sizeof doctor->wanted->items / sizeof doctor->wanted->items[0]] = { false };
    bool whole = true;

    for (size_t i = 0; i < config->source_count && !clock_stop_asked(); i++) {
        const struct config_source *entry = &config->sources[i];
        if (!may_hold(doctor, entry))
            continue;
        whole = whole && (entry->kind == CONFIG_KIND_STREAM || !select_needs_listing(entry));
        if (entry->kind == CONFIG_KIND_STREAM)
            look_at_stream(doctor, entry, found);
        else
            look_at_entry(doctor, entry, found);
    }
    for (size_t i = 0; i < doctor->wanted->count && !clock_stop_asked(); i++) {
        if (!found[i] && whole)
            return failure_set(failure, VERDICT_USAGE,
                    "--source \"%s\": no source of the config has this name or bucket", doctor->wanted->items[i]);
        if (!found[i])
            doctor_say(
                    doctor, "sources", doctor->wanted->items[i], DOCTOR_FAILED, "no bucket of this name was selected")
                    ->needed = true;
    }
    return VERDICT_OK;
}
