/* The machine that runs it, and the way to the services; see doctor_inside.h. */
#include "agent/doctor_inside.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"
#include "state/manifest_folder.h"

static const char machine[] = "this machine";

enum {
    CLOCK_FINE_MS = 60 * 1000, /* S3 refuses from 15 minutes on; the program corrects, cron and logs do not */
    /* of a record with its key, times two: a manifest is packed into a new file beside the old one */
    RECORD_BYTES = 600
};

static bool is_loopback(const char *endpoint)
{
    const char *host = strstr(endpoint, "//");

    host = host != NULL ? host + 2 : endpoint;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 || strncmp(host, "[::1]", 5) == 0;
}

void doctor_look_at_endpoint(struct doctor *doctor, const char *subject, const struct access *access)
{
    const char *endpoint = access_endpoint(access);

    if (endpoint == NULL || strncmp(endpoint, "https://", 8) == 0)
        (void)doctor_say(
                doctor, subject, "encrypted connection", DOCTOR_OK, "%s", endpoint != NULL ? endpoint : "AWS, by TLS");
    else if (is_loopback(endpoint))
        (void)doctor_say(doctor, subject, "encrypted connection", DOCTOR_OK, "%s, within this machine", endpoint);
    else
        (void)doctor_say(doctor, subject, "encrypted connection", DOCTOR_WARNING,
                "%s is not encrypted: who listens reads every object. Use https", endpoint);
}

static void look_at_clock(struct doctor *doctor)
{
    int64_t apart = vault_now_ms(&doctor->vault) - clock_wall_ms();
    long long seconds = (long long)((apart < 0 ? -apart : apart) / 1000);

    if (!doctor->vault_answers)
        return;
    if (apart > CLOCK_FINE_MS || apart < -CLOCK_FINE_MS)
        (void)doctor_say(doctor, machine, "clock", DOCTOR_WARNING,
                "it is %lld s %s the vault's: requests are corrected for it, schedules are not. Set it (NTP)", seconds,
                apart > 0 ? "behind" : "before");
    else
        (void)doctor_say(doctor, machine, "clock", DOCTOR_OK, "within %lld s of the vault's", seconds + 1);
}

/* The same look that a run takes at a source's folder, at one of doctor's own beside them, which goes again. */
static void look_at_folder(struct doctor *doctor)
{
    char path[sizeof doctor->program->state_dir + 16];
    struct manifest_options options = { .folder = path };
    struct manifest_folder folder;
    struct state_error error;
    enum state_status status;
    uint64_t room = 0, wanted = doctor->objects * RECORD_BYTES;
    struct stat before;
    bool was_there = stat(doctor->program->state_dir, &before) == 0;

    (void)snprintf(path, sizeof path, "%s/.doctor", doctor->program->state_dir);
    status = manifest_folder_open(&options, &folder, &error);
    if (status != STATE_OK) {
        doctor_say(doctor, machine, "state folder", DOCTOR_FAILED, "%s", error.what)->needed = status != STATE_BUSY;
        return;
    }
    (void)doctor_say(doctor, machine, "state folder", DOCTOR_OK, "%s can be written and lies on a local disk",
            doctor->program->state_dir);
    status = folder_free_space(&folder, &room, &error);
    if (status != STATE_OK)
        (void)doctor_say(doctor, machine, "disk", DOCTOR_UNKNOWN, "%s", error.what);
    else if (room < wanted || !folder_can_grow(&folder, 0))
        doctor_say(doctor, machine, "disk", DOCTOR_WARNING,
                "%llu MiB are free, the manifests of %llu objects may need %llu MiB", (unsigned long long)(room >> 20),
                (unsigned long long)doctor->objects, (unsigned long long)(wanted >> 20) + 1)
                ->needed = !folder_can_grow(&folder, 0);
    else
        (void)doctor_say(doctor, machine, "disk", DOCTOR_OK, "%llu MiB are free, the manifests may need %llu MiB",
                (unsigned long long)(room >> 20), (unsigned long long)(wanted >> 20) + 1);
    manifest_folder_close(&folder);
    (void)snprintf(path, sizeof path, "%s/.doctor/lock", doctor->program->state_dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/.doctor", doctor->program->state_dir);
    (void)rmdir(path);
    if (!was_there)
        (void)rmdir(doctor->program->state_dir);
}

void doctor_look_at_machine(struct doctor *doctor)
{
    look_at_clock(doctor);
    look_at_folder(doctor);
}
