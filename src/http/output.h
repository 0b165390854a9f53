/*
 * The way of a body from its source to the codec.
 *
 *     the head is due: filters decide; then
 *     source -> upper filters -> slots (subrequests) -> lower filters -> last -> codec
 *                                                                  counts; HEAD and 304 end here
 * Without filters the source writes to `last` directly.
 */
#ifndef HTTP_OUTPUT_H
#define HTTP_OUTPUT_H

#include "http/request.h"

void output_init(struct request *r);
/* Goes on with what filters hold, then pulls the source, unless somebody is full. */
void output_pump(struct request *r);
/* Everything begins anew with the answer to r->out.status: a filter, or whoever has asked, wants
 * another one.  Nothing has been passed on. */
void output_refuse(struct request *r);
/* Filters edit the head of a 101, behind which the codec lets go of the connection.  False: one of
 * them refuses, and r->out.status says what to answer. */
bool output_upgrade(struct request *r);

#endif
