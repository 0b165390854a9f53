/*
 * What is a good answer to a health check.
 * Owns nothing.
 */
#include "http/upstream/health_match.c"

#include "t/unit/tap.h"

static void test_status(void)
{
    struct health_range ranges[] = { { 200, 200 }, { 301, 303 } };
    struct health_match match = { .statuses = ranges, .nstatuses = 2 };
    const unsigned good[] = { 200, 301, 302, 303 }, bad[] = { 100, 199, 201, 300, 304, 599 };
    ok(!health_match_status(NULL, 200) && !health_match_status(NULL, 399), "200 to 399");
    ok(health_match_status(NULL, 199) && health_match_status(NULL, 400), "no other");
    for (unsigned i = 0; i < countof(good); i++)
        ok(!health_match_status(&match, good[i]), "%u is in it", good[i]);
    for (unsigned i = 0; i < countof(bad); i++)
        ok(health_match_status(&match, bad[i]) != NULL, "%u is not", bad[i]);
    match.other_statuses = true;
    for (unsigned i = 0; i < countof(good); i++)
        ok(health_match_status(&match, good[i]) != NULL, "%u is not wanted", good[i]);
    for (unsigned i = 0; i < countof(bad); i++)
        ok(!health_match_status(&match, bad[i]), "%u is wanted", bad[i]);
    match = (struct health_match){ 0 };
    ok(!health_match_status(&match, 500), "any, when none is named");
}

static void one_header(const char *head, const char *name, enum health_test test,
                       const char *value, bool good)
{
    struct health_header header = { .test = test, .name = str_from(name),
                                    .value = str_from(value) };
    struct health_match match = { .headers = &header };
    ok(!health_match_headers(&match, NULL, str_from(head)) == good, "%s %d %s", name, (int)test,
       value);
}

static void test_headers(void)
{
    const char *const head = "HTTP/1.1 200 a: b\r\nA: b\r\nX-Two:one \r\nx-two:\ttwo\t\r\n"
                             "Empty:\r\nBare: lf\nUrl: http://a/\r\n\r\n";
    one_header(head, "a", HEALTH_HAS, "", true);
    one_header(head, "a", HEALTH_LACKS, "", false);
    one_header(head, "HTTP/1.1 200 a", HEALTH_HAS, "", false);
    one_header(head, "b", HEALTH_HAS, "", false);
    one_header(head, "b", HEALTH_LACKS, "", true);
    one_header(head, "A", HEALTH_IS, "b", true);
    one_header(head, "A", HEALTH_IS, "B", false);
    one_header(head, "A", HEALTH_IS_NOT, "b", false);
    one_header(head, "A", HEALTH_IS_NOT, "c", true);
    one_header(head, "b", HEALTH_IS_NOT, "c", false);
    one_header(head, "X-Two", HEALTH_IS, "one", true);
    one_header(head, "X-Two", HEALTH_IS, "two", true);
    one_header(head, "X-Two", HEALTH_IS, "three", false);
    one_header(head, "X-Two", HEALTH_IS_NOT, "two", false);
    one_header(head, "X-Two", HEALTH_IS_NOT, "three", true);
    one_header(head, "Empty", HEALTH_HAS, "", true);
    one_header(head, "Empty", HEALTH_IS, "", true);
    one_header(head, "Bare", HEALTH_IS, "lf", true);
    one_header(head, "Url", HEALTH_IS, "http://a/", true);
    one_header("HTTP/1.1 200 OK\r\n\r\n", "a", HEALTH_LACKS, "", true);
    one_header("", "a", HEALTH_HAS, "", false);
    ok(!health_match_headers(NULL, NULL, STR("")), "nothing is asked for");
}

static void test_nothing(void)
{
    const struct health_match none = { 0 };
    ok(!health_match_body(NULL, NULL, STR("")) && !health_match_body(&none, NULL, STR("x")),
       "any body");
    ok(!health_match_requires(NULL, NULL) && !health_match_requires(&none, NULL), "no variables");
}

/* Templates that are text need no subject. */
static void test_requires(void)
{
    struct health_require second = { .value = { .constant = true, .text = STR_INIT("1") } };
    struct health_require first = { .next = &second,
                                    .value = { .constant = true, .text = STR_INIT("yes") } };
    const struct health_match match = { .requires = &first };
    ok(!health_match_requires(&match, NULL), "all are true");
    second.value.text = STR("0");
    ok(health_match_requires(&match, NULL) != NULL, "0 is not");
    second.value.text = STR("");
    ok(health_match_requires(&match, NULL) != NULL, "nor is nothing");
}

int main(void)
{
    test_status();
    test_headers();
    test_nothing();
    test_requires();
    return done_testing();
}
