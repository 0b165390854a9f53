/*
 * The printed tables of the language, over two small modules.
 */
#include "core/conf_print.c"

#include "t/unit/tap.h"

struct some_conf {
    struct conf_set set;
    bool flag;
    unsigned mask;
};

static const struct conf_name names[] = { { "a", 1 }, { "b", 2 }, { NULL, 0 } };

static const struct directive rows[] = {
    { .name = "flag", .where = IN_HSL | IN_SERVER_IF | IN_LOCATION_IF, .min = 1, .max = 1,
      .type = &conf_type_flag, .offset = FIELD(some_conf, flag), .def = "off", .help = "a flag" },
    { .name = "mask", .where = IN_HTTP, .min = 1, .max = CONF_MANY, .type = &conf_type_mask,
      .offset = FIELD(some_conf, mask), .inherit = NAMELESS, .arg = names, .help = "say \"x\"" },
    { .name = "log", .where = IN_HTTP | IN_LIMIT_EXCEPT, .min = 0, .max = 2,
      .type = &conf_type_ignored, .inherit = OWN, .inert = "no | log", .help = "a log",
      .module = "ngx_core_module" },
};
static const struct directive stream_rows[] = {
    { .name = "x", .where = IN_STREAM | IN_STREAM_SERVER | IN_STREAM_UPSTREAM, .min = 1, .max = 1,
      .type = &conf_type_ignored, .inert = "why not", .help = "x" },
    { .name = "y", .where = IN_STREAM, .min = 1, .max = 1, .type = &conf_type_ignored,
      .inert = "y", .help = "y", .module = "ngx_http_y_module" },
    { .name = "z", .where = IN_STREAM, .min = 1, .max = 1, .type = &conf_type_ignored,
      .inert = "z", .help = "z", .module = "ngx_stream_z_module" },
};

static struct section section = {
    .name = "s", .where = IN_HSL | IN_SERVER_IF | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct some_conf), .rows = rows, .nrows = countof(rows),
};
static struct section stream_section = {
    .name = "t", .where = IN_STREAM | IN_STREAM_SERVER | IN_STREAM_UPSTREAM,
    .size = sizeof(struct conf_set), .rows = stream_rows, .nrows = countof(stream_rows),
};
static struct section *const sections[] = { &section, NULL };
static struct section *const stream_sections[] = { &stream_section, NULL };
static const struct variable variables[] = {
    { "host", NULL, 0, 0, "the host", NULL },
    { "arg_", NULL, VARS_PREFIX, 0, "an argument", NULL },
    { NULL, NULL, 0, 0, NULL, NULL },
};
static const struct module http = { .name = "ngx_http_s_module", .protocol = "http",
                                    .sections = sections, .variables = variables };
static const struct module stream = { .name = "ngx_stream_t_module", .protocol = "stream",
                                      .sections = stream_sections };
static const struct module *const modules[] = { &http, &stream, NULL };

static const char *printed(struct pool *pool, void (*print)(struct fmt *f, bool json), bool json)
{
    struct fmt f;
    fmt_init_pool(&f, pool, 256, 1 << 20);
    print(&f, json);
    return fmt_done(&f).at;
}

static void test_text(struct pool *pool)
{
    is_str(printed(pool, conf_print_directives, false),
           "include\tmain events http stream server location if if_in_location limit_except "
           "upstream\t1..1\t-\tcore\tngx_core_module\n"
           "flag\thttp server location if if_in_location\t1..1\toff\thttp\tngx_http_s_module\n"
           "mask\thttp\t1..\t-\thttp\tngx_http_s_module\n"
           "log\thttp limit_except\t0..2\t-\tcore\tngx_core_module\tno | log\n"
           "x\tstream server upstream\t1..1\t-\tstream\tngx_stream_t_module\twhy not\n"
           "y\tstream\t1..1\t-\thttp\tngx_http_y_module\ty\n"
           "z\tstream\t1..1\t-\tstream\tngx_stream_z_module\tz\n", "directives");
    is_str(printed(pool, conf_print_variables, false), "host\thttp\narg_name\thttp\n",
           "variables");
}

static void test_json(struct pool *pool)
{
    const char *text = printed(pool, conf_print_directives, true);
    ok(text[0] == '[' && text[strlen(text) - 2] == ']', "an array");
    ok(strstr(text, "{\"name\":\"mask\",\"contexts\":[\"http\"],\"min\":1,\"max\":null,"
              "\"default\":null,\"type\":\"a | b ...\",\"repeat\":false,\"block\":false,"
              "\"protocol\":\"http\",\"module\":\"ngx_http_s_module\",\"inherit\":\"nameless\","
              "\"inert\":null,\"help\":\"say \\\"x\\\"\"}") != NULL, "a row");
    ok(strstr(text, "{\"name\":\"log\",\"contexts\":[\"http\",\"limit_except\"],\"min\":0,"
              "\"max\":2,\"default\":null,\"type\":\"anything\",\"repeat\":true,\"block\":false,"
              "\"protocol\":\"core\",\"module\":\"ngx_core_module\",\"inherit\":\"own\","
              "\"inert\":\"no | log\",\"help\":\"a log\"}") != NULL, "an inert one of another");
    ok(strstr(text, "\"default\":\"off\"") != NULL, "a default");
    is_str(printed(pool, conf_print_variables, true),
           "[{\"name\":\"host\",\"prefix\":false,\"protocol\":\"http\","
           "\"module\":\"ngx_http_s_module\",\"help\":\"the host\"}\n,"
           "{\"name\":\"arg_\",\"prefix\":true,\"protocol\":\"http\","
           "\"module\":\"ngx_http_s_module\",\"help\":\"an argument\"}\n]\n", "variables");
}

int main(void)
{
    struct pool pool;
    pool_init(&pool, &pool_heap);
    conf_register(modules);
    test_text(&pool);
    test_json(&pool);
    pool_free(&pool);
    return done_testing();
}
