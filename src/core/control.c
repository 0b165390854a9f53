/*
 * The control socket: a command a connection, its answer, and the end.
 * Owns the socket's file beside the pid file, and the connections whose answer is not there yet.
 *
 *     client: "reload\n"      master: "text ...\n" ... "status 0\n"
 */
#include "core/log.h"
#include "core/master.h"
#include "os/unix/clock.h"
#include "os/unix/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { COMMAND_MOST = 64, ASK_MS = 200, PINS_MS = 2000 };

struct control_client {
    struct control_client *next;
    int fd;
    bool reload;                        /* waits for the outcome of a reload; else for pins */
    unsigned answers;                   /* that are missing */
    int64_t deadline;
};

/* The path of a unix socket has 107 bytes; a folder's descriptor makes room for any name. */
static bool address_of(const char *path, struct sockaddr_un *address, int *folder)
{
    struct fmt f;
    const struct str all = str_from(path);
    const ssize_t slash = str_rchr(all, '/');
    *folder = -1;
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    fmt_init(&f, address->sun_path, sizeof(address->sun_path));
    if (all.len < sizeof(address->sun_path)) {
        fmt_str(&f, all);
    } else {                            /* the name alone may still be too long */
        char *name = strndup(path, slash > 0 ? (size_t)slash : 1);
        *folder = name ? open(name, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        free(name);
        fmt_print(&f, "/proc/self/fd/%d%s", *folder, path + (slash > 0 ? slash : 0));
    }
    return fmt_done(&f).len > 0 && !f.failed;
}

static void socket_path(const char *pid_path, struct fmt *f)
{
    fmt_text(f, pid_path);
    fmt_text(f, ".control");
    fmt_done(f);
}

/* True: `fd` listens there, for its owner only. */
static bool listen_at(int fd, const char *path)
{
    struct sockaddr_un address;
    int folder;
    const bool fits = address_of(path, &address, &folder);
    if (fits)
        unlink(path);
    else
        errno = ENAMETOOLONG;
    const mode_t mask = umask(0177);
    const bool done = fits && bind(fd, (void *)&address, sizeof(address)) == 0 &&
                      listen(fd, 16) == 0;
    umask(mask);
    if (folder >= 0)
        close(folder);
    return done;
}

bool control_open(struct master *m)
{
    char path[PATH_MAX];
    struct fmt f;
    struct stat st;
    fmt_init(&f, path, sizeof(path));
    socket_path(m->pid_path, &f);
    m->control = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (m->control < 0)
        return false;
    if (f.failed || !listen_at(m->control, path) || lstat(path, &st) < 0) {
        const int error = f.failed ? ENAMETOOLONG : errno;
        close(m->control);
        m->control = -1;
        errno = error;
        return false;
    }
    m->control_inode = st.st_ino;
    m->control_path = strdup(path);
    return true;
}

/* Callers that wait for an answer stay: the socket is the same under its new name. */
void control_move(struct master *m)
{
    char path[PATH_MAX];
    struct fmt f;
    fmt_init(&f, path, sizeof(path));
    socket_path(m->pid_path, &f);
    if (!m->control_path || f.failed || rename(m->control_path, path) < 0)
        return;
    free(m->control_path);
    m->control_path = strdup(path);
}

void control_forget_clients(struct master *m)
{
    while (m->clients) {
        struct control_client *client = m->clients;
        m->clients = client->next;
        close(client->fd);
        free(client);
    }
}

/* A server that was started while this one finishes has one of its own there. */
static bool is_ours(const struct master *m)
{
    struct stat st;
    return lstat(m->control_path, &st) == 0 && st.st_ino == m->control_inode;
}

void control_close(struct master *m)
{
    control_forget_clients(m);
    if (m->control >= 0)
        close(m->control);
    m->control = -1;
    if (m->control_path && is_ours(m))
        unlink(m->control_path);
    free(m->control_path);
    m->control_path = NULL;
}

/* A caller that does not read is not waited for. */
static void say(int fd, const char *text, size_t len)
{
    if (len)
        (void)!send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void end(struct master *m, struct control_client *client, int status)
{
    char line[32];
    struct fmt f;
    fmt_init(&f, line, sizeof(line));
    fmt_print(&f, "status %d\n", status);
    say(client->fd, line, fmt_done(&f).len);
    struct control_client **at = &m->clients;
    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    close(client->fd);
    free(client);
}

void control_outcome(struct master *m, bool done, struct str text)
{
    for (struct control_client *c = m->clients, *next; c; c = next) {
        next = c->next;
        if (!c->reload)
            continue;
        if (m->report)
            say(c->fd, m->report, strlen(m->report));
        if (!done) {
            say(c->fd, "weir: ", 6);
            say(c->fd, text.at, text.len);
            say(c->fd, "\n", 1);
        }
        end(m, c, done ? 0 : 1);
    }
}

/* --- generations ------------------------------------------------------------------------------ */

static void list_generations(const struct master *m, const struct control_client *client)
{
    const int64_t now = clock_real_msec();
    for (unsigned i = 0; i < MASTER_LIVING; i++) {
        const struct living *living = &m->living[i];
        char line[256];
        struct fmt f;
        if (!living->generation)
            continue;
        fmt_init(&f, line, sizeof(line));
        fmt_print(&f, "generation %u%s, %lld s old, %zu bytes\n", living->id,
                  living == m->current ? " (current)" : "",
                  (long long)(now - living->loaded) / 1000, living->generation->pool.used);
        say(client->fd, line, fmt_done(&f).len);
    }
}

void control_status(struct master *m, struct worker_row *row, const struct message *message)
{
    for (struct control_client *c = m->clients, *next; c; c = next) {
        char line[128];
        struct fmt f;
        next = c->next;
        if (c->reload)
            continue;
        if (message->type == MESSAGE_STATUS) {
            if (c->answers && --c->answers == 0)
                end(m, c, 0);
            continue;
        }
        fmt_init(&f, line, sizeof(line));
        fmt_print(&f, "  worker %u (process %d) holds generation %u for %u requests\n", row->index,
                  (int)row->pid, message->generation, message->number);
        say(c->fd, line, fmt_done(&f).len);
    }
}

/* A worker that hangs or dies does not answer. */
void control_step(struct master *m, int64_t now)
{
    static const char text[] = "weir: some workers did not answer\n";
    for (struct control_client *c = m->clients, *next; c; c = next) {
        next = c->next;
        if (c->reload || now < c->deadline)
            continue;
        say(c->fd, text, strlen(text));
        end(m, c, 1);
    }
}

static void ask_pins(struct master *m, struct control_client *client)
{
    const struct message message = { .type = MESSAGE_STATUS };
    client->deadline = clock_msec() + PINS_MS;
    list_generations(m, client);
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].channel >= 0 && workers_send(&m->rows[i], &message))
            client->answers++;
    if (client->answers == 0)
        end(m, client, 0);
}

static bool allowed(int fd)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == 0 || who.uid == geteuid());
}

/* The command comes with the connection, or soon: the client is this very program. */
static struct str read_command(int fd, char *buffer, size_t size)
{
    const struct timeval patience = { .tv_usec = ASK_MS * 1000 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const ssize_t got = recv(fd, buffer, size, 0);
    struct str line, rest;
    if (got <= 0 || !str_cut(str_of(buffer, (size_t)got), '\n', &line, &rest))
        return STR_NONE;
    return line;
}

void control_accept(struct master *m)
{
    char buffer[COMMAND_MOST];
    const int fd = accept4(m->control, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    const struct str command = allowed(fd) ? read_command(fd, buffer, sizeof(buffer)) : STR_NONE;
    struct control_client *client = calloc(1, sizeof(*client));
    if (!client) {
        close(fd);
        return;
    }
    client->fd = fd;
    client->next = m->clients;
    m->clients = client;
    const bool ending = m->quitting || m->terminating;
    if (str_eq(command, STR("reload")) && !ending) {
        client->reload = true;
        m->reload_pending = true;
        m->draining = m->draining && m->new_binary;
        log_write(log_process, LOG_NOTICE, 0, "reload asked for on the control socket");
    } else if (str_eq(command, STR("generations"))) {
        ask_pins(m, client);
    } else if (str_eq(command, STR("ping")) && !ending) {
        end(m, client, 0);
    } else {
        end(m, client, 2);
    }
}

/* --- the client ------------------------------------------------------------------------------- */

static int print_answer(int fd)
{
    char line[4096];
    int status = -1;
    FILE *in = fdopen(fd, "r");
    if (!in) {
        close(fd);
        return -1;
    }
    while (fgets(line, sizeof(line), in)) {
        const struct str text = str_from(line);
        if (str_starts(text, STR("status ")) && text.len >= 9)
            status = text.at[7] - '0';
        else
            fputs(line, stderr);
    }
    fclose(in);
    return status;
}

int control_ask(const char *pid_path, const char *command)
{
    struct sockaddr_un address;
    char path[PATH_MAX], line[COMMAND_MOST];
    struct fmt f;
    int folder;
    fmt_init(&f, path, sizeof(path));
    socket_path(pid_path, &f);
    if (f.failed || !address_of(path, &address, &folder))
        return -1;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool there = fd >= 0 && connect(fd, (void *)&address, sizeof(address)) == 0;
    if (folder >= 0)
        close(folder);
    if (!there) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    fmt_init(&f, line, sizeof(line));
    fmt_print(&f, "%s\n", command);
    say(fd, line, fmt_done(&f).len);
    const int status = print_answer(fd);
    return status < 0 ? 1 : status;
}
