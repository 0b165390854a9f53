/*
 * Thread pools: a bounded queue of jobs, threads that start as jobs come, results by eventfd.
 * Owns its threads and the eventfd; jobs belong to those who embed them until their task ran.
 */
#include "event/threads.h"

#include "core/log.h"
#include "os/unix/thread.h"

#include <sys/eventfd.h>

struct jobs {
    struct thread_job *first, **end;
};

struct threads {
    struct loop *loop;
    struct watch watch;                 /* the eventfd */
    pthread_mutex_t lock;               /* of everything below */
    pthread_cond_t work;
    struct jobs queue, done;
    unsigned queued, most_queued;
    unsigned idle, started, count;
    bool stop;
    pthread_t at[];
};

static void jobs_init(struct jobs *jobs)
{
    jobs->first = NULL;
    jobs->end = &jobs->first;
}

static void jobs_add(struct jobs *jobs, struct thread_job *job)
{
    job->next = NULL;
    *jobs->end = job;
    jobs->end = &job->next;
}

static struct thread_job *jobs_take(struct jobs *jobs)
{
    struct thread_job *job = jobs->first;
    jobs->first = job->next;
    if (!jobs->first)
        jobs->end = &jobs->first;
    return job;
}

/* A counter that is full wakes as well. */
static void wake_loop(const struct threads *threads)
{
    const uint64_t one = 1;
    while (write(threads->watch.fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

/* With the lock held; it is released while the job works. */
static void work_one(struct threads *threads)
{
    struct thread_job *job = jobs_take(&threads->queue);
    threads->queued--;
    pthread_mutex_unlock(&threads->lock);
    job->work(job);
    pthread_mutex_lock(&threads->lock);
    const bool wake = !threads->done.first;
    jobs_add(&threads->done, job);
    if (wake)
        wake_loop(threads);
}

static void *thread_main(void *data)
{
    struct threads *threads = data;
    pthread_mutex_lock(&threads->lock);
    while (!threads->stop) {
        if (threads->queue.first) {
            work_one(threads);
            continue;
        }
        threads->idle++;
        pthread_cond_wait(&threads->work, &threads->lock);
        threads->idle--;
    }
    pthread_mutex_unlock(&threads->lock);
    return NULL;
}

/* In the loop: what is done becomes tasks, in the order in which it was done. */
static void deliver(struct watch *watch)
{
    struct threads *threads = container_of(watch, struct threads, watch);
    struct jobs done;
    uint64_t count;
    const ssize_t n = read(watch->fd, &count, sizeof(count));
    (void)n;
    jobs_init(&done);
    pthread_mutex_lock(&threads->lock);
    if (threads->done.first) {
        done = threads->done;
        jobs_init(&threads->done);
    }
    pthread_mutex_unlock(&threads->lock);
    while (done.first)
        loop_post(threads->loop, &jobs_take(&done)->task);
}

struct threads *threads_new(struct loop *loop, unsigned count, unsigned most_queued)
{
    size_t size;
    ASSERT(count > 0 && !mul_overflows((size_t)count, sizeof(pthread_t), &size));
    struct threads *threads = calloc(1, sizeof(*threads) + size);
    if (!threads)
        return NULL;
    threads->loop = loop;
    threads->count = count;
    threads->most_queued = most_queued;
    threads->watch.ready = deliver;
    jobs_init(&threads->queue);
    jobs_init(&threads->done);
    pthread_mutex_init(&threads->lock, NULL);
    pthread_cond_init(&threads->work, NULL);
    threads->watch.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (threads->watch.fd < 0 || !poller_add(loop, &threads->watch, POLL_LEVEL)) {
        const int error = errno;
        if (threads->watch.fd >= 0)
            close(threads->watch.fd);
        free(threads);
        errno = error;
        return NULL;
    }
    return threads;
}

/* With the lock held.  One that does not start is no failure while others work. */
static bool start_thread(struct threads *threads)
{
    if (threads->queued <= threads->idle || threads->started == threads->count)
        return true;
    if (thread_start(&threads->at[threads->started], thread_main, threads)) {
        threads->started++;
        return true;
    }
    log_write(log_process, LOG_ALERT, errno, "starting a thread failed");
    return threads->started > 0;
}

bool threads_run(struct threads *threads, struct thread_job *job)
{
    pthread_mutex_lock(&threads->lock);
    bool taken = threads->queued < threads->most_queued;
    if (taken) {
        jobs_add(&threads->queue, job);
        threads->queued++;
        taken = start_thread(threads);
        if (!taken) {                   /* no thread at all: the queue has only this job */
            jobs_init(&threads->queue);
            threads->queued = 0;
        }
        pthread_cond_signal(&threads->work);
    }
    pthread_mutex_unlock(&threads->lock);
    return taken;
}

void threads_free(struct threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    threads->stop = true;
    pthread_cond_broadcast(&threads->work);
    pthread_mutex_unlock(&threads->lock);
    for (unsigned i = 0; i < threads->started; i++)
        pthread_join(threads->at[i], NULL);
    poller_remove(threads->loop, &threads->watch);
    close(threads->watch.fd);
    pthread_cond_destroy(&threads->work);
    pthread_mutex_destroy(&threads->lock);
    free(threads);
}
