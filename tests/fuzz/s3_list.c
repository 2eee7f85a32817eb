/* Pages of ListObjectsV2: no bytes crash the parser, and a page that it accepts keeps what its header promises. */
#include "tests/fuzz/s3_page_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return page_check(S3_ANSWER_LIST, "ListBucketResult", "ListBucketResult", data, size);
}
