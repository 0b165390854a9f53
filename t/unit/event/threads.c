/*
 * Thread pools: results in the order of completion, the bound, laziness, the end.
 * Owns one loop a test.
 */
#include "event/threads.c"

#include "t/unit/tap.h"

#include <signal.h>

static struct loop loop;

struct job {
    struct thread_job job;
    pthread_mutex_t *gate;              /* held until the test lets it go; or NULL */
    pthread_barrier_t *together;
    pthread_t thread;
    bool worked, signals_blocked;
    int order;                          /* of its task; 0: it did not come */
    pthread_t told_in;
};

static int delivered;

static void work(struct thread_job *thread_job)
{
    struct job *job = container_of(thread_job, struct job, job);
    sigset_t set;
    if (job->gate) {
        pthread_mutex_lock(job->gate);
        pthread_mutex_unlock(job->gate);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    job->signals_blocked = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGCHLD) == 1;
    job->thread = pthread_self();
    job->worked = true;
}

static void told(struct task *task)
{
    struct job *job = container_of(task, struct job, job.task);
    job->order = ++delivered;
    job->told_in = pthread_self();
}

static void job_init(struct job *job, pthread_mutex_t *gate)
{
    *job = (struct job){ .job = { .work = work, .task.run = told }, .gate = gate };
}

/* As many turns as it takes, and 500 in which nothing came. */
static void turn_until(int count)
{
    for (int idle = 0; idle < 500 && delivered < count;) {
        const int before = delivered;
        loop_turn(&loop, 10);
        idle = delivered == before ? idle + 1 : 0;
    }
}

static unsigned started(struct threads *threads)
{
    pthread_mutex_lock(&threads->lock);
    const unsigned n = threads->started;
    pthread_mutex_unlock(&threads->lock);
    return n;
}

static void begin(void)
{
    delivered = 0;
    ASSERT(loop_init(&loop));
}

static void test_one(void)
{
    struct job job;
    begin();
    struct threads *threads = threads_new(&loop, 4, 10);
    ASSERT(threads);
    is_uint(started(threads), 0, "no thread before the first job");
    job_init(&job, NULL);
    ok(threads_run(threads, &job.job), "taken");
    ok(!task_posted(&job.job.task), "only the loop posts its task");
    turn_until(1);
    ok(job.worked && job.order == 1, "done, and told");
    ok(!pthread_equal(job.thread, pthread_self()), "in a thread");
    ok(pthread_equal(job.told_in, pthread_self()), "but told in the loop");
    ok(job.signals_blocked, "signals stay with the loop");
    job_init(&job, NULL);
    ok(threads_run(threads, &job.job), "the same job again");
    turn_until(2);
    is_int(job.order, 2, "is done again");
    is_uint(started(threads), 1, "one thread is enough for one job at a time");
    threads_free(threads);
    loop_free(&loop);
}

static void test_order(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct job slow, quick[3];
    begin();
    struct threads *threads = threads_new(&loop, 2, 10);
    ASSERT(threads);
    pthread_mutex_lock(&gate);
    job_init(&slow, &gate);
    ok(threads_run(threads, &slow.job), "a job that takes long");
    for (int i = 0; i < 3; i++) {
        job_init(&quick[i], NULL);
        ASSERT(threads_run(threads, &quick[i].job));
    }
    is_uint(started(threads), 2, "a thread for each job, up to the limit");
    turn_until(3);
    ok(quick[0].order == 1 && quick[1].order == 2 && quick[2].order == 3 && slow.order == 0,
       "what is done first is told first");
    pthread_mutex_unlock(&gate);
    turn_until(4);
    is_int(slow.order, 4, "the slow one comes last");
    threads_free(threads);
    loop_free(&loop);
}

static void meet(struct thread_job *thread_job)
{
    struct job *job = container_of(thread_job, struct job, job);
    pthread_barrier_wait(job->together);
}

/* Two jobs that need each other, while one thread is idle and has not woken yet. */
static void test_idle_is_counted(void)
{
    pthread_barrier_t together;
    struct job first, pair[2];
    begin();
    pthread_barrier_init(&together, NULL, 2);
    struct threads *threads = threads_new(&loop, 2, 10);
    ASSERT(threads);
    job_init(&first, NULL);
    ASSERT(threads_run(threads, &first.job));
    turn_until(1);
    for (bool idle = false; !idle; loop_turn(&loop, 1)) {
        pthread_mutex_lock(&threads->lock);
        idle = threads->idle == 1;
        pthread_mutex_unlock(&threads->lock);
    }
    for (int i = 0; i < 2; i++) {
        job_init(&pair[i], NULL);
        pair[i].job.work = meet;
        pair[i].together = &together;
        ASSERT(threads_run(threads, &pair[i].job));
    }
    is_uint(started(threads), 2, "a thread that will be busy is not idle");
    turn_until(3);
    is_int(delivered, 3, "both work at the same time");
    threads_free(threads);
    pthread_barrier_destroy(&together);
    loop_free(&loop);
}

static void test_bound(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct job jobs[5];
    begin();
    struct threads *threads = threads_new(&loop, 1, 3);
    ASSERT(threads);
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 5; i++)
        job_init(&jobs[i], i ? NULL : &gate);
    ok(threads_run(threads, &jobs[0].job), "one that works");
    for (int i = 0; i < 500; i++) {     /* until it does, it counts as one that waits */
        pthread_mutex_lock(&threads->lock);
        const bool waits = threads->queued > 0;
        pthread_mutex_unlock(&threads->lock);
        if (!waits)
            break;
        loop_turn(&loop, 1);
    }
    for (int i = 1; i < 4; i++)
        ok(threads_run(threads, &jobs[i].job), "%d waiting", i);
    ok(!threads_run(threads, &jobs[4].job), "no more than the limit");
    pthread_mutex_unlock(&gate);
    turn_until(4);
    ok(delivered == 4 && !jobs[4].worked, "what was refused is not run");
    ok(threads_run(threads, &jobs[4].job), "later there is room again");
    turn_until(5);
    is_int(jobs[4].order, 5, "and it runs");
    threads_free(threads);
    loop_free(&loop);
}

/* The end waits for the job that runs, and for no other. */
static void test_free(void)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct job running, waiting;
    begin();
    struct threads *threads = threads_new(&loop, 1, 3);
    ASSERT(threads);
    pthread_mutex_lock(&gate);
    job_init(&running, &gate);
    job_init(&waiting, NULL);
    ASSERT(threads_run(threads, &running.job));
    for (bool waits = true; waits; loop_turn(&loop, 1)) {
        pthread_mutex_lock(&threads->lock);
        waits = threads->queued > 0;
        pthread_mutex_unlock(&threads->lock);
    }
    ASSERT(threads_run(threads, &waiting.job));
    pthread_mutex_lock(&threads->lock);
    threads->stop = true;               /* as threads_free will; so that no other job begins */
    pthread_mutex_unlock(&threads->lock);
    pthread_mutex_unlock(&gate);
    threads_free(threads);
    ok(running.worked, "the job that ran was waited for");
    ok(!waiting.worked, "the one that waited was not begun");
    loop_turn(&loop, 0);
    is_int(delivered, 0, "and nobody is told any more");
    threads = threads_new(&loop, 3, 3);
    ASSERT(threads);
    threads_free(threads);
    ok(true, "a pool that never had a job ends as well");
    loop_free(&loop);
}

static void test_many(void)
{
    enum { COUNT = 2000 };
    static struct job jobs[COUNT];
    int taken = 0;
    begin();
    struct threads *threads = threads_new(&loop, 4, COUNT);
    ASSERT(threads);
    for (int i = 0; i < COUNT; i++) {
        job_init(&jobs[i], NULL);
        taken += threads_run(threads, &jobs[i].job);
    }
    turn_until(COUNT);
    is_int(taken, COUNT, "many jobs are taken");
    is_int(delivered, COUNT, "and each is told once");
    int missing = 0;
    for (int i = 0; i < COUNT; i++)
        missing += !jobs[i].worked || jobs[i].order == 0;
    is_int(missing, 0, "none was forgotten");
    threads_free(threads);
    loop_free(&loop);
}

static void test_failures(void)
{
    begin();
    const int epoll = loop.poller.fd;
    loop.poller.fd = -1;
    ok(!threads_new(&loop, 1, 1) && errno == EBADF, "without a poller there is no pool");
    loop.poller.fd = epoll;
    loop_free(&loop);
}

int main(void)
{
    static const struct log_conf silent;
    log_use(&silent);                   /* the lines of faults that are meant would only confuse */
    test_one();
    test_order();
    test_idle_is_counted();
    test_bound();
    test_free();
    test_many();
    test_failures();
    return done_testing();
}
