/*
 * error_log in a configuration: the targets of each block, and debug_connection.
 *
 *     error_log a; error_log syslog:server=10.0.0.1 warn;
 *     log_conf { level ERROR, targets -> [file slot 3, error] -> [syslog 10.0.0.1:514, warn] }
 */
#ifndef CORE_LOG_CONF_H
#define CORE_LOG_CONF_H

#include "core/conf.h"
#include "core/inet.h"
#include "core/log.h"

enum log_target_kind { LOG_TO_FILE, LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_MEMORY };

struct log_target {
    struct log_target *next;
    enum log_target_kind kind;
    enum log_level level;
    unsigned slot;                      /* file, memory: its handle */
    struct str path;
    struct log_syslog *syslog;
};

/* Also of access logs: "syslog:server=...,facility=...,tag=..., severity=...". */
struct log_syslog {
    struct inet_address server;
    unsigned facility, severity;
    struct str tag, host;               /* host empty: nohostname */
    unsigned index;                     /* of the worker's socket to it */
};

struct log_block {                      /* the structure of the section */
    struct conf_set set;
    struct log_target *targets;         /* of the rows of this block, or inherited */
    struct log_conf conf;               /* after finish */
};

struct log_debug {
    struct log_debug *next;
    struct inet_cidr cidr;
    bool unix_sockets;
};

extern struct section log_section;
extern const struct conf_type log_type_debug_connection;        /* struct log_debug *, a list */

const struct log_conf *log_conf_of(const struct conf_block *block);
bool log_debug_matches(const struct log_debug *list, const struct inet_address *client);

/* "syslog:..." of argument `arg`; NULL: reported. */
struct log_syslog *log_syslog_parse(struct conf *cf, unsigned arg, struct str text);
/* Master, or the one process: every log file anew behind its slot, owned by `uid`; `renewed` hears
 * of each. */
void log_reopen_files(uint32_t uid, void (*renewed)(unsigned slot, void *data), void *data);
/* The handle of a log file, opened when it is new; -1: reported, or testing. */
int log_file_handle(struct conf *cf, unsigned arg, struct str path);
/* One datagram: "<PRI>date host tag: text". */
void log_syslog_send(const struct log_syslog *to, unsigned severity, struct str text);

#endif
