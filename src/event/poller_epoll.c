/*
 * Readiness by epoll: one registration for the life of a descriptor, edge-triggered.
 * Owns the epoll descriptor; watches belong to those who embed them.
 */
#include "core/log.h"
#include "event/loop.h"
#include "os/unix/clock.h"

#include <sys/epoll.h>

enum { FETCH_MOST = 256 };

bool poller_init(struct poller *poller)
{
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0)
        log_write(log_process, LOG_EMERG, errno, "epoll_create1() failed");
    return poller->fd >= 0;
}

void poller_free(struct poller *poller)
{
    if (poller->fd >= 0)
        close(poller->fd);
    poller->fd = -1;
}

static uint32_t events_of(enum poll_mode mode)
{
    switch (mode) {
    case POLL_LEVEL:
        return EPOLLIN;
    case POLL_SHARED:
        return EPOLLIN | EPOLLEXCLUSIVE;
    case POLL_EDGE:
        break;
    }
    return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
}

bool poller_add(struct loop *loop, struct watch *watch, enum poll_mode mode)
{
    struct epoll_event event = { .events = events_of(mode), .data = { .ptr = watch } };
    if (epoll_ctl(loop->poller.fd, EPOLL_CTL_ADD, watch->fd, &event) == 0)
        return true;
    const int error = errno;
    log_write(log_process, LOG_ALERT, error, "epoll_ctl(ADD, %d) failed", watch->fd);
    errno = error;
    return false;
}

void poller_forget(struct loop *loop, struct watch *watch)
{
    struct epoll_event *events = loop->events;
    for (unsigned i = loop->event; i < loop->nevents; i++)
        if (events[i].data.ptr == watch)
            events[i].data.ptr = NULL;
}

void poller_remove(struct loop *loop, struct watch *watch)
{
    poller_forget(loop, watch);
    if (epoll_ctl(loop->poller.fd, EPOLL_CTL_DEL, watch->fd, NULL) < 0)
        log_write(log_process, LOG_ALERT, errno, "epoll_ctl(DEL, %d) failed", watch->fd);
}

/* After an error or a full hang-up reading and writing do not block any more: whoever tries learns
 * the cause. */
static void raise_flags(struct watch *watch, uint32_t events)
{
    const bool broken = events & (EPOLLERR | EPOLLHUP);
    watch->error = watch->error || (events & EPOLLERR);
    watch->hangup = watch->hangup || (events & (EPOLLRDHUP | EPOLLHUP));
    watch->readable = watch->readable || broken || (events & (EPOLLIN | EPOLLRDHUP));
    watch->writable = watch->writable || broken || (events & EPOLLOUT);
}

static void dispatch(struct loop *loop, struct epoll_event *events)
{
    while (loop->event < loop->nevents) {
        const struct epoll_event *event = &events[loop->event++];
        struct watch *watch = event->data.ptr;
        if (!watch)
            continue;
        raise_flags(watch, event->events);
        watch->ready(watch);
    }
}

static int clamp(int64_t msec)
{
    return msec < 0 ? -1 : msec > INT_MAX ? INT_MAX : (int)msec;
}

/* The time is read here, once a turn, before anybody is called. */
bool poller_wait(struct loop *loop, int64_t msec)
{
    struct epoll_event events[FETCH_MOST];
    const int n = epoll_wait(loop->poller.fd, events, FETCH_MOST, clamp(msec));
    const int error = n < 0 ? errno : 0;
    loop->now = clock_msec();
    loop->real = clock_real_msec();
    if (error && error != EINTR) {
        log_write(log_process, LOG_ALERT, error, "epoll_wait() failed");
        return false;
    }
    loop->events = events;
    loop->event = 0;
    loop->nevents = n > 0 ? (unsigned)n : 0;
    dispatch(loop, events);
    loop->nevents = 0;
    loop->events = NULL;
    return true;
}
