/*
 * Remnants of requests: collected from the modules, ended together.
 * Owns nothing: a list belongs to the tunnel.
 */
#include "http/remnant.h"

#include "http/core_conf.h"

void remnant_add(struct remnant **list, struct remnant *remnant)
{
    while (*list)
        list = &(*list)->next;
    remnant->next = NULL;
    *list = remnant;
}

struct remnant *request_leave(struct request *r)
{
    const struct module *const *at = conf_modules();
    struct remnant *list = NULL;
    ASSERT(!r->parent && r->running);
    r->state = REQUEST_ENDING;
    r->left = true;
    for (const struct http_module *module; (module = http_next_module(&at)) != NULL;)
        if (module->leave)
            module->leave(r, &list);
    return list;
}

void remnants_end(struct remnant *list, const struct tunnel_end *how)
{
    for (struct remnant *next; list; list = next) {
        next = list->next;
        list->end(list, how);
    }
}
