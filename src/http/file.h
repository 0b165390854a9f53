/*
 * Files as responses: opening under the location's rules, and the source that reads one.
 *
 *     path --file_open--> struct file (cache of the worker) --response_file--> source
 *
 *     small and old enough: content from the cache     else: sendfile, or read() in blocks where a
 *     filter wants the bytes, sendfile is off, the file is for directio, or threads shall read
 */
#ifndef HTTP_FILE_H
#define HTTP_FILE_H

#include "core/file_cache.h"
#include "http/request.h"

enum { SYMLINKS_FOLLOW, SYMLINKS_NONE, SYMLINKS_OWNED };

struct http_file_conf {
    struct conf_set set;
    bool sendfile;
    int64_t directio;                   /* from this size on; -1: off */
    size_t alignment;
    struct str aio_pool;                /* aio threads; at NULL: off */
    int64_t chunk;                      /* sendfile_max_chunk */
    struct conf_bufs buffers;
    unsigned symlinks;
    struct template symlinks_from;
    struct file_options options;        /* open_file_cache, and the next four */
    bool cache;
    int64_t cache_valid, cache_min_uses;
    bool cache_errors;
};

extern struct section http_file_section;

/* Opens, or finds; released with the request unless response_file takes it.  Its `error` is an
 * errno (ELOOP: a link that is not allowed).  NULL: no memory. */
struct file *http_file_open(struct request *r, struct str path);
/* 200, with type by `name`, Last-Modified and ETag. */
enum step response_file(struct request *r, struct file *file, struct str name);
/* What a file that cannot be had is: 404, 403 or 500; logged. */
enum step http_file_failed(struct request *r, const struct file *file, struct str path);

struct source *file_source(struct request *r, const struct file *file);

#endif
