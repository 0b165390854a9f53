/*
 * Dates as HTTP, logs and people write them: pure functions of the seconds since 1970.
 *
 *     784111777  <->  struct date { 1994, 11, 6, 8:49:37, Sunday }
 *                     "Sun, 06 Nov 1994 08:49:37 GMT"            date_http, date_parse
 *                     "06/Nov/1994:08:49:37 +0000"               date_clf
 *                     "1994-11-06T08:49:37+00:00"                date_iso
 *
 * Years run from 0 to 9999, since all forms have four digits; a time outside is moved to the end.
 * `offset` is the local time's, in seconds east of Greenwich: date_local_offset(time).
 */
#ifndef CORE_DATE_H
#define CORE_DATE_H

#include "core/str.h"

struct date {
    int year;
    unsigned month, day;                /* both from 1 */
    unsigned hour, minute, second;
    unsigned weekday;                   /* 0: Sunday */
};

/* With a NUL behind. */
enum {
    DATE_HTTP = sizeof("Sun, 06 Nov 1994 08:49:37 GMT"),
    DATE_CLF = sizeof("06/Nov/1994:08:49:37 +0000"),
    DATE_ISO = sizeof("1994-11-06T08:49:37+00:00"),
};

extern const char date_months[12][4];           /* "Jan" */
extern const char date_weekdays[7][4];          /* "Sun" */

void date_split(int64_t time, struct date *date);
/* False: there is no such day or time.  The weekday is not looked at. */
WARN_UNUSED bool date_join(const struct date *date, int64_t *time);

struct str date_http(int64_t time, char out[DATE_HTTP]);
struct str date_clf(int64_t time, int offset, char out[DATE_CLF]);
struct str date_iso(int64_t time, int offset, char out[DATE_ISO]);

int date_local_offset(int64_t time);

/* The three forms of RFC 9110, 5.6.7.  `now` decides about years of two digits. */
WARN_UNUSED bool date_parse(struct str text, int64_t now, int64_t *time);

#endif
