/*
 * What limit_req and limit_conn have in common: zones with the text of their keys, the limits of a
 * place, and what is said of a request that is refused.
 *
 *     limit_req_zone $a zone=one:1m ...;    limit_zone { zone one, key "$a" }
 *     limit_req zone=one ...;               limit { zone one } --limit_finish--> its limit_zone
 *
 * A module's own structures begin with these.
 */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include "core/zone.h"
#include "http/request.h"

struct limit_zone {
    struct limit_zone *next;
    const struct zone *zone;
    struct template key;
};

struct limit {
    struct limit *next;
    const struct zone *zone;
    const struct limit_zone *conf;
};

struct limit_zones_conf {               /* of the http block */
    struct conf_set set;
    struct limit_zone *zones;
};

struct limit_conf {                     /* of a place */
    struct conf_set set;
    struct limit *limits;
    unsigned log_level;
    int64_t status;
    bool dry_run;
};

enum limit_verdict { LIMIT_PASS, LIMIT_REFUSE, LIMIT_FULL };

extern const struct conf_name limit_levels[];
extern const struct conf_range limit_statuses;

/* The rows NAME_log_level, NAME_status and NAME_dry_run. */
#define LIMIT_OUTCOME_ROWS(name, level_help) \
    { name "_log_level", IN_HSL, 1, 1, &conf_type_enum, FIELD(limit_conf, log_level), INHERIT, \
      "error", limit_levels, NULL, level_help, NULL }, \
    { name "_status", IN_HSL, 1, 1, &conf_type_int, FIELD(limit_conf, status), INHERIT, "503", \
      &limit_statuses, NULL, "status of refused requests", NULL }, \
    { name "_dry_run", IN_HSL, 1, 1, &conf_type_flag, FIELD(limit_conf, dry_run), INHERIT, "off", \
      NULL, NULL, "counts and says, and limits nothing", NULL }

/* Its key is compiled: gives it the zone, said in argument `at`, and joins the list.  False:
 * reported. */
bool limit_zone_add(struct conf *cf, struct limit_zone **list, struct limit_zone *z,
                    const struct zone_type *type, struct str name, size_t size, unsigned at);
/* Joins the end of the list; a place has one limit a zone.  False: reported. */
bool limit_add(struct conf *cf, struct limit **list, struct limit *limit);
/* finish() of a section with struct limit_conf; `zones` is the section of the http block. */
bool limit_finish(struct conf *cf, struct limit_conf *conf, const struct section *zones);

/* The key of a request, empty when it does not count (also when it is longer than `most`, which is
 * logged).  False: evaluation failed. */
WARN_UNUSED bool limit_key(struct request *r, const struct limit *limit, size_t most,
                           struct str *key);

#endif
