/*
 * Dates: the calendar against the C library's, every form, and what is refused.
 * Owns nothing.
 */
#include "core/date.c"

#include "t/unit/tap.h"

enum { NOW = 1795225850 };      /* 2026-11-21 */

/* Years 0 to 9999 in odd steps, and every day around the leap days of four centuries. */
static void test_calendar(void)
{
    unsigned bad = 0, days = 0;
    for (int64_t t = first_second; t <= last_second; t += 7 * INT64_C(86400) * 13 + 12347) {
        const time_t time = (time_t)t;
        struct date d;
        struct tm tm;
        int64_t back = 0;
        date_split(t, &d);
        gmtime_r(&time, &tm);
        bad += d.year != tm.tm_year + 1900 || d.month != (unsigned)tm.tm_mon + 1 ||
               d.day != (unsigned)tm.tm_mday || d.hour != (unsigned)tm.tm_hour ||
               d.minute != (unsigned)tm.tm_min || d.second != (unsigned)tm.tm_sec ||
               d.weekday != (unsigned)tm.tm_wday;
        bad += !date_join(&d, &back) || back != t;
        days++;
    }
    ok(bad == 0 && days > 30000, "the C library agrees, and the way back leads back");
    bad = 0;
    for (int year = 1896; year <= 2104; year++)
        for (unsigned day = 26; day <= 29; day++) {
            struct date d = { .year = year, .month = 2, .day = day, .hour = 23 }, again;
            int64_t t;
            const bool leap = (year % 4 == 0 && year % 100 != 0) || year == 2000;
            if (date_join(&d, &t) != (day < 29 || leap)) {
                bad++;
                continue;
            }
            if (day == 29 && !leap)
                continue;
            date_split(t, &again);
            bad += again.day != day || again.month != 2 || again.year != year || again.hour != 23;
        }
    ok(bad == 0, "leap days, where there are any");
}

static void test_join(void)
{
    static const struct date bad[] = {
        { 2026, 0, 1, 0, 0, 0, 0 },    { 2026, 13, 1, 0, 0, 0, 0 },  { 2026, 1, 0, 0, 0, 0, 0 },
        { 2026, 1, 32, 0, 0, 0, 0 },   { 2026, 4, 31, 0, 0, 0, 0 },  { 2026, 2, 29, 0, 0, 0, 0 },
        { 1900, 2, 29, 0, 0, 0, 0 },   { 2026, 1, 1, 24, 0, 0, 0 },  { 2026, 1, 1, 0, 60, 0, 0 },
        { 2026, 1, 1, 0, 0, 60, 0 },   { -1, 1, 1, 0, 0, 0, 0 },     { 10000, 1, 1, 0, 0, 0, 0 },
        { 2026, UINT_MAX, 1, 0, 0, 0, 0 },
    };
    int64_t t = 5;
    for (size_t i = 0; i < countof(bad); i++)
        ok(!date_join(&bad[i], &t) && t == 5, "no such date, row %zu", i);
    ok(date_join(&(struct date){ 1970, 1, 1, 0, 0, 0, 0 }, &t) && t == 0, "the epoch");
    ok(date_join(&(struct date){ 1969, 12, 31, 23, 59, 59, 0 }, &t) && t == -1, "before it");
    ok(date_join(&(struct date){ 2038, 1, 19, 3, 14, 8, 0 }, &t) && t == INT64_C(1) << 31,
       "2^31 seconds");
    ok(date_join(&(struct date){ 2106, 2, 7, 6, 28, 16, 0 }, &t) && t == INT64_C(1) << 32,
       "2^32 seconds");
    ok(date_join(&(struct date){ 0, 1, 1, 0, 0, 0, 0 }, &t) && t == first_second, "the first");
    ok(date_join(&(struct date){ 9999, 12, 31, 23, 59, 59, 0 }, &t) && t == last_second,
       "the last");
}

static void test_forms(void)
{
    char http[DATE_HTTP], clf[DATE_CLF], iso[DATE_ISO];
    const int64_t t = 784111777;
    is_str(date_http(t, http).at, "Sun, 06 Nov 1994 08:49:37 GMT", "HTTP");
    is_int(date_http(t, http).len, 29, "its length");
    is_str(date_http(-1, http).at, "Wed, 31 Dec 1969 23:59:59 GMT", "before 1970");
    is_str(date_http(INT64_C(1) << 31, http).at, "Tue, 19 Jan 2038 03:14:08 GMT", "2^31");
    is_str(date_http(INT64_C(1) << 32, http).at, "Sun, 07 Feb 2106 06:28:16 GMT", "2^32");
    is_str(date_http(951782400, http).at, "Tue, 29 Feb 2000 00:00:00 GMT", "a leap day");
    is_str(date_http(INT64_MAX, http).at, "Fri, 31 Dec 9999 23:59:59 GMT", "the end of time");
    is_str(date_http(INT64_MIN, http).at, "Sat, 01 Jan 0000 00:00:00 GMT", "and its beginning");
    is_str(date_clf(t, 0, clf).at, "06/Nov/1994:08:49:37 +0000", "access log");
    is_str(date_clf(t, 5400, clf).at, "06/Nov/1994:10:19:37 +0130", "access log, east");
    is_str(date_clf(t, -9 * 3600, clf).at, "05/Nov/1994:23:49:37 -0900", "access log, west");
    is_str(date_iso(t, 0, iso).at, "1994-11-06T08:49:37+00:00", "ISO 8601");
    is_str(date_iso(t, -12600, iso).at, "1994-11-06T05:19:37-03:30", "ISO 8601, west");
    is_str(date_iso(INT64_MAX, 14 * 3600, iso).at, "9999-12-31T23:59:59+14:00", "the end, east");
    is_str(date_iso(INT64_MIN, -12 * 3600, iso).at, "0000-01-01T00:00:00-12:00", "the beginning");
}

static void test_local(void)
{
    setenv("TZ", "XYZ-5:30", 1);
    tzset();
    is_int(date_local_offset(0), 19800, "five and a half hours east");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    is_int(date_local_offset(784111777), 3600, "winter");
    is_int(date_local_offset(1783000000), 7200, "summer");
    setenv("TZ", "EST5", 1);
    tzset();
    is_int(date_local_offset(0), -18000, "west");
    is_int(date_local_offset(INT64_MAX), -18000, "at the end of time");
}

static void test_parse(void)
{
    static const struct {
        const char *text;
        int64_t time;
    } rows[] = {
        { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
        { "Sun Nov  6 08:49:37 1994", 784111777 },
        { "Sun Nov 06 08:49:37 1994", 784111777 },
        { "Sun Nov 6 08:49:37 1994", 784111777 },
        { "Mon Nov 14 08:49:37 1994", 784802977 },
        { "Mon, 06 Nov 1994 08:49:37 GMT", 784111777 },
        { "sun, 06 nov 1994 08:49:37 gmt", 784111777 },
        { "Sun,06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sun,  06 Nov 1994 08:49:37 GMT", 784111777 },
        { "Sun, 06 Nov 1994 08:49:37", 784111777 },
        { "Sun, 06 Nov 1994 08:49:37 UTC", 784111777 },
        { "Sun, 06 Nov 1994 08:49:37 +0000", 784111777 },
        { "Sun Nov  6 08:49:37 1994 GMT", 784111777 },
        { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
        { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
        { "Tue, 19 Jan 2038 03:14:08 GMT", INT64_C(1) << 31 },
        { "Sun, 07 Feb 2106 06:28:16 GMT", INT64_C(1) << 32 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799) },
        { "Tue, 29 Feb 2000 00:00:00 GMT", 951782400 },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t t = INT64_MIN;
        ok(date_parse(str_from(rows[i].text), NOW, &t) && t == rows[i].time, "%s", rows[i].text);
    }
}

static void test_refused(void)
{
    static const char *const rows[] = {
        "", "Sun", "Sun,", "Sun, ", "Su, 06 Nov 1994 08:49:37 GMT", ", 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT", "784111777",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994  08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:3",
        "Sun, 06 Nov 1994 08:49:37 +0100", "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Nov 1994 08:49:37 GMTx", "Sun, 06 Nov 1994 08:49:37x",
        "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, 06 No 1994 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 06 Nov 1994 +8:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Thu, 31 Apr 2016 00:00:00 GMT",
        "Wed, 29 Feb 1995 00:00:00 GMT", "Thu, 29 Feb 1900 00:00:00 GMT",
        "Sat, 31 Dec 2016 24:00:00 GMT", "Sat, 31 Dec 2016 23:60:00 GMT",
        "Sat, 31 Dec 2016 23:59:60 GMT", "Sun, 06-Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov-1994 08:49:37 GMT", "Sun Nov   6 08:49:37 1994", "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 19940", "Sun Nov 066 08:49:37 1994", "Sun Nov 6  08:49:37 1994",
        "Sun, 06 Nov 19940 08:49:37 GMT",
    };
    for (size_t i = 0; i < countof(rows); i++) {
        int64_t t = 5;
        ok(!date_parse(str_from(rows[i]), NOW, &t) && t == 5, "refused: \"%s\"", rows[i]);
    }
    const struct str whole = STR("Sun, 06 Nov 1994 08:49:37");
    unsigned good = 0;
    for (size_t len = 0; len < whole.len; len++) {
        char *copy = malloc(len + 1);           /* so that a sanitizer sees a byte too far */
        int64_t t;
        memcpy(copy, whole.at, len);
        good += date_parse(str_of(copy, len), NOW, &t);
        free(copy);
    }
    is_int(good, 0, "no beginning of a date is one");
}

static int64_t short_year(int64_t now, const char *year)
{
    char text[64];
    struct fmt f;
    struct date d;
    int64_t t;
    fmt_init(&f, text, sizeof(text));
    fmt_print(&f, "Sunday, 06-Nov-%s 08:49:37 GMT", year);
    if (!date_parse(fmt_done(&f), now, &t))
        return -1;
    date_split(t, &d);
    return d.year;
}

static void test_short_years(void)
{
    const int64_t y2049 = 2500000000, y2050 = INT64_C(2540000000), y2099 = INT64_C(4090000000);
    is_int(short_year(NOW, "26"), 2026, "this year");
    is_int(short_year(NOW, "76"), 2076, "50 years ahead");
    is_int(short_year(NOW, "77"), 1977, "51 would be too far");
    is_int(short_year(NOW, "00"), 2000, "00");
    is_int(short_year(NOW, "99"), 1999, "99");
    is_int(short_year(y2049, "99"), 2099, "from 2049, 99 is ahead");
    is_int(short_year(y2049, "00"), 2000, "from 2049, 00 is past");
    is_int(short_year(y2050, "00"), 2100, "from 2050, 00 is 50 years ahead");
    is_int(short_year(y2099, "05"), 2105, "from 2099, 05 is in the next century");
    is_int(short_year(y2099, "49"), 2149, "from 2099, 49 is 50 years ahead");
    is_int(short_year(y2099, "50"), 2050, "from 2099, 50 is past");
    is_int(short_year(NOW, "7"), -1, "one digit is no year");
}

int main(void)
{
    test_calendar();
    test_join();
    test_forms();
    test_local();
    test_parse();
    test_refused();
    test_short_years();
    return done_testing();
}
