/* See error.h. What a code means is one table, so that a new code is one line here and one line in the test's table. */
#include "s3/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct meaning {
    const char *code;
    enum s3_status status;
};

static const struct meaning meanings[] = {
    { "InternalError", S3_RETRY },
    { "InternalErrors", S3_RETRY },
    { "InternalFailure", S3_RETRY },
    { "InternalServerError", S3_RETRY },
    { "ServiceUnavailable", S3_RETRY },
    { "ServiceUnavailableException", S3_RETRY },
    { "RequestTimeout", S3_RETRY },
    { "RequestTimeoutException", S3_RETRY },
    /* Damaged or cut off on the way: the same bytes, sent again, may arrive. */
    { "BadDigest", S3_RETRY },
    { "IncompleteBody", S3_RETRY },
    { "OperationAborted", S3_RETRY },
    { "ConditionalRequestConflict", S3_RETRY },
    { "IDPCommunicationError", S3_RETRY },
    { "KMS.KMSInternalException", S3_RETRY },
    { "KMS.DependencyTimeoutException", S3_RETRY },
    { "KMS.KeyUnavailableException", S3_RETRY },

    { "SlowDown", S3_THROTTLED },
    { "Throttling", S3_THROTTLED },
    { "ThrottlingException", S3_THROTTLED },
    { "ThrottledException", S3_THROTTLED },
    { "KMS.ThrottlingException", S3_THROTTLED },
    { "TooManyRequests", S3_THROTTLED },
    { "TooManyRequestsException", S3_THROTTLED },
    { "RequestLimitExceeded", S3_THROTTLED },
    { "RequestThrottled", S3_THROTTLED },
    { "RequestThrottledException", S3_THROTTLED },
    { "BandwidthLimitExceeded", S3_THROTTLED },
    { "PriorRequestNotComplete", S3_THROTTLED },

    { "PreconditionFailed", S3_CHANGED },
    { "NotModified", S3_CHANGED },

    { "InvalidObjectState", S3_ARCHIVED },
    { "ObjectNotInActiveTierError", S3_ARCHIVED },

    { "ExpiredToken", S3_EXPIRED },
    { "ExpiredTokenException", S3_EXPIRED },
    { "InvalidToken", S3_EXPIRED },
    { "RequestExpired", S3_EXPIRED },
    { "TokenRefreshRequired", S3_EXPIRED },

    { "RequestTimeTooSkewed", S3_CLOCK },
    { "RequestInTheFuture", S3_CLOCK },

    { "PermanentRedirect", S3_REDIRECT },
    { "TemporaryRedirect", S3_REDIRECT },
    { "Redirect", S3_REDIRECT },
    { "AuthorizationHeaderMalformed", S3_REDIRECT },
    { "IllegalLocationConstraintException", S3_REDIRECT },

    { "AccessDenied", S3_DENIED },
    { "AccessDeniedException", S3_DENIED },
    { "AllAccessDisabled", S3_DENIED },
    { "AccountProblem", S3_DENIED },
    { "AuthFailure", S3_DENIED },
    { "InvalidAccessKeyId", S3_DENIED },
    { "InvalidClientTokenId", S3_DENIED },
    { "InvalidIdentityToken", S3_DENIED },
    { "InvalidPayer", S3_DENIED },
    { "InvalidSecurity", S3_DENIED },
    { "MissingAuthenticationToken", S3_DENIED },
    { "NotSignedUp", S3_DENIED },
    { "OptInRequired", S3_DENIED },
    { "SignatureDoesNotMatch", S3_DENIED },
    { "UnrecognizedClientException", S3_DENIED },
    /*
     * A key that is disabled, about to be deleted or gone locks its objects away like a missing grant does, and the
     * cure lies in the same place, with the key's owner: denied, not refused, although the status is 400.
     */
    { "KMS.AccessDeniedException", S3_DENIED },
    { "KMS.DisabledException", S3_DENIED },
    { "KMS.InvalidStateException", S3_DENIED },
    { "KMS.KMSInvalidStateException", S3_DENIED },
    { "KMS.NotFoundException", S3_DENIED },

    /* Known refusals, so that they are not repeated as unknown failures where they come inside a 200. */
    { "EntityTooLarge", S3_REFUSED },
    { "EntityTooSmall", S3_REFUSED },
    { "GlacierExpeditedRetrievalNotAvailable", S3_REFUSED }, /* a 503 that lasts: another tier is the cure */
    { "InvalidArgument", S3_REFUSED },
    { "InvalidDigest", S3_REFUSED },
    { "InvalidPart", S3_REFUSED },
    { "InvalidPartOrder", S3_REFUSED },
    { "InvalidRange", S3_REFUSED },
    { "InvalidRequest", S3_REFUSED },
    { "InvalidStorageClass", S3_REFUSED },
    { "InvalidTag", S3_REFUSED },
    { "KeyTooLongError", S3_REFUSED },
    { "MalformedXML", S3_REFUSED },
    { "MethodNotAllowed", S3_REFUSED },
    { "NotImplemented", S3_REFUSED },
    { "XAmzContentSHA256Mismatch", S3_REFUSED },
};

static bool is_not_found_code(const char *code)
{
    /* NoSuchKey, NoSuchTagSet ...; ObjectLockConfigurationNotFoundError and its like */
    static const char suffix[] = "NotFoundError";
    size_t length = strlen(code);
    return strncmp(code, "NoSuch", 6) == 0 || strcmp(code, "NotFound") == 0 ||
           (length >= sizeof suffix - 1 && strcmp(code + length - (sizeof suffix - 1), suffix) == 0);
}

static enum s3_status classify_status(int http_status, bool has_code)
{
    if (http_status >= 200 && http_status < 300) {
        /* An unknown error inside a 200 is what S3 could not know when it began to answer: like a 500. */
        return has_code ? S3_RETRY : S3_OK;
    }
    switch (http_status) {
    case 0: /* no answer */
    case 408:
        return S3_RETRY;
    case 301:
    case 302:
    case 307:
    case 308:
        return S3_REDIRECT;
    case 304:
    case 412:
        return S3_CHANGED;
    case 401:
    case 403:
        return S3_DENIED;
    case 404:
        return S3_NOT_FOUND;
    case 429:
    case 509:
        return S3_THROTTLED;
    case 501:
    case 505:
        return S3_REFUSED;
    default:
        break;
    }
    if (http_status >= 500) {
        return S3_RETRY;
    }
    return http_status < 200 ? S3_BAD_DATA : S3_REFUSED;
}

enum s3_status s3_classify(int http_status, const char *code, bool session_past_expiry)
{
    bool has_code = code != NULL && code[0] != '\0';
    enum s3_status status = classify_status(http_status, has_code);
    if (has_code) {
        if (is_not_found_code(code)) {
            status = S3_NOT_FOUND;
        }
        for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
            if (strcmp(code, meanings[i].code) == 0) {
                status = meanings[i].status;
                break;
            }
        }
    }
    if (session_past_expiry) {
        bool plain_denial = status == S3_DENIED && (!has_code || strncmp(code, "AccessDenied", 12) == 0);
        /* A HEAD has no body: S3's 400 ExpiredToken arrives without its name. */
        bool nameless_refusal = http_status == 400 && !has_code;
        if (plain_denial || nameless_refusal) {
            return S3_EXPIRED;
        }
    }
    return status;
}

void s3_error_clear(struct s3_error *error)
{
    memset(error, 0, sizeof *error);
    error->retry_after_ms = -1;
}

/* Where text was cut off, the last character may be half there: takes it away. */
static void drop_cut_character(char *text)
{
    size_t length = strlen(text);
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0xC0) {
        start--;
        unsigned lead = (unsigned char)text[start];
        size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (length - start < wanted) {
            text[start] = '\0';
        }
    }
}

enum s3_status s3_fail(struct s3_error *error, enum s3_status status, const char *code, const char *format, ...)
{
    if (error == NULL) {
        return status;
    }
    va_list arguments;
    va_start(arguments, format);
    char message[sizeof error->message] = ""; /* apart, since the arguments may be the error's own fields */
    char short_code[sizeof error->code] = "";
    if (vsnprintf(message, sizeof message, format, arguments) >= (int)sizeof message) {
        drop_cut_character(message);
    }
    va_end(arguments);
    (void)snprintf(short_code, sizeof short_code, "%s", code);
    memcpy(error->message, message, sizeof message);
    memcpy(error->code, short_code, sizeof short_code);
    char *lines[] = { error->message, error->code };
    for (size_t i = 0; i < 2; i++) {
        for (char *at = lines[i]; *at != '\0'; at++) {
            if ((unsigned char)*at < 0x20 || *at == 0x7F) {
                *at = ' ';
            }
        }
    }
    return status;
}

const char *s3_status_name(enum s3_status status)
{
    switch (status) {
    case S3_OK:
        return "ok";
    case S3_RETRY:
        return "transient";
    case S3_THROTTLED:
        return "throttled";
    case S3_NOT_FOUND:
        return "not found";
    case S3_CHANGED:
        return "changed";
    case S3_ARCHIVED:
        return "archived";
    case S3_DENIED:
        return "denied";
    case S3_EXPIRED:
        return "credentials expired";
    case S3_CLOCK:
        return "clock differs";
    case S3_REDIRECT:
        return "other region";
    case S3_BAD_DATA:
        return "bad data";
    case S3_FULL:
        return "full";
    case S3_REFUSED:
        return "refused";
    case S3_CANCELLED:
        return "cancelled";
    case S3_NO_MEMORY:
        return "out of memory";
    case S3_FATAL:
        return "fatal";
    }
    return "unknown";
}
