/*
 * Signals.  Owns nothing but the process's mask.
 */
#include "os/unix/signal.h"

#include <signal.h>
#include <sys/signalfd.h>

int signal_open(const int *signals, unsigned count)
{
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGSYS, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);           /* write() says so as well */
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void signal_restore(void)
{
    sigset_t none;
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGSYS, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

const char *signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {
        { SIGHUP, "SIGHUP" },     { SIGINT, "SIGINT" },   { SIGQUIT, "SIGQUIT" },
        { SIGUSR1, "SIGUSR1" },   { SIGUSR2, "SIGUSR2" }, { SIGTERM, "SIGTERM" },
        { SIGCHLD, "SIGCHLD" },   { SIGALRM, "SIGALRM" }, { SIGIO, "SIGIO" },
        { SIGWINCH, "SIGWINCH" }, { SIGPIPE, "SIGPIPE" }, { SIGSYS, "SIGSYS" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].number == number)
            return names[i].name;
    return "a signal";
}
