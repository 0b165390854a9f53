/*
 * Which server answers: by the address, then by the name that was asked for.  Owns nothing.
 */
#include "http/core_conf.h"

static void tell(const struct request *r, const struct server *server, struct str why)
{
    if (trace_on(r->trace))
        trace_step(r->trace, TRACE_SERVER, server->name, why, server->block->file,
                   server->block->line);
}

const struct server *http_choose_server(struct request *r)
{
    const struct http_address *at = r->address;
    if (r->in.host.len == 0) {
        const struct server *unnamed = wildcard_get(&at->names, STR(""));
        tell(r, unnamed ? unnamed : at->default_server, STR("no name was asked for"));
        return unnamed ? unnamed : at->default_server;
    }
    const struct server *named = wildcard_get(&at->names, r->in.host);
    if (named) {
        tell(r, named, STR("has the name"));
        return named;
    }
    for (unsigned i = 0; i < at->nregexes; i++) {
        const struct http_regex_name *name = &at->regexes[i];
        switch (vars_match(&r->subject, name->regex, r->in.host)) {
        case REGEX_MATCH:
            tell(r, name->server, STR("has a regex that matches the name"));
            return name->server;
        case REGEX_ERROR:
            return NULL;
        case REGEX_NO_MATCH:
            break;
        }
    }
    tell(r, at->default_server, STR("default server: no other has the name"));
    return at->default_server;
}
