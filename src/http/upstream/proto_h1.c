/*
 * HTTP/1 to servers: a codec for the engine.  Owns nothing: what it builds lies in the request's
 * pool, what it reads in the engine's blocks.
 */
#include "http/upstream/proto_h1.h"

#include "http/body.h"
#include "http/v1/h1_write.h"

enum {
    INTERIMS_MOST = 100,
    TRAILERS_MOST = 32 << 10,
};

/* --- the request ------------------------------------------------------------------------------ */

static bool encode_head(struct upstream *u, struct chain *out)
{
    struct h1_request *q = u->data;
    struct pool *pool = u->request->subject.pool;
    q->answer = (struct h1_response){ .length = -1 };
    q->seen = 0;
    q->interims = 0;
    q->chunked = (struct h1_chunked){ .want_trailers = u->conf->pass_trailers };
    q->left = 0;
    q->complete = q->excess = false;
    if (u->conf->pass_trailers)
        fmt_init_pool(&q->trailers, pool, 0, TRAILERS_MOST);
    chain_add(out, pool, q->head);
    return true;
}

static void add_body(struct upstream *u, struct chain *out)
{
    const struct h1_request *q = u->data;
    if (q->body.at)
        chain_add(out, u->request->subject.pool, q->body);
    else if (q->framing != H1_OUT_NONE)
        body_chain(u->request, out);
}

static void encode_body(struct upstream *u, struct chain *body, struct chain *out, bool last)
{
    const struct h1_request *q = u->data;
    if (q->framing != H1_OUT_CHUNKED) {
        chain_move(out, body);
        return;
    }
    h1_write_chunk(u->request, body, out, false);
    if (last)
        chain_add(out, u->request->subject.pool, STR("0\r\n\r\n"));
}

/* --- the head of the answer ------------------------------------------------------------------- */

static enum decode bad(struct upstream *u, const char *why, struct str culprit)
{
    u->why = why;
    u->culprit = culprit;
    return DECODE_BAD;
}

static bool is_bodiless(const struct h1_request *q)
{
    return q->bodiless || q->answer.status < 200 || q->answer.status == 204
           || q->answer.status == 304 || (!q->answer.chunked && q->answer.length == 0);
}

static void fill_head(struct upstream *u, struct h1_request *q)
{
    u->head = (struct upstream_head){
        .status = q->answer.status, .reason = q->answer.reason, .fields = q->answer.fields,
        .length = q->answer.chunked ? -1 : q->answer.length, .bodiless = is_bodiless(q),
        .trailers_due = q->answer.chunked && !is_bodiless(q) && u->conf->pass_trailers,
    };
}

static enum decode interim(struct upstream *u, struct h1_request *q)
{
    q->seen = 0;
    fill_head(u, q);
    if (q->answer.status == 101) {
        if (!q->upgrade)
            return bad(u, "upstream switched protocols without being asked to", STR_NONE);
        if (q->answer.upgrade.at)       /* the client is to know to what */
            fields_add(&u->head.fields, u->request->subject.pool, STR("Upgrade"),
                       q->answer.upgrade);
        return DECODE_UPGRADED;
    }
    if (++q->interims > INTERIMS_MOST)
        return bad(u, "upstream sent too many interim responses", STR_NONE);
    return DECODE_INTERIM;
}

/* What is no answer of HTTP/1 is known by its first bytes. */
static bool may_begin(struct str bytes)
{
    const struct str begin = STR("HTTP/1.");
    return bytes.len < begin.len ? str_starts(begin, bytes) : str_starts(bytes, begin);
}

static enum decode decode_head(struct upstream *u, struct str bytes, size_t *used)
{
    struct h1_request *q = u->data;
    struct pool *pool = u->request->subject.pool;
    struct str head;
    if (!may_begin(bytes))
        return bad(u, "upstream sent no valid HTTP/1.0 header", STR_NONE);
    const size_t end = h1_find_end(bytes, &q->seen);
    if (end == 0)
        return DECODE_MORE;
    ASSERT(str_sub(bytes, 0, end, &head));
    if (h1_parse_response(head, pool, &q->answer) != H1_DONE)
        return bad(u, q->answer.why, q->answer.culprit);
    for (unsigned i = 0; i < q->answer.dropped.count; i++)
        log_write(&u->request->log, LOG_INFO, 0, "upstream sent invalid header line: \"%.*s\"",
                  STR_FMT(q->answer.dropped.at[i].name));
    *used = end;
    if (q->answer.status < 200)
        return interim(u, q);
    fill_head(u, q);
    q->complete = is_bodiless(q);
    q->left = q->complete || q->answer.chunked ? 0 : q->answer.length;
    return DECODE_END;
}

static enum rewritten edit_field(struct upstream *u, const struct field *field, struct str *value)
{
    const struct h1_request *q = u->data;
    struct subject *s = &u->request->subject;
    if (field->id == FIELD_LOCATION && q->redirects)
        return rewrite_location(q->redirects, s, field->value, value);
    if (field->id == FIELD_REFRESH && q->redirects)
        return rewrite_refresh(q->redirects, s, field->value, value);
    if (field->id == FIELD_SET_COOKIE && q->cookies)
        return rewrite_cookie(q->cookies, s, field->value, value);
    return REWRITTEN_NOT;
}

/* --- the body of the answer ------------------------------------------------------------------- */

static enum decode end(struct upstream *u, struct h1_request *q, struct str *in)
{
    q->complete = true;
    if (in->len && !q->excess) {
        q->excess = true;
        log_write(&u->request->log, LOG_WARN, 0, "upstream sent %s",
                  q->answer.chunked && !is_bodiless(q) ? "data after final chunk"
                  : "more data than specified in \"Content-Length\" header");
    }
    *in = STR_NONE;
    return DECODE_END;
}

static enum decode take(struct h1_request *q, struct str *in, struct str *data)
{
    const size_t most = q->left < 0 || (uint64_t)q->left > in->len ? in->len : (size_t)q->left;
    if (most == 0)
        return DECODE_MORE;
    ASSERT(str_sub(*in, 0, most, data) && str_from_off(*in, most, in));
    q->left -= q->left < 0 ? 0 : (int64_t)most;
    return DECODE_DATA;
}

/* Those that are no trailers are dropped, and so are all when there are too many. */
static void keep_trailers(struct upstream *u, struct h1_request *q)
{
    struct fields *trailers = &u->head.trailers;
    const struct str section = fmt_done(&q->trailers);
    if (q->trailers.failed || !h1_parse_trailers(section, u->request->subject.pool, trailers)) {
        log_write(&u->request->log, LOG_ERROR, 0, "upstream sent invalid trailers");
        *trailers = (struct fields){ 0 };
    }
    for (unsigned i = 0; i < trailers->count; i++)
        fields_add(&u->request->out.trailers, u->request->subject.pool, trailers->at[i].name,
                   trailers->at[i].value);
}

static enum decode decode_chunked(struct upstream *u, struct h1_request *q, struct str *in,
                                  struct str *data)
{
    for (;;) {
        switch (h1_chunked(&q->chunked, in, data)) {
        case H1_CHUNKED_MORE:
            return DECODE_MORE;
        case H1_CHUNKED_DATA:
            return DECODE_DATA;
        case H1_CHUNKED_TRAILERS:
            fmt_str(&q->trailers, *data);
            continue;
        case H1_CHUNKED_END:
            if (q->trailers.len || q->trailers.failed)
                keep_trailers(u, q);
            return end(u, q, in);
        case H1_CHUNKED_BAD:
            return bad(u, "upstream sent invalid chunked response", STR_NONE);
        }
    }
}

static enum decode decode_body(struct upstream *u, struct str *in, struct str *data)
{
    struct h1_request *q = u->data;
    *data = STR_NONE;
    if (q->complete)
        return end(u, q, in);
    if (q->answer.chunked)
        return decode_chunked(u, q, in, data);
    return q->left == 0 ? end(u, q, in) : take(q, in, data);
}

static bool ends_at_close(const struct upstream *u)
{
    const struct h1_request *q = u->data;
    return q->complete || (!q->answer.chunked && q->left <= 0);
}

static bool reusable(const struct upstream *u)
{
    const struct h1_request *q = u->data;
    if (!q->complete || q->excess || u->excess || q->close || q->answer.close || q->left < 0)
        return false;
    return q->answer.keep_alive || (q->minor == 1 && q->answer.minor == 1);
}

const struct upstream_protocol upstream_http1 = {
    .name = "http/1", .encode_head = encode_head, .body = add_body, .encode_body = encode_body,
    .decode_head = decode_head, .decode_body = decode_body, .ends_at_close = ends_at_close,
    .reusable = reusable, .edit_field = edit_field,
};
