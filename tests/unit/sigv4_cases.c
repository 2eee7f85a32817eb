/*
 * The project's own table of signatures: the five examples of S3's documentation, and cases for what the public vectors
 * lack: service s3, escapes in keys, parameters without a value, tokens, the headers of a copy, long texts. Expected
 * signatures outside the documentation were computed with botocore 1.44.5 (S3SigV4Auth, S3SigV4QueryAuth).
 *
 * One signer serves all cases in their order, as a worker's does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sigv4/sigv4.h"

/* clang-format off */
#define TEXT(literal) { literal, sizeof(literal) - 1 }
/* clang-format on */
#define TOKEN                                                                                                          \
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwt" \
    "h+A7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVX" \
    "AkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="

enum { MAX_PAIRS = 6, MAY_24_2013 = 1369353600 };

static char long_token[4096];               /* +/=a, again and again */
static char long_copy_source[5 + 3 * 1024]; /* /src/ and 1,024 times %01 */

/* What is not given: GET / of examplebucket in us-east-1 with an empty body, at 20130524T000000Z. */
struct signing_case {
    const char *claim, *method, *payload_hash, *region, *signature;
    struct sigv4_text key, token;
    size_t repeat; /* the key is so many times `key` */
    struct sigv4_pair parameters[MAX_PAIRS], headers[MAX_PAIRS];
    int64_t now;
    bool at_zero;
    uint32_t expires; /* presigned, for so many seconds */
};

static const struct signing_case cases[] = {
    { .claim = "s3-documentation-get-object",
            .key = TEXT("test.txt"),
            .headers = { { TEXT("Range"), TEXT("bytes=0-9") } },
            .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
    { .claim = "s3-documentation-put-object",
            .method = "PUT",
            .key = TEXT("test$file.text"),
            .headers = { { TEXT("Date"), TEXT("Fri, 24 May 2013 00:00:00 GMT") },
                    { TEXT("x-amz-storage-class"), TEXT("REDUCED_REDUNDANCY") } },
            .payload_hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
    { .claim = "s3-documentation-get-lifecycle",
            .parameters = { { TEXT("lifecycle"), TEXT("") } },
            .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
    { .claim = "s3-documentation-list-objects",
            .parameters = { { TEXT("max-keys"), TEXT("2") }, { TEXT("prefix"), TEXT("J") } },
            .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
    { .claim = "s3-documentation-presigned-url",
            .key = TEXT("test.txt"),
            .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
            .expires = 86400,
            .signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404" },
    { .claim = "key-with-escaped-slash-survives",
            .key = TEXT("a%2Fb"),
            .signature = "c12d7620eb77f6a686cf05549f99218d4159253a200c16657e0e636b65d4d132" },
    { .claim = "key-with-real-slash-differs",
            .key = TEXT("a/b"),
            .signature = "b89328e098dd606533b5e08f937e4edd15ee60e6a2969c16eb47c67a04cc8c24" },
    { .claim = "key-with-plus-survives",
            .key = TEXT("a+b c"),
            .signature = "563ecc4971b930be54a7d0d9cf5625f4e7be81350328ccb92ec70ace9f07e966" },
    { .claim = "key-with-double-slash-survives",
            .key = TEXT("a//b//"),
            .signature = "05a983af66d9f4b4557408ec4ec9d4dde7c944c7ac8ea7875c570afaf9189719" },
    { .claim = "key-with-leading-slash-survives",
            .key = TEXT("/a"),
            .signature = "821c77becd4c7648c7d33a6599a220f3e17ce153baaf7bf56e9243489fcffec8" },
    { .claim = "key-with-dot-dot-survives",
            .key = TEXT("a/../b/./c/.."),
            .signature = "d7e84f8624cf15fc7bbeda764ba019efb4ce4011606b4990928c9cd643212343" },
    { .claim = "key-with-ampersand-and-equals-survives",
            .key = TEXT("a&b=c?d#e;f:g@h,i$j!k*l'm(n)o"),
            .signature = "f3835e61523014cc18bf40bc8f1d98de67032dc027a7f7e16a5acffdba70f05f" },
    { .claim = "key-with-control-bytes-survives",
            .key = TEXT("\001\011\012\015\037\177"),
            .signature = "09ddeb6ad495b52c25e87bc7a21062b64d5022d655c51d90466e5e5593334bc2" },
    { .claim = "key-with-nul-survives",
            .key = TEXT("a\000b"),
            .signature = "4c092e7dc96d26f4ca1a8a3bffa7b11b97164223862c600d090bee48055f1e9c" },
    { .claim = "key-in-nfc",
            .key = TEXT("caf\303\251"),
            .signature = "34a4bb4b2916522145800ee4598b66f4e5070fa223da454f195aff2c80017647" },
    { .claim = "key-in-nfd-differs",
            .key = TEXT("cafe\314\201"),
            .signature = "4b92e6c62228d6ae0678419619376ac9f7864f7568f318cf0d0c12f26bb0f9cc" },
    { .claim = "key-with-four-byte-characters",
            .key = TEXT("\360\237\227\204/\364\217\277\277"),
            .signature = "c9ff84a091b806f5a67a0d625a0fe17c8d02413453609857b1acc6b59db5ba46" },
    { .claim = "key-of-1024-bytes-all-escaped",
            .key = TEXT("\001"),
            .repeat = 1024,
            .signature = "c388ff59b0025021e56d094f92e6524cba57e1c46c121717f24e48f5153c810f" },
    { .claim = "key-of-1024-unreserved-bytes",
            .key = TEXT("~"),
            .repeat = 1024,
            .signature = "4fa76dc0501edd31def7a58278249c16ce14d5c3c6f1ab65a2ea1c420ded5821" },
    { .claim = "parameter-without-value",
            .key = TEXT("k"),
            .parameters = { { TEXT("acl"), TEXT("") },
                    { TEXT("versionId"), TEXT("3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY") } },
            .signature = "415855839181a776ca2c2717597e2a889dd2b062c59ab2acc5593762b14c7fe6" },
    { .claim = "parameters-sort-by-name-then-value",
            .parameters = { { TEXT("prefix"), TEXT("b") }, { TEXT("a-b"), TEXT("1") }, { TEXT("a b"), TEXT("2") },
                    { TEXT("a"), TEXT("z") } },
            .signature = "2582998d5b5ea9887208b2c2b9861eaeccbf64ab8a07faab92a686d1b3d2ce99" },
    { .claim = "parameters-sort-by-encoded-name",
            .parameters = { { TEXT("~"), TEXT("1") }, { TEXT("\341\210\264"), TEXT("2") }, { TEXT("Z"), TEXT("3") },
                    { TEXT("%"), TEXT("4") } },
            .signature = "c13a6fb456ba6082dff847bb24a3af521dfa93b381c41a34039f38167ea71886" },
    { .claim = "parameter-with-escapes-inside",
            .parameters = { { TEXT("prefix"), TEXT("a+b&c=d%2F/\303\251") },
                    { TEXT("continuation-token"), TEXT("1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=") } },
            .signature = "756afa868c1a68b1480005f4c24ad4d12951512ac45397af792e8dd2f3d5ed0d" },
    { .claim = "token-with-plus-slash-equals",
            .key = TEXT("k"),
            .token = TEXT(TOKEN),
            .signature = "6133c055e1d9fd491b0af3235c2a8f3ded98d33e3f171e8cd382682ab793a7c7" },
    { .claim = "token-of-4096-bytes",
            .key = TEXT("k"),
            .token = { long_token, 4096 },
            .signature = "0cfa432ebb17998898cad04c746260c6068ba871dcedb3948d64a99f0d03a727" },
    { .claim = "copy-source-header",
            .method = "PUT",
            .key = TEXT("data/s/k"),
            .headers = { { TEXT("x-amz-copy-source"), TEXT("/src/a%20%2B%25/%C3%A9?versionId=null") },
                    { TEXT("x-amz-copy-source-if-match"), TEXT("\"9b2cf535f27731c974343645a3985328\"") } },
            .signature = "7b87e066da3d350d4fd62d0a805073ae0d04bb21bbae3f2866533ca61a6a4bdc" },
    { .claim = "copy-source-header-of-a-1024-byte-key",
            .method = "PUT",
            .key = TEXT("k"),
            .headers = { { TEXT("x-amz-copy-source"), { long_copy_source, 5 + 3072 } } },
            .signature = "8c35546f739264fd19cc806914fc447107016c407e3e4c74a321453f1a02ac1d" },
    { .claim = "tagging-headers",
            .method = "PUT",
            .key = TEXT("k"),
            .headers = { { TEXT("x-amz-tagging"), TEXT("a=1&b=%C3%A9&c=") },
                    { TEXT("x-amz-tagging-directive"), TEXT("REPLACE") } },
            .signature = "6303b5ad4ce7cc6919be94753163cbefc46c501808164e4ed9958ba508589888" },
    { .claim = "all-x-amz-headers-of-a-copy",
            .method = "PUT",
            .key = TEXT("k"),
            .headers = { { TEXT("X-Amz-Storage-Class"), TEXT("DEEP_ARCHIVE") },
                    { TEXT("x-amz-metadata-directive"), TEXT("COPY") }, { TEXT("x-amz-copy-source"), TEXT("/s/k") },
                    { TEXT("x-amz-server-side-encryption"), TEXT("aws:kms") },
                    { TEXT("Content-Type"), TEXT("text/plain; charset=utf-8") } },
            .token = TEXT(TOKEN),
            .signature = "bc17402bd60d155ce484e73cd5f2edf844affcc8c995a165c7f3cfb92bd9656d" },
    { .claim = "duplicated-headers-join-in-order",
            .key = TEXT("k"),
            .headers = { { TEXT("X-Amz-Meta-A"), TEXT("2") }, { TEXT("x-amz-meta-a"), TEXT("1") },
                    { TEXT("x-amz-meta-b"), TEXT("4") }, { TEXT("x-amz-meta-A"), TEXT("3") } },
            .signature = "4fd53ebbd94820826beb4ef63f4f892c4be8bfe1aa5d939aaa710743af874c05" },
    { .claim = "header-blanks-collapse",
            .key = TEXT("k"),
            .headers = { { TEXT("x-amz-meta-a"), TEXT("  two   words\011 and\011\011tabs  ") },
                    { TEXT("x-amz-meta-b"), TEXT("") }, { TEXT("x-amz-meta-c"), TEXT("   ") } },
            .signature = "065b138fd9658936594f506d12ef88dd7ee3c74a7ccf07c39b3b2c857cb6864b" },
    { .claim = "header-value-keeps-utf8-and-quotes",
            .key = TEXT("k"),
            .headers = { { TEXT("x-amz-meta-a"), TEXT("\"a   b\" \303\251") } },
            .signature = "eedfa350aed55b6b2a7bb6cd783568237ae17c3f8dd225b38266916c0bc15f5c" },
    { .claim = "unsigned-payload",
            .method = "PUT",
            .key = TEXT("k"),
            .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
            .signature = "fe9e666b10d57c981c9fac1b314ec84292dad4c8df64fb9bf5690403b5b77d49" },
    { .claim = "body-is-hashed",
            .method = "PUT",
            .key = TEXT("k"),
            .payload_hash = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5",
            .signature = "f3fd71da3c18e9e0969a1c19ec9e50d61608a4171db1335be49cc97b2afa19fe" },
    { .claim = "another-region",
            .key = TEXT("k"),
            .region = "eu-west-1",
            .signature = "60a8407050bf3cf0dbae7a22f334eef5695bcb5750b9593931562134cbfa9454" },
    { .claim = "leap-day-last-second",
            .key = TEXT("k"),
            .now = 1709251199,
            .signature = "09881197a827af1c9467cf74d2ce07abec91bd370ba8adc196f23db32c49df11" },
    { .claim = "first-day-of-a-leap-century",
            .key = TEXT("k"),
            .now = 951868800,
            .signature = "9a29a4f3abfce85c56f4d4e70535f76213cc35fd1c50009e3ec18c51c488c42c" },
    { .claim = "begin-of-1970",
            .key = TEXT("k"),
            .at_zero = true,
            .signature = "2d30e443a66f7177ff837a54f231abfbd861fca2eb7a01b21322ac18756a09ab" },
    { .claim = "end-of-9999",
            .key = TEXT("k"),
            .now = 253402300799,
            .signature = "de8f1443bd90bdaf3dda5091e85a26753c198aae17345c630515a126e68d141b" },
    { .claim = "presigned-with-token-and-parameters",
            .key = TEXT("a/../b+c"),
            .parameters = { { TEXT("versionId"), TEXT("a+/=") },
                    { TEXT("response-content-disposition"), TEXT("attachment; filename=\"x y\"") } },
            .token = TEXT(TOKEN),
            .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
            .expires = 1,
            .signature = "149261bdc8cb0a7dbac59093366f1c17fe9eb5503e2f443633886c7023330c61" },
    { .claim = "presigned-key-of-1024-bytes-all-escaped",
            .key = TEXT("\177"),
            .repeat = 1024,
            .token = { long_token, 4096 },
            .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
            .expires = 604800,
            .signature = "eb9976f9ca23c9775cf7c5e39ccc475d4bbf4e84e41c739b7f75842e10abde33" },
    { .claim = "presigned-with-signed-headers",
            .method = "PUT",
            .key = TEXT("k"),
            .headers = { { TEXT("x-amz-acl"), TEXT("private") }, { TEXT("Content-Type"), TEXT("text/plain") } },
            .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
            .expires = 3600,
            .signature = "44b5d9a753274adf9a20d767d64e72229ff8b6a7bed44aeea3668685dde8cf21" },
};

enum { CASES = sizeof cases / sizeof *cases };

static struct sigv4_signer *signer;

static size_t count_pairs(const struct sigv4_pair *pairs)
{
    size_t count = 0;
    while (count < MAX_PAIRS && pairs[count].name.len > 0)
        count++;
    return count;
}

/* The path as a client makes it from a key. */
static struct sigv4_text encode_key(const struct signing_case *test, char *path, size_t room)
{
    char key[1024];
    size_t key_len = 0;
    for (size_t i = 0; i < (test->repeat ? test->repeat : 1) && test->key.len > 0; i++) {
        assert_true(key_len + test->key.len <= sizeof key);
        memcpy(key + key_len, test->key.ptr, test->key.len);
        key_len += test->key.len;
    }
    path[0] = '/';
    size_t length = sigv4_encode(path + 1, room - 1, key, key_len, true);
    assert_true(length != (size_t)-1);
    return (struct sigv4_text){ path, length + 1 };
}

static void assert_ends_with(const char *text, size_t length, const char *end)
{
    assert_true(length >= strlen(end));
    assert_string_equal(text + length - strlen(end), end);
}

static void signs_as_expected(void **state)
{
    const struct signing_case *test = *state;
    const struct sigv4_credentials credentials = { TEXT("AKIAIOSFODNN7EXAMPLE"),
        TEXT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), test->token };
    struct sigv4_scope scope = { test->region ? test->region : "us-east-1", "s3", test->now };
    if (test->now == 0 && !test->at_zero)
        scope.now = MAY_24_2013;
    struct sigv4_pair headers[MAX_PAIRS + 1];
    size_t header_count = count_pairs(test->headers), parameter_count = count_pairs(test->parameters);
    char path[3074], query[20000];
    memcpy(headers, test->headers, header_count * sizeof *headers);
    headers[header_count++] = (struct sigv4_pair){ TEXT("Host"), TEXT("examplebucket.s3.amazonaws.com") };

    const char *method = test->method ? test->method : "GET";
    const char *payload_hash = test->payload_hash ? test->payload_hash : SIGV4_EMPTY_PAYLOAD;
    struct sigv4_request request = {
        .method = { method, strlen(method) },
        .path = encode_key(test, path, sizeof path),
        .headers = headers,
        .header_count = header_count,
        .payload_hash = { payload_hash, strlen(payload_hash) },
        .add_content_sha256 = !test->expires,
    };
    size_t length = 0;
    if (test->expires) {
        assert_int_equal(sigv4_presign(signer, &credentials, &scope, &request, test->parameters, parameter_count,
                                 test->expires, query, sizeof query, &length),
                SIGV4_OK);
        assert_int_equal(length, strlen(query));
        assert_ends_with(query, length, test->signature);
        return;
    }
    struct sigv4_headers out;
    length = sigv4_build_query(query, sizeof query, test->parameters, parameter_count);
    assert_true(length != (size_t)-1);
    request.query = (struct sigv4_text){ query, length };
    assert_int_equal(sigv4_sign(signer, &credentials, &scope, &request, &out), SIGV4_OK);
    assert_ends_with(out.authorization, strlen(out.authorization), test->signature);
}

static int make_signer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof long_token; i += 4)
        memcpy(long_token + i, "+/=a", 4);
    memcpy(long_copy_source, "/src/", 5);
    for (size_t i = 5; i < sizeof long_copy_source; i += 3)
        memcpy(long_copy_source + i, "%01", 3);
    signer = sigv4_signer_new();
    return signer ? 0 : -1;
}

static int free_signer(void **state)
{
    (void)state;
    sigv4_signer_free(signer);
    return 0;
}

int main(void)
{
    static struct CMUnitTest tests[CASES];
    for (size_t i = 0; i < CASES; i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].claim, .test_func = signs_as_expected, .initial_state = (void *)(uintptr_t)&cases[i]
        };
    return cmocka_run_group_tests_name("sigv4_cases", tests, make_signer, free_signer);
}
