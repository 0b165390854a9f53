/*
 * Clients that stay with one server of a group.
 *
 *     cookie   we give a cookie that names the server         its name is `route` of the server, or
 *     route    the first variable that is not empty names it  the MD5 of its address, in hex
 *     learn    answers create sessions (a zone), requests look them up
 *
 *     pick_next:  sticky_begin -> the lock: sticky_member, or else the balancer
 *     the head of the answer is there:  sticky_answered
 *
 * A server that cannot be asked is as if the client was bound to none.
 */
#ifndef HTTP_UPSTREAM_STICKY_H
#define HTTP_UPSTREAM_STICKY_H

#include "http/upstream/peers.h"

struct upstream;

/* sticky cookie <name> [...] | route <$variable> ... | learn create=... lookup=... zone=...
 * For the row of upstream blocks: fills group->sticky. */
extern const struct conf_type sticky_type;

/* Before the lock: what the request asks for becomes p->sticky.  False: evaluation failed. */
bool sticky_begin(struct pick *p);
/* Under it: the member that was asked for, if it is among [from, to) and may be asked now. */
struct member *sticky_member(const struct pick *p, unsigned from, unsigned to, int64_t now,
                             bool *busy);
/* The fields of the response were set from u->head: adds the cookie, or keeps the session. */
void sticky_answered(struct upstream *u);

#endif
