/*
 * Fuzz target: dates of clients and upstreams; what is read must survive being written.
 * Owns nothing.
 */
#include "core/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char buffer[DATE_HTTP];
    int64_t time, again;
    if (!date_parse(str_of(data, size), 1795225850, &time))
        return 0;
    ASSERT(date_parse(date_http(time, buffer), 0, &again) && again == time);
    return 0;
}
