/* See answer.h: the parser around the kinds, error documents, and the helpers that all kinds share. */
#include "s3/answer_inside.h"

#include <assert.h>
#include "s3/endpoint.h"
#include <stdlib.h>
#include <string.h>

enum {
    ERROR_ROOT = 200,
    ERROR_OUTER,
    ERROR_INNER,
    ERROR_LIST,
    ERROR_CODE,
    ERROR_MESSAGE,
    ERROR_REQUEST_ID,
    ERROR_REGION
};

static const struct s3_xml_step error_steps[] = {
    /* S3, and RGW for everything */
    { S3_XML_START, ERROR_ROOT, "Error" },
    { ERROR_ROOT, ERROR_CODE, "Code" },
    { ERROR_ROOT, ERROR_MESSAGE, "Message" },
    { ERROR_ROOT, ERROR_REQUEST_ID, "RequestId" },
    { ERROR_ROOT, ERROR_REGION, "Region" },
    /* STS, IAM: <ErrorResponse><Error>; older services: <Response><Errors><Error> */
    { S3_XML_START, ERROR_OUTER, "ErrorResponse" },
    { S3_XML_START, ERROR_OUTER, "Response" },
    { ERROR_OUTER, ERROR_REQUEST_ID, "RequestId" },
    { ERROR_OUTER, ERROR_REQUEST_ID, "RequestID" },
    { ERROR_OUTER, ERROR_LIST, "Errors" },
    { ERROR_LIST, ERROR_INNER, "Error" },
    { ERROR_OUTER, ERROR_INNER, "Error" },
    { ERROR_INNER, ERROR_CODE, "Code" },
    { ERROR_INNER, ERROR_MESSAGE, "Message" },
    { ERROR_INNER, ERROR_REQUEST_ID, "RequestId" },
    { ERROR_INNER, ERROR_REGION, "Region" },
};
const struct s3_xml_grammar answer_error_grammar = { .steps = error_steps,
    .count = sizeof error_steps / sizeof error_steps[0] };

static const struct answer_rules answer_error_only = { .grammar = { .also = &answer_error_grammar } };

static const struct answer_rules *const rules_of[] = {
    [S3_ANSWER_ERROR_ONLY] = &answer_error_only,
    [S3_ANSWER_LIST] = &answer_list,
    [S3_ANSWER_VERSIONS] = &answer_versions,
    [S3_ANSWER_BUCKETS] = &answer_buckets,
    [S3_ANSWER_COPY] = &answer_copy,
    [S3_ANSWER_COMPLETE] = &answer_complete,
    [S3_ANSWER_CREATE_UPLOAD] = &answer_create_upload,
    [S3_ANSWER_PARTS] = &answer_parts,
    [S3_ANSWER_UPLOADS] = &answer_uploads,
    [S3_ANSWER_DELETED] = &answer_deleted,
    [S3_ANSWER_TAGS] = &answer_tags,
    [S3_ANSWER_VERSIONING] = &answer_versioning,
    [S3_ANSWER_LOCATION] = &answer_location,
    [S3_ANSWER_LIFECYCLE] = &answer_lifecycle,
    [S3_ANSWER_RETENTION] = &answer_retention,
    [S3_ANSWER_BUCKET_LOCK] = &answer_bucket_lock,
    [S3_ANSWER_ASSUME_ROLE] = &answer_assume_role,
    [S3_ANSWER_CALLER_IDENTITY] = &answer_caller_identity,
    [S3_ANSWER_PUBLISH] = &answer_publish,
    [S3_ANSWER_ROLE] = &answer_role,
    [S3_ANSWER_ROLE_POLICY] = &answer_role_policy,
    [S3_ANSWER_ROLE_POLICIES] = &answer_role_policies,
};

void answer_bad(struct s3_parser *parser, const char *why)
{
    s3_xml_fail(parser->xml, S3_BAD_DATA, why);
}

void answer_once(struct s3_parser *parser, uint32_t *seen, uint8_t state)
{
    uint32_t bit = UINT32_C(1) << state;
    if ((*seen & bit) != 0) {
        answer_bad(parser, "an element comes twice");
    }
    *seen |= bit;
}

void answer_field(struct s3_parser *parser, char *field, size_t size, struct s3_text text)
{
    if (text.len >= size) {
        answer_bad(parser, "an element's text is too long");
        return;
    }
    memcpy(field, text.ptr, text.len);
    field[text.len] = '\0';
}

static bool text_is(struct s3_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

bool answer_bool(struct s3_parser *parser, struct s3_text text)
{
    bool yes = text_is(text, "true");
    if (!yes && !text_is(text, "false")) {
        answer_bad(parser, "a truth value is neither true nor false");
    }
    return yes;
}

uint64_t answer_number(struct s3_parser *parser, struct s3_text text, uint64_t max)
{
    uint64_t number;
    if (!s3_parse_number(text.ptr, text.len, &number) || number > max) {
        answer_bad(parser, "a number is malformed or out of range");
        return 0;
    }
    return number;
}

int64_t answer_time_ms(struct s3_parser *parser, struct s3_text text)
{
    int64_t milliseconds;
    if (!s3_parse_iso_time(text.ptr, text.len, &milliseconds)) {
        answer_bad(parser, "a time is malformed");
        return 0;
    }
    return milliseconds;
}

/* S3 puts an ETag into quotes, RGW in some answers not. */
struct s3_text answer_unquoted(struct s3_parser *parser, struct s3_text etag)
{
    if (etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"') {
        etag = (struct s3_text){ .ptr = etag.ptr + 1, .len = etag.len - 2 };
    }
    if (etag.len > S3_ETAG_MAX) {
        answer_bad(parser, "an ETag is too long");
    }
    return etag;
}

struct s3_text answer_store(struct s3_parser *parser, struct answer_arena arena, struct s3_text text)
{
    if (text.len > *arena.capacity - *arena.used) {
        /* One text is at most S3_XML_TEXT_MAX, so that one doubling is always enough. */
        size_t capacity = *arena.capacity == 0 ? ANSWER_ARENA_FIRST : *arena.capacity * 2;
        if (capacity > ANSWER_ARENA_MAX) {
            answer_bad(parser, "the answer is too large");
            return (struct s3_text){ 0 };
        }
        char *ptr = realloc(*arena.ptr, capacity);
        if (ptr == NULL) {
            s3_xml_fail(parser->xml, S3_NO_MEMORY, "no memory");
            return (struct s3_text){ 0 };
        }
        *arena.ptr = ptr;
        *arena.capacity = capacity;
    }
    struct s3_text stored = { .ptr = (const char *)(uintptr_t)*arena.used, .len = text.len };
    if (text.len > 0) {
        memcpy(*arena.ptr + *arena.used, text.ptr, text.len);
        *arena.used += text.len;
    }
    return stored;
}

void answer_place(char *arena, struct s3_text *text)
{
    text->ptr = text->len > 0 ? arena + (uintptr_t)text->ptr : NULL;
}

bool answer_place_key(char *arena, struct s3_text *text, bool url)
{
    if (text->len == 0) {
        text->ptr = NULL;
        return false;
    }
    char *key = arena + (uintptr_t)text->ptr;
    text->ptr = key;
    if (url) {
        size_t length = s3_url_decode(key, text->len);
        if (length == (size_t)-1) {
            return false;
        }
        text->len = length;
    }
    return text->len <= S3_KEY_MAX && s3_is_utf8(key, text->len);
}

void *answer_room(struct s3_parser *parser, void *array, size_t *capacity, size_t count, size_t max, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    if (count >= max) {
        answer_bad(parser, "there are too many entries");
        return NULL;
    }
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    if (wanted > max) {
        wanted = max;
    }
    void *moved = realloc(array, wanted * size);
    if (moved == NULL) {
        s3_xml_fail(parser->xml, S3_NO_MEMORY, "no memory");
        return NULL;
    }
    *capacity = wanted;
    return moved;
}

/* One line of printable text, cut to fit and not inside a character; an empty text leaves the field alone. */
static void take_line(char *field, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length == 0) {
        return;
    }
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    for (size_t i = 0; i < length; i++) {
        bool control = (unsigned char)text[i] < 0x20 || text[i] == 0x7F;
        field[i] = control ? ' ' : text[i];
    }
    field[length] = '\0';
}

static void close_error(struct s3_parser *parser, uint8_t state, const char *text)
{
    switch (state) {
    case ERROR_CODE:
        take_line(parser->error.code, sizeof parser->error.code, text);
        break;
    case ERROR_MESSAGE:
        take_line(parser->error.message, sizeof parser->error.message, text);
        break;
    case ERROR_REQUEST_ID:
        take_line(parser->error.request_id, sizeof parser->error.request_id, text);
        break;
    case ERROR_REGION:
        take_line(parser->error.region, sizeof parser->error.region, text);
        break;
    default:
        break;
    }
}

static void on_open(void *context, uint8_t state)
{
    struct s3_parser *parser = context;
    if (state < ERROR_ROOT && parser->rules->open != NULL) {
        parser->rules->open(parser, state);
    }
}

static void on_close(void *context, uint8_t state, const char *text, size_t length)
{
    struct s3_parser *parser = context;
    if (state >= ERROR_ROOT) {
        close_error(parser, state, text);
    } else {
        parser->rules->close(parser, state, (struct s3_text){ .ptr = text, .len = length });
    }
}

struct s3_parser *s3_parser_new(void)
{
    struct s3_parser *parser = calloc(1, sizeof *parser);
    if (parser != NULL) {
        parser->xml = s3_xml_new();
        if (parser->xml == NULL) {
            free(parser);
            parser = NULL;
        }
    }
    return parser;
}

void s3_parser_free(struct s3_parser *parser)
{
    if (parser != NULL) {
        s3_xml_free(parser->xml);
        free(parser);
    }
}

static void clear_out(struct s3_parser *parser)
{
    if (parser->rules->clear != NULL) {
        parser->rules->clear(parser->out);
    }
}

enum s3_status s3_parser_begin(struct s3_parser *parser, enum s3_answer_kind kind, void *out)
{
    static const struct s3_xml_events events = { .open = on_open, .close = on_close };
    assert((size_t)kind < sizeof rules_of / sizeof rules_of[0] && (out != NULL || kind == S3_ANSWER_ERROR_ONLY));
    parser->rules = rules_of[kind];
    parser->out = out;
    parser->seen = parser->entry_seen = 0;
    parser->url = false;
    parser->rank = 0;
    memset(&parser->error, 0, sizeof parser->error);
    clear_out(parser);
    s3_xml_begin(parser->xml, &parser->rules->grammar, &events, parser);
    return S3_OK;
}

void s3_parser_feed(struct s3_parser *parser, const char *bytes, size_t length)
{
    s3_xml_feed(parser->xml, bytes, length);
}

/* Facts that the message alone tells. STS has one code for a wrong signature and for a wrong clock. */
static enum s3_status refine(enum s3_status status, const struct s3_error *error)
{
    if (strcmp(error->code, "SignatureDoesNotMatch") == 0 &&
            (strncmp(error->message, "Signature expired", 17) == 0 ||
                    strncmp(error->message, "Signature not yet current", 25) == 0)) {
        return S3_CLOCK;
    }
    if (strcmp(error->code, "AuthorizationHeaderMalformed") == 0 && error->region[0] == '\0') {
        return S3_REFUSED;
    }
    return status;
}

static enum s3_status finish_error(struct s3_parser *parser, int http_status, struct s3_error *error)
{
    take_line(error->code, sizeof error->code, parser->error.code);
    /* The service's own words or none: what stood there before belongs to something else. */
    error->message[0] = '\0';
    take_line(error->message, sizeof error->message, parser->error.message);
    take_line(error->request_id, sizeof error->request_id, parser->error.request_id);
    if (s3_region_is_valid(parser->error.region)) {
        take_line(error->region, sizeof error->region, parser->error.region);
    }
    error->in_200 = http_status >= 200 && http_status < 300;
    return refine(s3_classify(http_status, error->code, false), error);
}

/* The document was right as XML: is it what was asked for? */
static const char *finish_answer(struct s3_parser *parser)
{
    const struct answer_rules *rules = parser->rules;
    if (rules == &answer_error_only) {
        return NULL;
    }
    if (s3_xml_root(parser->xml) != ANSWER_ROOT) {
        return "the answer has another root element than expected";
    }
    if ((parser->seen & rules->required) != rules->required) {
        return "the answer lacks a required element";
    }
    return rules->finish != NULL ? rules->finish(parser) : NULL;
}

static enum s3_status finish(struct s3_parser *parser, int http_status, struct s3_error *error)
{
    const char *why = NULL;
    enum s3_status status = s3_xml_finish(parser->xml, &why);
    bool is_success = http_status >= 200 && http_status < 300;
    if (status == S3_NO_MEMORY) {
        return s3_fail(error, S3_NO_MEMORY, "NoMemory", "no memory to parse the answer");
    }
    bool is_error = status == S3_OK && s3_xml_root(parser->xml) >= ERROR_ROOT;
    if (is_error && parser->error.code[0] != '\0') {
        return finish_error(parser, http_status, error);
    }
    if (!is_success) {
        return s3_fail(error, s3_classify(http_status, "", false), "", "HTTP status %d without an error document",
                http_status);
    }
    if (parser->rules == &answer_error_only && status != S3_OK && !s3_xml_is_markup(parser->xml)) {
        return S3_OK;
    }
    if (status == S3_OK) {
        why = is_error ? "the answer is an error without a code" : finish_answer(parser);
    }
    return why == NULL ? S3_OK : s3_fail(error, S3_BAD_DATA, "BadAnswer", "%s", why);
}

enum s3_status s3_parser_finish(struct s3_parser *parser, int http_status, struct s3_error *error)
{
    struct s3_error unwanted;
    if (error == NULL) {
        s3_error_clear(&unwanted);
        error = &unwanted;
    }
    enum s3_status status = finish(parser, http_status, error);
    if (status != S3_OK) {
        clear_out(parser);
    }
    if (parser->rules->secret) {
        s3_xml_wipe(parser->xml);
    }
    return status;
}
