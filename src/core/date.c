/*
 * Calendar arithmetic, and the forms in which dates are written and read.
 * Owns nothing; only date_local_offset asks the system.
 */
#include "core/date.h"

#include "core/fmt.h"
#include "core/number.h"

#include <time.h>

enum {
    DAY = 86400,
    DAYS_4_YEARS = 4 * 365 + 1,
    DAYS_100_YEARS = 25 * DAYS_4_YEARS - 1,
    DAYS_400_YEARS = 4 * DAYS_100_YEARS + 1,
    EPOCH = 719468,                     /* days from March 1st of the year 0 to 1970 */
};

static const int64_t first_second = -INT64_C(62167219200);      /* 0000-01-01 00:00:00 */
static const int64_t last_second = INT64_C(253402300799);       /* 9999-12-31 23:59:59 */

const char date_months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
const char date_weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* Years are counted from March here, so that the leap day is the last one. */
static const unsigned days_before[12] = { 0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337 };

static int64_t clamp(int64_t time)
{
    if (time < first_second)
        return first_second;
    return time > last_second ? last_second : time;
}

static unsigned at_most(unsigned n, unsigned most)
{
    return n > most ? most : n;
}

/* The last of four centuries, and the last of four years, may have a day more than the others. */
static void split_days(unsigned days, struct date *date)
{
    const unsigned era = days / DAYS_400_YEARS;
    unsigned rest = days % DAYS_400_YEARS, month = 11;
    const unsigned century = at_most(rest / DAYS_100_YEARS, 3);
    rest -= century * DAYS_100_YEARS;
    const unsigned quad = rest / DAYS_4_YEARS;
    rest %= DAYS_4_YEARS;
    const unsigned year = at_most(rest / 365, 3);
    rest -= year * 365;
    while (days_before[month] > rest)
        month--;
    date->year = (int)(era * 400 + century * 100 + quad * 4 + year + (month >= 10));
    date->month = (month + 2) % 12 + 1;
    date->day = rest - days_before[month] + 1;
}

void date_split(int64_t time, struct date *date)
{
    /* From March 1st of the year -400 on, so that nothing is negative. */
    const int64_t seconds = clamp(time) + INT64_C(86400) * (EPOCH + DAYS_400_YEARS);
    const unsigned days = (unsigned)(seconds / DAY), second = (unsigned)(seconds % DAY);
    split_days(days, date);
    date->year -= 400;
    date->weekday = (days + 3) % 7;
    date->hour = second / 3600;
    date->minute = second / 60 % 60;
    date->second = second % 60;
}

static unsigned month_days(int year, unsigned month)
{
    static const unsigned days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool date_join(const struct date *d, int64_t *time)
{
    if (d->year < 0 || d->year > 9999 || d->month < 1 || d->month > 12 || d->day < 1 ||
        d->day > month_days(d->year, d->month) || d->hour > 23 || d->minute > 59 || d->second > 59)
        return false;
    const int64_t year = d->year + 400 - (d->month < 3);
    const int64_t days = year * 365 + year / 4 - year / 100 + year / 400 +
                         days_before[(d->month + 9) % 12] + d->day - 1;
    *time = (days - DAYS_400_YEARS - EPOCH) * DAY + d->hour * 3600 + d->minute * 60 + d->second;
    return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void two(struct fmt *f, unsigned n)
{
    fmt_u64_width(f, n, 2);
}

static void clock_time(struct fmt *f, const struct date *d)
{
    two(f, d->hour);
    fmt_char(f, ':');
    two(f, d->minute);
    fmt_char(f, ':');
    two(f, d->second);
}

/* "06 Nov 1994", with what stands between. */
static void day_month_year(struct fmt *f, const struct date *d, char between)
{
    two(f, d->day);
    fmt_char(f, between);
    fmt_text(f, date_months[d->month - 1]);
    fmt_char(f, between);
    fmt_u64_width(f, (unsigned)d->year, 4);
}

/* "1994-11-06", with what stands between. */
static void year_month_day(struct fmt *f, const struct date *d, char between)
{
    fmt_u64_width(f, (unsigned)d->year, 4);
    fmt_char(f, between);
    two(f, d->month);
    fmt_char(f, between);
    two(f, d->day);
}

/* "+0130" or "+01:30". */
static void zone(struct fmt *f, int offset, const char *between)
{
    const unsigned minutes = (unsigned)abs(offset) / 60;
    fmt_char(f, offset < 0 ? '-' : '+');
    two(f, minutes / 60);
    fmt_text(f, between);
    two(f, minutes % 60);
}

static void split_local(int64_t time, int offset, struct date *d)
{
    ASSERT(abs(offset) < 100 * 3600);
    date_split(clamp(time) + offset, d);
}

/* A buffer of the form's size always holds the form. */
static struct str done(struct fmt *f)
{
    ASSERT(!f->failed);
    return fmt_done(f);
}

struct str date_http(int64_t time, char out[DATE_HTTP])
{
    struct fmt f;
    struct date d;
    fmt_init(&f, out, DATE_HTTP);
    date_split(time, &d);
    fmt_text(&f, date_weekdays[d.weekday]);
    fmt_text(&f, ", ");
    day_month_year(&f, &d, ' ');
    fmt_char(&f, ' ');
    clock_time(&f, &d);
    fmt_text(&f, " GMT");
    return done(&f);
}

struct str date_clf(int64_t time, int offset, char out[DATE_CLF])
{
    struct fmt f;
    struct date d;
    fmt_init(&f, out, DATE_CLF);
    split_local(time, offset, &d);
    day_month_year(&f, &d, '/');
    fmt_char(&f, ':');
    clock_time(&f, &d);
    fmt_char(&f, ' ');
    zone(&f, offset, "");
    return done(&f);
}

struct str date_iso(int64_t time, int offset, char out[DATE_ISO])
{
    struct fmt f;
    struct date d;
    fmt_init(&f, out, DATE_ISO);
    split_local(time, offset, &d);
    year_month_day(&f, &d, '-');
    fmt_char(&f, 'T');
    clock_time(&f, &d);
    zone(&f, offset, ":");
    return done(&f);
}

int date_local_offset(int64_t time)
{
    const time_t t = (time_t)clamp(time);
    struct tm tm;
    return localtime_r(&t, &tm) ? (int)tm.tm_gmtoff : 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || *s->at != c)
        return false;
    return str_from_off(*s, 1, s);
}

static void skip_blanks(struct str *s)
{
    while (take_char(s, ' '))
        continue;
}

/* A number of exactly `count` digits. */
static bool take_digits(struct str *s, size_t count, unsigned *out)
{
    struct str digits;
    uint32_t n;
    if (!str_sub(*s, 0, count, &digits) || !number_u32(digits, &n))
        return false;
    *out = n;
    return str_from_off(*s, count, s);
}

static bool take_weekday(struct str *s)
{
    size_t len = 0;
    while (len < s->len && str_lower_char(s->at[len]) >= 'a' && str_lower_char(s->at[len]) <= 'z')
        len++;
    return len >= 3 && str_from_off(*s, len, s);
}

static bool take_month(struct str *s, struct date *d)
{
    for (unsigned i = 0; i < countof(date_months); i++)
        if (str_starts_ci(*s, str_from(date_months[i]))) {
            d->month = i + 1;
            return str_from_off(*s, 3, s);
        }
    return false;
}

static bool take_clock(struct str *s, struct date *d)
{
    return take_digits(s, 2, &d->hour) && take_char(s, ':') && take_digits(s, 2, &d->minute) &&
           take_char(s, ':') && take_digits(s, 2, &d->second);
}

static bool take_year(struct str *s, struct date *d)
{
    unsigned year;
    if (!take_digits(s, 4, &year))
        return false;
    d->year = (int)year;
    return true;
}

/* At most 50 years ahead, otherwise in the past. */
static bool take_short_year(struct str *s, int64_t now, struct date *d)
{
    struct date today;
    unsigned year;
    if (!take_digits(s, 2, &year))
        return false;
    date_split(now, &today);
    d->year = today.year - today.year % 100 + (int)year;
    if (d->year > today.year + 50)
        d->year -= 100;
    else if (d->year <= today.year - 50)
        d->year += 100;
    return true;
}

/* Senders write other names for GMT, or none; any other zone would be another time. */
static bool is_gmt(struct str s)
{
    skip_blanks(&s);
    return s.len == 0 || str_eq_ci(s, STR("GMT")) || str_eq_ci(s, STR("UTC")) ||
           str_eq(s, STR("+0000"));
}

/* " 06 Nov 1994 08:49:37 GMT" or " 06-Nov-94 08:49:37 GMT". */
static bool parse_comma(struct str s, int64_t now, struct date *d)
{
    skip_blanks(&s);
    if (!take_digits(&s, 2, &d->day))
        return false;
    if (take_char(&s, '-')) {
        if (!take_month(&s, d) || !take_char(&s, '-') || !take_short_year(&s, now, d))
            return false;
    } else if (!take_char(&s, ' ') || !take_month(&s, d) || !take_char(&s, ' ') ||
               !take_year(&s, d)) {
        return false;
    }
    return take_char(&s, ' ') && take_clock(&s, d) && is_gmt(s);
}

/* " Nov  6 08:49:37 1994", as asctime() writes it. */
static bool parse_asctime(struct str s, struct date *d)
{
    if (!take_char(&s, ' ') || !take_month(&s, d) || !take_char(&s, ' '))
        return false;
    take_char(&s, ' ');
    if (!take_digits(&s, 2, &d->day) && !take_digits(&s, 1, &d->day))
        return false;
    return take_char(&s, ' ') && take_clock(&s, d) && take_char(&s, ' ') && take_year(&s, d) &&
           is_gmt(s);
}

bool date_parse(struct str text, int64_t now, int64_t *time)
{
    struct date d = { .year = 0 };
    if (!take_weekday(&text))
        return false;
    if (!(take_char(&text, ',') ? parse_comma(text, now, &d) : parse_asctime(text, &d)))
        return false;
    return date_join(&d, time);
}
