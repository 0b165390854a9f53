/*
 * Listening sockets: how many, found again, inherited, and what a failure leaves behind.
 * Owns sockets on ports that the system chooses, and files in a folder of its own.
 */
#include "core/listening.c"

#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct pool temp;
static char folder[] = "/tmp/weir-listening-XXXXXX";

static struct generation begin(void)
{
    struct generation gen = { 0 };
    pool_init(&gen.pool, &pool_heap);
    return gen;
}

static struct listening *add(struct generation *gen, const char *path, uint16_t port)
{
    struct listening *l = pool_new(&gen->pool, struct listening), **end = &gen->listenings;
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (path)
        memcpy(un.sun_path, path, strlen(path));
    ok(inet_from_sockaddr(&l->address, path ? (void *)&un : (void *)&in,
                          path ? sizeof(un) : sizeof(in)), "an address");
    l->text = path ? fmt_pool(&gen->pool, "unix:%s", path)
                   : fmt_pool(&gen->pool, "127.0.0.1:%u", port);
    l->separate = path == NULL;
    while (*end)
        end = &(*end)->next;
    return *end = l;
}

static bool open_all(struct generation *gen, unsigned workers, const char **text)
{
    struct diag_list diag;
    diag_init(&diag, &temp);
    const bool good = listening_open(gen, workers, &diag);
    *text = diag.first ? diag.first->code : "none";
    return good;
}

static void end(struct generation *gen)
{
    for (unsigned slot = 0; slot < handles.count; slot++)
        handle_close(slot);
    pool_free(&gen->pool);
}

static const char *file(const char *name)
{
    return fmt_pool(&temp, "%s/%s", folder, name).at;
}

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static uint16_t free_port(int *fd)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(in);
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ok(bind(*fd, (void *)&in, len) == 0 && getsockname(*fd, (void *)&in, &len) == 0, "a port");
    return ntohs(in.sin_port);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_numbers(void)
{
    const char *code;
    int fd;
    const uint16_t port = free_port(&fd);
    close(fd);
    struct generation one = begin(), two = begin(), three = begin();
    const struct listening *l = add(&one, NULL, port);
    ok(open_all(&one, 3, &code) && l->nslots == 3 && l->bound, "one for each worker");
    const struct listening *fewer = add(&two, NULL, port);
    ok(open_all(&two, 1, &code) && fewer->nslots == 3 && !fewer->bound, "never fewer");
    is_mem(fewer->slots, 3 * sizeof(unsigned), l->slots, 3 * sizeof(unsigned), "the same ones");
    const struct listening *more = add(&three, NULL, port), *which = NULL;
    ok(open_all(&three, 4, &code) && more->nslots == 4, "one more for one worker more");
    ok(listening_start(&three, &which), "all of them listen");
    pool_free(&one.pool);
    pool_free(&two.pool);
    end(&three);
}

static void test_nothing_left(void)
{
    const char *code, *path = file("a");
    int fd;
    const uint16_t port = free_port(&fd);
    ok(listen(fd, 1) == 0, "somebody listens");
    struct generation gen = begin();
    add(&gen, path, 0);
    add(&gen, NULL, port);
    ok(!open_all(&gen, 2, &code), "one of two addresses is in use");
    is_str(code, "address-in-use", "which is said");
    ok(!exists(path), "the file of the other one is gone");
    end(&gen);
    gen = begin();
    add(&gen, file("missing/a"), 0);
    ok(!open_all(&gen, 2, &code), "a folder that is not there");
    is_str(code, "cannot-listen", "is not an address in use");
    end(&gen);
    close(fd);
}

static void test_stale(void)
{
    const char *code, *path = file("b");
    struct generation gen = begin();
    const struct listening *which;
    add(&gen, path, 0);
    ok(open_all(&gen, 4, &code) && gen.listenings->nslots == 1, "one socket for all");
    ok(listening_start(&gen, &which), "it listens");
    const int fd = dup(handle_fd(gen.listenings->slots[0]));
    end(&gen);
    gen = begin();
    add(&gen, path, 0);
    ok(!open_all(&gen, 4, &code), "a file that somebody listens on is not taken away");
    ok(exists(path), "nor removed");
    end(&gen);
    close(fd);
    gen = begin();
    add(&gen, path, 0);
    ok(open_all(&gen, 4, &code), "one that nobody listens on is");
    listening_abandon(&gen);
    ok(!exists(path), "and not left behind");
    end(&gen);
}

static void test_inherited(void)
{
    const char *code, *path = file("c");
    struct generation gen = begin();
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(un.sun_path, path, strlen(path));
    ok(bind(fd, (void *)&un, sizeof(un)) == 0 && listen(fd, 1) == 0, "another program's socket");
    ok(listening_inherit(fmt_pool(&temp, "%d;%d;", fd, other).at), "inherited with one more");
    add(&gen, path, 0);
    ok(open_all(&gen, 2, &code), "used");
    is_int(handle_fd(gen.listenings->slots[0]), fd, "as it came");
    ok(fcntl(fd, F_GETFD) & FD_CLOEXEC, "not for programs that are executed");
    listening_inherit_end();
    ok(fcntl(fd, F_GETFD) >= 0, "and kept");
    listening_abandon(&gen);
    ok(exists(path), "its file is not ours to remove");
    ok(!listening_inherit("x;"), "no number");
    ok(!listening_inherit("4294967296;"), "too large a number");
    end(&gen);
    close(other);
    unlink(path);
}

int main(void)
{
    pool_reserve_init();
    pool_init(&temp, &pool_heap);
    ok(mkdtemp(folder) != NULL, "a folder");
    test_numbers();
    test_nothing_left();
    test_stale();
    test_inherited();
    ok(rmdir(folder) == 0, "nothing is left in it");
    pool_free(&temp);
    return done_testing();
}
