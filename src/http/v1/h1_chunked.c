/*
 * The chunked transfer coding on its way in.  Pure: owns nothing.
 */
#include "http/v1/h1_chunked.h"

enum state {
    SIZE,                               /* zero: the beginning */
    SIZE_BLANK,                         /* behind the size: only an extension may follow */
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,                            /* a trailer, or the empty line that ends the body */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
    END,
    BAD,
};

/* Extensions and trailers may be as long as the data, and so much more. */
enum { EXTRA_MOST = 16 << 10, DIGITS_MOST = 16 };

static int digit_of(char c)
{
    const char low = str_lower_char(c);
    if (c >= '0' && c <= '9')
        return c - '0';
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static bool in_name(char c)
{
    const char low = str_lower_char(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           str_chr(STR("!#$%&'*+-.^_`|~"), c) != STR_NPOS;
}

static bool in_value(char c)
{
    const unsigned char byte = (unsigned char)c;
    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* A byte of an extension or a trailer: `next`, when it is a good one and not one too many. */
static enum state extra_byte(struct h1_chunked *c, bool good, enum state next)
{
    return good && ++c->extra <= EXTRA_MOST ? next : BAD;
}

static enum state blank_byte(struct h1_chunked *c, char byte)
{
    const bool blank = byte == ' ' || byte == '\t';
    return extra_byte(c, blank || byte == ';', blank ? SIZE_BLANK : EXTENSION);
}

static enum state size_byte(struct h1_chunked *c, char byte)
{
    const int digit = digit_of(byte);
    if (digit >= 0) {
        if (c->digits == DIGITS_MOST || c->left > INT64_MAX >> 4)
            return BAD;
        c->digits++;
        c->left = c->left << 4 | (unsigned)digit;
        return SIZE;
    }
    if (c->digits == 0)
        return BAD;
    return byte == '\r' ? SIZE_LF : blank_byte(c, byte);
}

/* The size is known.  What a chunk brings makes up for what was said about it. */
static enum state begin_chunk(struct h1_chunked *c)
{
    c->digits = 0;
    c->extra -= (uint32_t)(c->left < c->extra ? c->left : c->extra);
    return c->left ? DATA : TRAILER;
}

static enum state framing_byte(struct h1_chunked *c, char byte)
{
    switch ((enum state)c->state) {
    case SIZE: return size_byte(c, byte);
    case SIZE_BLANK: return blank_byte(c, byte);
    case EXTENSION:
        return byte == '\r' ? SIZE_LF : extra_byte(c, in_value(byte), EXTENSION);
    case SIZE_LF: return byte == '\n' ? begin_chunk(c) : BAD;
    case DATA_CR: return byte == '\r' ? DATA_LF : BAD;
    case DATA_LF: return byte == '\n' ? SIZE : BAD;
    case TRAILER:
        return byte == '\r' ? END_LF : extra_byte(c, in_name(byte), TRAILER_NAME);
    case TRAILER_NAME:
        return extra_byte(c, byte == ':' || in_name(byte), byte == ':' ? TRAILER_VALUE
                                                                       : TRAILER_NAME);
    case TRAILER_VALUE:
        return byte == '\r' ? TRAILER_LF : extra_byte(c, in_value(byte), TRAILER_VALUE);
    case TRAILER_LF: return byte == '\n' ? TRAILER : BAD;
    case END_LF: return byte == '\n' ? END : BAD;
    case DATA:
    case END:
    case BAD: break;
    }
    return BAD;
}

static enum h1_chunked_result take_data(struct h1_chunked *c, struct str *in, struct str *data)
{
    const size_t len = c->left < in->len ? (size_t)c->left : in->len;
    ASSERT(str_sub(*in, 0, len, data) && str_from_off(*in, len, in));
    c->left -= len;
    if (c->left == 0)
        c->state = DATA_CR;
    return H1_CHUNKED_DATA;
}

/* A line of a trailer goes on, or may begin: with the empty line it does not. */
static bool in_trailer(enum state state)
{
    return state == TRAILER || state == TRAILER_NAME || state == TRAILER_VALUE ||
           state == TRAILER_LF;
}

/* May be none: *data is empty. */
static void take_trailers(struct h1_chunked *c, struct str *in, struct str *data)
{
    size_t at = 0, len = 0;
    while (at < in->len && in_trailer((enum state)c->state)) {
        c->state = framing_byte(c, in->at[at++]);
        if (in_trailer((enum state)c->state))
            len = at;
    }
    ASSERT(str_sub(*in, 0, len, data) && str_from_off(*in, at, in));
}

enum h1_chunked_result h1_chunked(struct h1_chunked *c, struct str *in, struct str *data)
{
    size_t at = 0;
    *data = STR_NONE;
    while (at < in->len && c->state != DATA && c->state != END && c->state != BAD) {
        if (c->want_trailers && in_trailer((enum state)c->state)) {
            ASSERT(str_from_off(*in, at, in));
            at = 0;
            take_trailers(c, in, data);
            if (data->len)
                return H1_CHUNKED_TRAILERS;
            continue;
        }
        c->state = framing_byte(c, in->at[at++]);
    }
    ASSERT(str_from_off(*in, at, in));
    if (c->state == BAD)
        return H1_CHUNKED_BAD;
    if (c->state == END)
        return H1_CHUNKED_END;
    return c->state == DATA && in->len ? take_data(c, in, data) : H1_CHUNKED_MORE;
}
