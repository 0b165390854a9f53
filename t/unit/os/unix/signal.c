/*
 * Signals as descriptors: blocked and read, ignored, restored; their names.
 * Owns nothing: what changes the mask runs in children.
 */
#include "os/unix/signal.c"

#include "t/unit/tap.h"

#include <fcntl.h>
#include <sys/wait.h>

/* The number of the first thing that was wrong in a child that runs it; 0: nothing, 1000 and more:
 * a signal ended it. */
static int wrong_in_child(int (*run)(void))
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0)
        _exit(run());
    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int open_two(void)
{
    static const int two[] = { SIGHUP, SIGTERM };
    return signal_open(two, 2);
}

static int reads_them(void)
{
    struct signalfd_siginfo info;
    const int fd = open_two();
    if (fd < 0)
        return 1;
    if (read(fd, &info, sizeof(info)) != -1 || errno != EAGAIN)
        return 2;
    kill(getpid(), SIGTERM);
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 3;
    if (info.ssi_signo != SIGTERM || info.ssi_pid != (uint32_t)getpid())
        return 4;
    raise(SIGHUP);
    raise(SIGHUP);
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info) || info.ssi_signo != SIGHUP)
        return 5;
    if (read(fd, &info, sizeof(info)) != -1 || errno != EAGAIN)
        return 6;                       /* the same signal twice waits once */
    return fcntl(fd, F_GETFD) & FD_CLOEXEC ? 0 : 7;
}

static int ignores_pipe(void)
{
    int ends[2];
    if (open_two() < 0 || pipe(ends) < 0)
        return 1;
    close(ends[0]);
    if (write(ends[1], "x", 1) != -1 || errno != EPIPE)
        return 2;
    raise(SIGSYS);
    return 0;
}

/* What was blocked before is not any more: only the given signals are. */
static int leaves_others(void)
{
    sigset_t before, now;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR1);
    sigprocmask(SIG_BLOCK, &before, NULL);
    if (open_two() < 0)
        return 1;
    sigprocmask(SIG_BLOCK, NULL, &now);
    if (sigismember(&now, SIGUSR1) || sigismember(&now, SIGINT))
        return 2;
    return sigismember(&now, SIGHUP) && sigismember(&now, SIGTERM) ? 0 : 3;
}

static int restores(void)
{
    sigset_t now;
    struct sigaction pipe_action, sys_action;
    if (open_two() < 0)
        return 1;
    signal_restore();
    sigprocmask(SIG_BLOCK, NULL, &now);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&now, number) == 1)
            return 2;
    sigaction(SIGPIPE, NULL, &pipe_action);
    sigaction(SIGSYS, NULL, &sys_action);
    return pipe_action.sa_handler == SIG_DFL && sys_action.sa_handler == SIG_DFL ? 0 : 3;
}

static int restored_ends(void)
{
    if (open_two() < 0)
        return 1;
    raise(SIGTERM);                     /* waits, since it is blocked */
    signal_restore();
    return 2;
}

static void test_names(void)
{
    is_str(signal_name(SIGHUP), "SIGHUP", "HUP");
    is_str(signal_name(SIGWINCH), "SIGWINCH", "WINCH");
    is_str(signal_name(SIGSYS), "SIGSYS", "SYS");
    is_str(signal_name(0), "a signal", "none is some signal");
    is_str(signal_name(-1), "a signal", "so is a number that none has");
}

int main(void)
{
    is_int(wrong_in_child(reads_them), 0, "signals are read from the descriptor, with a sender");
    is_int(wrong_in_child(ignores_pipe), 0, "PIPE and SYS do not end the process");
    is_int(wrong_in_child(leaves_others), 0, "only the given signals are blocked");
    is_int(wrong_in_child(restores), 0, "restored: nothing blocked, PIPE and SYS by default");
    is_int(wrong_in_child(restored_ends), 1000 + SIGTERM, "and what waited arrives");
    test_names();
    return done_testing();
}
