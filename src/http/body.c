/*
 * Request bodies.  Owns the memory and the file of a body, through the request's pool.
 */
#include "http/body.h"

#include "core/generation.h"
#include "http/core_conf.h"
#include "http/response.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "config.h"

enum { FILE_OFF, FILE_ON, FILE_CLEAN };

/* --- configuration ---------------------------------------------------------------------------- */

static const struct conf_name file_names[] = { { "off", FILE_OFF }, { "on", FILE_ON },
                                               { "clean", FILE_CLEAN }, { NULL, 0 } };

#define ROW(name, type, member, def, arg, help) \
    { name, IN_HSL, 1, 1, type, FIELD(http_body_conf, member), INHERIT, def, arg, NULL, help, NULL }

static const struct directive rows[] = {
    ROW("client_max_body_size", &conf_type_offset, max_size, "1m", NULL,
        "largest body of a request; 0: any"),
    ROW("client_body_buffer_size", &conf_type_size, buffer_size, "16k", NULL,
        "how much of it is kept in memory"),
    ROW("client_body_timeout", &conf_type_msec, timeout, "60s", NULL,
        "how long the next bytes of it may take"),
    { "client_body_in_single_buffer", IN_HSL, 1, 1, &conf_type_flag,
      FIELD(http_body_conf, single_buffer), INHERIT, "off", NULL,
      "a body in memory is always in one piece", "keep a body in one buffer", NULL },
    ROW("client_body_in_file_only", &conf_type_enum, file_only, "off", file_names,
        "every body becomes a file"),
    { "client_body_temp_path", IN_HSL, 1, 4, &conf_type_temp_path,
      FIELD(http_body_conf, temp), INHERIT, TEMP_PATH_CLIENT_BODY, NULL, NULL,
      "folder of files for bodies", NULL },
};
struct section http_body_section = {
    .name = "client_body", .where = IN_HSL | IN_LOCATION_IF | IN_LIMIT_EXCEPT,
    .size = sizeof(struct http_body_conf), .rows = rows, .nrows = countof(rows),
};

#define conf_of_request(r) ((const struct http_body_conf *)request_conf(r, http_body_section))

/* --- storing ---------------------------------------------------------------------------------- */

static void release(void *data)
{
    const struct body *b = data;
    free(b->memory);
    if (b->fd >= 0)
        close(b->fd);
    if (b->path.len && (b->clean || b->state != BODY_COMPLETE || b->drop))
        unlink(b->path.at);             /* nobody wants half of one */
}

void body_init(struct request *r, int64_t length)
{
    struct body *b = pool_new(&r->pool, struct body);
    b->request = r;
    b->length = length;
    b->fd = -1;
    r->body = b;
    pool_on_free(&r->pool, release, b);
}

static bool open_file(struct body *b)
{
    struct request *r = b->request;
    const struct http_body_conf *conf = conf_of_request(r);
    b->fd = temp_file_open(&conf->temp, conf->file_only != FILE_OFF, &r->pool, &b->path);
    b->clean = conf->file_only == FILE_CLEAN;
    if (b->fd >= 0)
        return true;
    log_write(&r->log, LOG_CRIT, errno, "open() of a temporary file in \"%.*s\" failed",
              STR_FMT(conf->temp.path));
    return false;
}

static bool write_out(struct body *b, struct str bytes)
{
    while (bytes.len) {
        const ssize_t n = pwrite(b->fd, bytes.at, bytes.len, b->file_size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            log_write(&b->request->log, LOG_CRIT, errno, "pwrite() of a request body failed");
            return false;
        }
        b->file_size += n;
        (void)!str_from_off(bytes, (size_t)n, &bytes);
    }
    return true;
}

static bool keep(struct body *b, struct str bytes)
{
    size_t room = b->room ? b->room : 1024;
    while (room < b->len + bytes.len)
        room *= 2;
    if (room != b->room) {
        char *grown = realloc(b->memory, room);
        if (!grown)
            return false;
        b->memory = grown;
        b->room = room;
    }
    if (bytes.len)
        memcpy(b->memory + b->len, bytes.at, bytes.len);
    b->len += bytes.len;
    return true;
}

static bool store(struct body *b, struct str bytes)
{
    const struct http_body_conf *conf = conf_of_request(b->request);
    if (b->fd < 0 && conf->file_only == FILE_OFF && b->len + bytes.len <= conf->buffer_size)
        return keep(b, bytes);
    if (b->fd < 0) {
        if (!open_file(b))
            return false;
        if (conf->file_only == FILE_OFF)
            log_write(&b->request->log, LOG_WARN, 0,
                      "a client request body is buffered to a temporary file");
    }
    if (b->len && !write_out(b, str_of(b->memory, b->len)))
        return false;
    b->len = 0;
    return write_out(b, bytes);
}

int64_t body_timeout(const struct request *r)
{
    return conf_of_request(r)->timeout;
}

/* --- the codec's side ------------------------------------------------------------------------- */

/* The codec may still deliver what it has, until it hears that the request ends. */
static bool cancel(struct op *op)
{
    container_of(op, struct body, reading)->state = BODY_FAILED;
    return true;
}

static void stop(struct body *b, enum body_state state)
{
    if (b->state == BODY_READING)
        request_op_done(b->request, &b->reading);
    b->state = state;
}

/* --- as it comes ------------------------------------------------------------------------------ */

/* A copy: the codec's buffer is its own again after each call. */
static bool pass_on(struct body *b, struct str bytes)
{
    struct sink *sink = &b->reader->sink;
    struct chain chain;
    chain_init(&chain);
    if (!chain_add_heap(&chain, bytes))
        return false;
    b->paused = sink->write(sink, &chain, FLUSH) == FLOW_FULL;
    return true;
}

void body_stream(struct request *r, struct body_reader *reader)
{
    struct body *b = r->body;
    ASSERT(b && b->state == BODY_WAITING);
    b->reader = reader;
    b->state = BODY_READING;
    request_op_start(r, &b->reading, "passing on the request's body", false, cancel);
    r->codec->want_body(r);
}

void body_resume(struct request *r)
{
    struct body *b = r->body;
    if (!b || !b->paused || b->state != BODY_READING)
        return;
    b->paused = false;
    r->codec->want_body(r);
}

void body_stop(struct request *r)
{
    struct body *b = r->body;
    if (!b || !b->reader)
        return;
    b->reader = NULL;
    b->drop = true;
    stop(b, BODY_COMPLETE);
}

bool body_allows(struct request *r, uint64_t bytes)
{
    const int64_t most = conf_of_request(r)->max_size;
    uint64_t all;
    const bool huge = add_overflows((uint64_t)r->body->got, bytes, &all) || all > INT64_MAX;
    if (!huge && (!most || all <= (uint64_t)most))
        return true;
    log_write(&r->log, LOG_ERROR, 0, "client intended to send too large chunked body: %llu+%llu "
              "bytes", (unsigned long long)r->body->got, (unsigned long long)bytes);
    r->out.status = 413;
    return false;
}

bool body_announce(struct request *r, uint64_t bytes)
{
    if (body_allows(r, bytes))
        return true;
    body_fail(r, 413);
    return false;
}

bool body_deliver(struct request *r, struct str bytes)
{
    struct body *b = r->body;
    if (b->state != BODY_READING || !body_announce(r, bytes.len))
        return false;
    b->got += (int64_t)bytes.len;
    if (!(b->drop || (b->reader ? pass_on(b, bytes) : store(b, bytes)))) {
        body_fail(r, 500);
        return false;
    }
    return !b->paused;
}

void body_delivered(struct request *r)
{
    struct body *b = r->body;
    if (b->state != BODY_READING)
        return;
    if (b->reader) {
        struct sink *sink = &b->reader->sink;
        struct chain none;
        chain_init(&none);
        stop(b, BODY_COMPLETE);
        sink->write(sink, &none, LAST);
        return;
    }
    if (conf_of_request(r)->file_only != FILE_OFF && !b->drop && b->fd < 0 && !open_file(b)) {
        body_fail(r, 500);
        return;
    }
    stop(b, BODY_COMPLETE);
}

void body_fail(struct request *r, unsigned status)
{
    struct body *b = r->body;
    struct body_reader *reader = b->state == BODY_READING ? b->reader : NULL;
    b->status = status;
    r->out.close = true;
    stop(b, reader ? BODY_COMPLETE : BODY_FAILED);
    if (reader)
        reader->failed(reader, status);
}

/* --- the reader's side ------------------------------------------------------------------------ */

enum step body_check(struct request *r)
{
    const int64_t most = conf_of_request(r)->max_size;
    struct body *b = r->body;
    if (!b || !most || b->length <= most || b->state != BODY_WAITING)
        return STEP_NEXT;
    log_write(&r->log, LOG_ERROR, 0, "client intended to send too large body: %lld bytes",
              (long long)b->length);
    b->length = 0;                      /* said once; the page for it is not refused as well */
    return request_fail(r, 413);
}

enum step body_read(struct request *r)
{
    struct body *b = r->main->body;
    if (!b)
        return STEP_NEXT;
    switch (b->state) {
    case BODY_WAITING:
        if (r->parent)
            return STEP_NEXT;
        b->state = BODY_READING;
        request_op_start(r, &b->reading, "reading the request's body", true, cancel);
        r->codec->want_body(r);
        return STEP_WAIT;
    case BODY_READING:
        return STEP_WAIT;
    case BODY_COMPLETE:
        return STEP_NEXT;
    case BODY_FAILED:
        break;
    }
    b->state = BODY_COMPLETE;           /* said once: the answer is not to wait for it */
    b->drop = true;
    return request_fail(r, b->status);
}

enum step body_discard(struct request *r)
{
    struct body *b = r->body;
    if (!b || b->state == BODY_COMPLETE || b->reader)
        return STEP_NEXT;
    if (b->state != BODY_WAITING)
        return body_read(r);
    b->drop = true;
    if (r->out.status < 300 && !r->out.close && !fields_known(&r->in.fields, FIELD_EXPECT))
        return body_read(r);
    const enum step step = r->codec->discard(r);
    b->state = BODY_COMPLETE;
    return step == STEP_FAIL ? STEP_FAIL : STEP_NEXT;
}

struct str body_text(struct request *r)
{
    struct body *b = r->main->body;
    if (!b || b->state != BODY_COMPLETE || b->drop)
        return STR_NONE;
    if (b->fd < 0)
        return str_of(b->memory, b->len);
    char *text = pool_try(r->subject.pool, (size_t)b->file_size + 1);
    if (!text || pread(b->fd, text, (size_t)b->file_size, 0) != (ssize_t)b->file_size)
        return STR_NONE;
    return str_of(text, (size_t)b->file_size);
}

int64_t body_size(const struct request *r)
{
    const struct body *b = r->main->body;
    if (!b)
        return 0;
    return b->state == BODY_COMPLETE && !b->drop ? b->got : -1;
}

void body_chain(struct request *r, struct chain *out)
{
    const struct body *b = r->main->body;
    if (body_size(r) <= 0)
        return;
    if (b->fd < 0)
        chain_add(out, r->subject.pool, str_of(b->memory, b->len));
    else
        chain_add_file(out, r->subject.pool, b->fd, 0, (size_t)b->file_size);
}

/* A source over what is there: memory, or the file. */
struct source *body_source(struct request *r)
{
    return response_text_source(r, body_text(r));
}
