/* See auth.h. */
#include "auth.h"

#include "digest.h"
#include "stamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { MAX_SKEW = 900 };

struct claim {
    const char *access_key, *scope, *signed_headers, *signature, *date, *token;
    size_t access_key_len, scope_len, signed_len, signature_len; /* scope without /aws4_request */
    int64_t time, expires;
    bool presigned;
};

static const char *piece(const char *text, const char *name, size_t *n)
{
    for (const char *p = text; (p = strstr(p, name)); p++)
        if (p == text || p[-1] == ' ' || p[-1] == ',') {
            p += strlen(name);
            *n = strcspn(p, ", ");
            return p;
        }
    return NULL;
}

static bool split_credential(struct claim *c, const char *p, size_t n)
{
    static const char tail[] = "/aws4_request";
    const char *slash = memchr(p, '/', n);
    size_t m = sizeof tail - 1;
    if (!slash || n < m || memcmp(p + n - m, tail, m) != 0)
        return false;
    c->access_key = p;
    c->access_key_len = (size_t)(slash - p);
    c->scope = slash + 1;
    c->scope_len = n - c->access_key_len - 1 - m;
    unsigned slashes = 0;
    for (size_t i = 0; i < c->scope_len; i++)
        slashes += c->scope[i] == '/';
    return slashes == 2 && c->scope_len > 9 && c->scope[8] == '/';
}

static int from_header(struct request *q, const char *header, struct claim *c)
{
    static const char algorithm[] = "AWS4-HMAC-SHA256 ";
    size_t n;
    if (strncmp(header, algorithm, sizeof algorithm - 1) != 0)
        return E_AUTH_MALFORMED;
    const char *p = piece(header, "Credential=", &n);
    c->signed_headers = piece(header, "SignedHeaders=", &c->signed_len);
    c->signature = piece(header, "Signature=", &c->signature_len);
    if (!p || !c->signed_headers || !c->signature)
        return E_AUTH_MALFORMED;
    if (!split_credential(c, p, n))
        return E_CREDENTIALS_MALFORMED;
    c->date = request_header(q, "x-amz-date");
    c->token = request_header(q, "x-amz-security-token");
    return c->date && stamp_parse(c->date, &c->time) ? -1 : E_ACCESS_DENIED;
}

static int from_query(struct request *q, struct claim *c)
{
    const char *algorithm = request_value(q, "X-Amz-Algorithm"), *expires = request_value(q, "X-Amz-Expires");
    const struct param *credential = request_param(q, "X-Amz-Credential");
    const struct param *names = request_param(q, "X-Amz-SignedHeaders"), *sig = request_param(q, "X-Amz-Signature");
    uint64_t seconds;
    c->presigned = true;
    c->date = request_value(q, "X-Amz-Date");
    c->token = request_value(q, "X-Amz-Security-Token");
    if (!algorithm || strcmp(algorithm, "AWS4-HMAC-SHA256") != 0 || !credential || !names || !sig || !c->date ||
            !expires || !text_u64(expires, 604800, &seconds) || !stamp_parse(c->date, &c->time))
        return E_QUERY_AUTH;
    c->expires = (int64_t)seconds;
    c->signed_headers = names->value;
    c->signed_len = names->value_len;
    c->signature = sig->value;
    c->signature_len = sig->value_len;
    return split_credential(c, credential->value, credential->value_len) ? -1 : E_QUERY_AUTH;
}

static bool is_listed(const struct claim *c, const char *name, size_t n)
{
    for (const char *p = c->signed_headers, *end = p + c->signed_len; p < end;) {
        const char *stop = memchr(p, ';', (size_t)(end - p));
        size_t m = stop ? (size_t)(stop - p) : (size_t)(end - p);
        if (m == n && !strncasecmp(p, name, n))
            return true;
        p += m + 1;
    }
    return false;
}

static bool all_listed(const struct request *q, const struct claim *c)
{
    if (!is_listed(c, "host", 4))
        return false;
    for (unsigned i = 0; i < q->headers; i++)
        if (!strncasecmp(q->header[i].name, "x-amz-", 6) && !is_listed(c, q->header[i].name, q->header[i].name_len))
            return false;
    return true;
}

/* Trimmed, runs of spaces made one. */
static void put_value(struct buf *b, const char *v)
{
    while (*v == ' ')
        v++;
    for (; *v; v++)
        if (*v != ' ' || (v[1] != ' ' && v[1] != 0))
            buf_char(b, *v);
}

static void canonical_headers(const struct request *q, const struct claim *c, struct buf *b)
{
    for (const char *p = c->signed_headers, *end = p + c->signed_len; p < end;) {
        const char *stop = memchr(p, ';', (size_t)(end - p));
        size_t m = stop ? (size_t)(stop - p) : (size_t)(end - p);
        bool first = true;
        buf_put(b, p, m);
        buf_char(b, ':');
        for (unsigned i = 0; i < q->headers; i++)
            if (q->header[i].name_len == m && !strncasecmp(q->header[i].name, p, m)) {
                if (!first)
                    buf_char(b, ',');
                first = false;
                put_value(b, q->header[i].value);
            }
        buf_char(b, '\n');
        p += m + 1;
    }
    buf_char(b, '\n');
    buf_put(b, c->signed_headers, c->signed_len);
    buf_char(b, '\n');
}

static int by_name(const void *a, const void *b)
{
    const struct param *x = *(const struct param *const *)a, *y = *(const struct param *const *)b;
    int c = strcmp(x->name, y->name);
    return c ? c : strcmp(x->value, y->value);
}

/* Parameters sort by their encoded names. That is the order of the decoded ones too, but for bytes whose escape '%'
 * sorts below the unreserved characters: so the encoded text is what is compared. */
static void canonical_query(const struct request *q, struct buf *b)
{
    struct param copy[MAX_PARAMS];
    const struct param *order[MAX_PARAMS];
    struct buf text = { 0 };
    unsigned n = 0;
    buf_grow(&text, 3 * strlen(q->target) + 2 * MAX_PARAMS + 1);
    for (unsigned i = 0; i < q->params; i++) {
        const struct param *a = &q->param[i];
        if (!strcmp(a->name, "X-Amz-Signature"))
            continue;
        copy[n].name = text.p + text.n;
        buf_uri(&text, a->name, a->name_len);
        buf_char(&text, 0);
        copy[n].value = text.p + text.n;
        buf_uri(&text, a->value, a->value_len);
        buf_char(&text, 0);
        order[n] = &copy[n];
        n++;
    }
    qsort(order, n, sizeof order[0], by_name);
    for (unsigned i = 0; i < n; i++) {
        if (i)
            buf_char(b, '&');
        buf_str(b, order[i]->name);
        buf_char(b, '=');
        buf_str(b, order[i]->value);
    }
    buf_free(&text);
}

/* The path as sent, each escape in upper case and nothing normalised: a client that escapes too little or too much must
 * already differ here. */
static bool canonical_path(const struct request *q, struct buf *b)
{
    const char *p = q->target, *end = p + q->path_len;
    for (; p < end; p++) {
        if (*p == '/') {
            buf_char(b, '/');
            continue;
        }
        char c;
        size_t n = *p == '%' ? 3 : 1;
        if ((size_t)(end - p) < n || text_unescape(p, n, &c, 0) != 1)
            return false;
        buf_uri(b, &c, 1);
        p += n - 1;
    }
    return true;
}

/* As S3 answers a wrong signature: with what it signed itself, which is all that a developer needs. */
static void explain(struct buf *detail, const char *name, struct buf *text)
{
    buf_element(detail, name, buf_cstr(text));
}

static bool signature_fits(struct request *q, const struct claim *c, const char *hash)
{
    struct buf b = { 0 }, canonical;
    uint8_t digest[32], key[32];
    buf_str(&b, q->method);
    buf_char(&b, '\n');
    bool ok = canonical_path(q, &b);
    buf_char(&b, '\n');
    if (q->params)
        canonical_query(q, &b);
    buf_char(&b, '\n');
    canonical_headers(q, c, &b);
    buf_str(&b, hash);
    digest_sha256(b.p, b.n, digest);
    canonical = b;
    b = (struct buf){ 0 };
    BUF_LIT(&b, "AWS4-HMAC-SHA256\n");
    buf_str(&b, c->date);
    buf_char(&b, '\n');
    buf_put(&b, c->scope, c->scope_len);
    BUF_LIT(&b, "/aws4_request\n");
    buf_hex(&b, digest, 32);
    account_derived_key(q->credential, c->scope, c->scope_len, key);
    digest_hmac(key, 32, b.p, b.n, digest);
    struct buf want = { 0 };
    buf_hex(&want, digest, 32);
    ok = ok && c->signature_len == 64 && !memcmp(want.p, c->signature, 64);
    if (!ok) {
        explain(&q->detail, "StringToSign", &b);
        explain(&q->detail, "CanonicalRequest", &canonical);
    }
    buf_free(&want);
    buf_free(&canonical);
    buf_free(&b);
    return ok;
}

static int check_time(const struct claim *c)
{
    int64_t now = clock_now();
    if (c->presigned)
        return c->time > now + MAX_SKEW || now > c->time + c->expires ? E_REQUEST_EXPIRED : -1;
    if (clock_is_tolerant() && c->time > clock_real() - MAX_SKEW && c->time < clock_real() + MAX_SKEW)
        return -1;
    return c->time > now + MAX_SKEW || c->time < now - MAX_SKEW ? E_TIME_SKEWED : -1;
}

static int check_token(const struct request *q, const struct claim *c)
{
    const struct credential *k = q->credential;
    if (!k->token)
        return c->token ? E_INVALID_TOKEN : -1;
    if (!c->token)
        return E_INVALID_KEY_ID;
    if (strcmp(k->token, c->token) != 0)
        return E_INVALID_TOKEN;
    return k->expires <= clock_now() ? E_EXPIRED_TOKEN : -1;
}

static int read_claim(struct request *q, struct claim *c)
{
    const char *header = request_header(q, "authorization");
    memset(c, 0, sizeof *c);
    return header ? from_header(q, header, c) : from_query(q, c);
}

struct credential *auth_peek(struct request *q)
{
    struct claim c;
    (void)read_claim(q, &c);
    return c.access_key ? account_credential(c.access_key, c.access_key_len) : NULL;
}

int auth_check(struct request *q)
{
    struct claim c;
    q->credential = NULL;
    if (!request_header(q, "authorization") && !request_param(q, "X-Amz-Algorithm") &&
            !request_param(q, "X-Amz-Signature"))
        return -1;
    int e = read_claim(q, &c);
    if (e >= 0)
        return e;
    struct credential *k = account_credential(c.access_key, c.access_key_len);
    if (!k)
        return E_INVALID_KEY_ID;
    const char *region = c.scope + 9, *slash = memchr(region, '/', c.scope_len - 9);
    snprintf(q->region, sizeof q->region, "%.*s", (int)(slash - region), region);
    snprintf(q->service, sizeof q->service, "%.*s", (int)(c.scope + c.scope_len - slash - 1), slash + 1);
    const char *hash = request_header(q, "x-amz-content-sha256");
    bool sts = !strcmp(q->service, "sts") || !strcmp(q->service, "iam"); /* both take forms */
    if (memcmp(c.date, c.scope, 8) != 0 || (!sts && strcmp(q->service, "s3") != 0))
        return E_CREDENTIALS_MALFORMED;
    if ((e = check_time(&c)) >= 0)
        return e;
    if (!all_listed(q, &c))
        return E_UNSIGNED_HEADERS;
    if (!hash && !sts && !c.presigned)
        return E_NO_SHA256;
    if (hash)
        snprintf(q->payload_hash, sizeof q->payload_hash, "%s", hash);
    else if (c.presigned)
        snprintf(q->payload_hash, sizeof q->payload_hash, "UNSIGNED-PAYLOAD");
    else {
        struct buf b = { 0 };
        uint8_t d[32];
        digest_sha256(q->upload.p ? q->upload.p : "", q->upload.n, d);
        buf_hex(&b, d, 32);
        memcpy(q->payload_hash, buf_cstr(&b), 65);
        buf_free(&b);
    }
    q->credential = k;
    if (!signature_fits(q, &c, q->payload_hash)) {
        q->credential = NULL;
        return E_SIGNATURE;
    }
    e = check_token(q, &c);
    if (e >= 0)
        q->credential = NULL;
    return e;
}

int auth_payload(struct request *q)
{
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const char *said = q->payload_hash[0] ? q->payload_hash : request_header(q, "x-amz-content-sha256");
    if (!said || !strcmp(said, "UNSIGNED-PAYLOAD"))
        return -1;
    if (!strcmp(said, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
        return request_aws_chunked(q) ? -1 : E_INVALID_REQUEST;
    if (!strncmp(said, "STREAMING-", 10))
        return E_NOT_IMPLEMENTED;
    if (q->upload.n == 0)
        return strcmp(said, empty) ? E_SHA256_MISMATCH : -1;
    uint8_t d[32];
    struct buf b = { 0 };
    digest_sha256(q->upload.p, q->upload.n, d);
    buf_hex(&b, d, 32);
    int e = strcmp(buf_cstr(&b), said) ? E_SHA256_MISMATCH : -1;
    buf_free(&b);
    return e;
}
