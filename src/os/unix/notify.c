/*
 * sd_notify and socket activation.  Owns nothing but the time of the last sign of life.
 */
#include "os/unix/notify.h"

#include "os/unix/clock.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

static void send_text(const char *text, size_t len)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    (void)!sendto(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT, (void *)&to, size);
    close(fd);
}

void notify_send(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n > 0)
        send_text(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void notify_reloading(void)
{
    notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_usec());
}

void notify_start(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    if (pid && strtol(pid, NULL, 10) == getpid())
        unsetenv("WATCHDOG_PID");
}

int64_t notify_watchdog(int64_t now)
{
    static int64_t last;
    const char *interval = getenv("WATCHDOG_USEC");
    const bool ours = interval && !getenv("WATCHDOG_PID");
    const int64_t half = ours ? strtoll(interval, NULL, 10) / 2000 : 0;
    if (half <= 0)
        return -1;
    if (last == 0 || now - last >= half) {
        last = now;
        notify_send("WATCHDOG=1");
    }
    return last + half - now;
}

unsigned notify_listen_fds(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    unsigned n = 0;
    if (pid && count && strtol(pid, NULL, 10) == getpid()) {
        const long value = strtol(count, NULL, 10);
        n = value > 0 && value < 1024 ? (unsigned)value : 0;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return n;
}
