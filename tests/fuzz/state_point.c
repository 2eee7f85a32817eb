/* point.json from any bytes: what is taken can be written, and what was written is read and written the same. */
#include "state/chain.h"
#include "state/point.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state_point *point, *back;
    struct state_error error;
    char *bytes, *again;
    size_t len, again_len;
    if (state_point_read((const char *)data, size, &point, &error) != STATE_OK) {
        assert(point == NULL);
        return 0;
    }
    struct chain_point link = { .point = point };
    struct chain_verdict verdict = state_chain_check(&link, 1);
    assert(verdict.at <= 1);
    assert(state_point_write(point, &bytes, &len, &error) == STATE_OK);
    assert(state_point_read(bytes, len, &back, &error) == STATE_OK);
    assert(state_point_write(back, &again, &again_len, &error) == STATE_OK);
    assert(again_len == len && memcmp(bytes, again, len) == 0);
    state_point_free(point);
    state_point_free(back);
    free(bytes);
    free(again);
    return 0;
}
