/*
 * Listening sockets: found among those that are open, inherited, or bound anew.
 * Owns, until they are used, the sockets that came with the environment; the others are handles.
 */
#include "core/listening.h"

#include "core/generation.h"
#include "core/log.h"
#include "core/number.h"

#include <fcntl.h>

struct inherited {
    struct inherited *next;
    int fd;
    bool lent, used;
    struct inet_address address;
};

/* Of the process, from its start until its first configuration took what it wanted; afterwards, of
 * those, the ones that are lent: without descriptor. */
static struct inherited *inherited;

static bool address_of(int fd, struct inet_address *address)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    return socket_local(fd, (struct sockaddr *)&at, &len) && inet_from_sockaddr(address, &at, len);
}

static void inherit(int fd, bool is_lent)
{
    struct inherited *i = calloc(1, sizeof(*i)), **end = &inherited;
    ASSERT(i);
    i->fd = fd;
    i->lent = is_lent;
    if (!address_of(fd, &i->address)) {
        log_write(log_process, LOG_CRIT, errno, "getsockname() of the inherited socket #%d failed",
                  fd);
        free(i);
        return;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    while (*end)
        end = &(*end)->next;
    *end = i;
}

bool listening_inherit(const char *list)
{
    struct str rest = str_from(list);
    while (rest.len) {
        size_t n = 0;
        uint32_t fd;
        struct str word;
        while (n < rest.len && rest.at[n] != ';' && rest.at[n] != ':')
            n++;
        if (!str_sub(rest, 0, n, &word) || !number_u32(word, &fd) || fd > INT_MAX) {
            log_write(log_process, LOG_EMERG, 0,
                      "invalid socket number \"%.*s\" in NGINX environment variable, ignoring the "
                      "rest of the variable",
                      STR_FMT(word));
            return false;
        }
        inherit((int)fd, n < rest.len && rest.at[n] == ':');
        if (!str_from_off(rest, n + 1, &rest))
            break;
    }
    return true;
}

void listening_inherit_activated(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        inherit(3 + (int)i, true);
}

void listening_inherit_end(void)
{
    char text[INET_TEXT + 1];
    struct fmt f;
    for (struct inherited **at = &inherited, *i; (i = *at) != NULL;) {
        if (i->used && i->lent) {
            i->fd = -1;
            at = &i->next;
            continue;
        }
        *at = i->next;
        fmt_init_cut(&f, text, sizeof(text));
        inet_write(&f, &i->address, true);
        if (!i->used) {
            log_write(log_process, LOG_WARN, 0,
                      "no \"listen\" names the inherited socket #%d of %.*s: closed", i->fd,
                      STR_FMT(fmt_done(&f)));
            close(i->fd);
        }
        free(i);
    }
}

bool listening_is_lent(int fd)
{
    struct inet_address address;
    const struct inherited *i = address_of(fd, &address) ? inherited : NULL;
    while (i && !(i->used && inet_eq(&i->address, &address)))
        i = i->next;
    return i != NULL;
}

void listening_unlink(int fd)
{
    if (!listening_is_lent(fd))
        socket_unlink(fd);
}

/* Of datagrams, perhaps, that no `listen` means. */
static bool fits(const struct inherited *i, const struct inet_address *address)
{
    return !i->used && inet_eq(&i->address, address) && socket_is_stream(i->fd);
}

static unsigned count_inherited(const struct inet_address *address, bool *shared)
{
    unsigned n = 0;
    for (const struct inherited *i = inherited; i; i = i->next) {
        if (!fits(i, address))
            continue;
        *shared = *shared || !socket_has_reuseport(i->fd);
        n++;
    }
    return n;
}

static int take_inherited(const struct inet_address *address)
{
    for (struct inherited *i = inherited; i; i = i->next) {
        if (!fits(i, address))
            continue;
        i->used = true;
        return i->fd;
    }
    return -1;
}

/* They are closed with the generation that took them, and another attempt will want them again. */
static void take_back(void)
{
    for (struct inherited *i = inherited; i; i = i->next) {
        if (!i->used || i->fd < 0)
            continue;
        i->fd = fcntl(i->fd, F_DUPFD_CLOEXEC, 3);
        i->used = false;
    }
}

struct listening *listening_add(struct conf *cf, const struct inet_address *address)
{
    struct listening *l = pool_new(cf->pool, struct listening), **end = &cf->gen->listenings;
    l->address = *address;
    while (*end)
        end = &(*end)->next;
    return *end = l;
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool failed(const struct listening *l, struct diag_list *diag, const char *call, int error)
{
    diag_add(diag, DIAG_EMERG, error == EADDRINUSE ? "address-in-use" : "cannot-listen",
             (struct diag_place){ 0 },
             "%s to %.*s failed (%d: %s)", call, STR_FMT(l->text), error, strerror(error));
    return false;
}

static int find(const struct listening *l, unsigned j, char *key, size_t size)
{
    struct fmt f;
    fmt_init(&f, key, size);
    fmt_print(&f, "listener:%.*s#%u", STR_FMT(l->text), j);
    fmt_done(&f);
    return handle_find(key);
}

/* The number of sockets that are open for this address. */
static unsigned count_open(const struct listening *l, bool *shared)
{
    char key[256];
    unsigned n = 0;
    for (int slot; (slot = find(l, n, key, sizeof(key))) >= 0; n++)
        *shared = *shared || !socket_has_reuseport(handles.at[slot].fd);
    return n;
}

static bool same_port(int fd, const struct inet_address *address)
{
    struct inet_address local;
    return address_of(fd, &local) && local.any.sa_family != AF_UNIX &&
           inet_port(&local) == inet_port(address);
}

/* Whether this server has another address of the port, perhaps all: then nobody else listens on
 * this one, and its own sockets would be in the way of the probe. */
static bool has_port(const struct inet_address *address)
{
    for (unsigned slot = 0; slot < handles.count; slot++)
        if (handles.at[slot].kind == HANDLE_LISTENER && same_port(handles.at[slot].fd, address))
            return true;
    for (const struct inherited *i = inherited; i; i = i->next)
        if (!i->used && same_port(i->fd, address))
            return true;
    return false;
}

/* One a worker, and never fewer than there are, since a socket that was closed would take the
 * connections in its backlog with it.  A socket without SO_REUSEPORT (unix, or from another
 * program) stays the only one of its address. */
static bool open_address(struct generation *gen, struct listening *l, unsigned workers,
                         struct diag_list *diag)
{
    char key[256];
    bool shared = !l->separate;
    const unsigned have = count_open(l, &shared);
    const unsigned came = have ? 0 : count_inherited(&l->address, &shared);
    unsigned want = shared ? 1 : workers;
    want = want < have ? have : want;
    want = want < came ? came : want;
    l->options.reuseport = !shared;
    if (!have && !came && !shared && !has_port(&l->address) &&
        !socket_probe(&l->address.any, l->address.len, &l->options))
        return failed(l, diag, "bind()", errno);
    l->slots = pool_array(&gen->pool, want, sizeof(*l->slots));
    for (unsigned j = 0; j < want; j++) {
        int slot = find(l, j, key, sizeof(key));
        if (slot < 0) {
            int fd = take_inherited(&l->address);
            if (fd < 0) {
                fd = socket_bind(&l->address.any, l->address.len, &l->options);
                l->bound = true;
            }
            if (fd < 0)
                return failed(l, diag, "bind()", errno);
            slot = (int)handle_add(HANDLE_LISTENER, key, fd);
        }
        l->slots[l->nslots++] = (unsigned)slot;
        generation_use_handle(gen, (unsigned)slot);
    }
    return true;
}

void listening_abandon(const struct generation *gen)
{
    for (const struct listening *l = gen->listenings; l; l = l->next)
        for (unsigned j = 0; l->bound && j < l->nslots; j++)
            socket_unlink(handles.at[l->slots[j]].fd);
    take_back();
}

bool listening_open(struct generation *gen, unsigned workers, struct diag_list *diag)
{
    bool good = true;
    for (struct listening *l = gen->listenings; l; l = l->next)
        good &= open_address(gen, l, workers, diag);
    if (!good)
        listening_abandon(gen);
    return good;
}

bool listening_start(const struct generation *gen, const struct listening **which)
{
    for (const struct listening *l = gen->listenings; l; l = l->next)
        for (unsigned j = 0; j < l->nslots; j++)
            if (!socket_listen(handles.at[l->slots[j]].fd, &l->options)) {
                *which = l;
                return false;
            }
    return true;
}
