/*
 * ngx_http_upstream_module: groups of servers, which requests are passed on to.
 * Owns nothing: the groups lie in the generation, a worker's lists of them in its local.
 */
#include "http/http.h"
#include "http/upstream/peers.h"
#include "http/upstream/upstream_vars.h"

static struct section *const sections[] = { &groups_section, &group_section, NULL };

const struct http_module http_upstream_module = {
    .module = { .name = "ngx_http_upstream_module", .protocol = "http", .sections = sections,
                .variables = upstream_variables, .finish = groups_finish,
                .prepare = peers_prepare, .release = peers_release },
};
