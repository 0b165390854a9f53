/*
 * Media files: sent from some place on, with a head of their own before it.
 *
 *     [head, in memory][bytes from..to of the file]       as long, for ranges, as both together
 */
#ifndef HTTP_FILE_PART_H
#define HTTP_FILE_PART_H

#include "http/file.h"

/* STEP_NEXT: *file is the file of the request's path (NULL: that ends in a slash, and is for
 * others); anything else is the answer of the step.  GET and HEAD only. */
enum step file_part_open(struct request *r, struct file **file);
/* 200 with `head`, which lives as long as the request, and bytes [from, to) of the file. */
enum step file_part_response(struct request *r, struct file *file, struct str head, int64_t from,
                             int64_t to);

/* The first argument of that name, without regard to case; at NULL: there is none. */
struct str file_part_arg(const struct request *r, struct str name);

#endif
