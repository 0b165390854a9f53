/*
 * A reload as a transaction: made, prepared by every worker, then committed or aborted by all.
 * Owns the table of living generations.
 */
#include "core/listening.h"
#include "core/log.h"
#include "core/master.h"
#include "core/report.h"
#include "os/unix/clock.h"
#include "os/unix/notify.h"

enum { PREPARE_MS = 5000 };

static uint64_t bit_of(const struct master *m, const struct living *living)
{
    return 1ull << (living - m->living);
}

PRINTF_LIKE(2, 3) static void fail(struct master *m, const char *format, ...)
{
    va_list args;
    struct fmt f;
    if (m->why[0] || m->transaction == TRANSACTION_COMMITTING)
        return;
    fmt_init_cut(&f, m->why, sizeof(m->why));
    va_start(args, format);
    fmt_vprint(&f, format, args);
    va_end(args);
    fmt_done(&f);
}

/* --- the table -------------------------------------------------------------------------------- */

static void close_everywhere(unsigned slot, void *data)
{
    workers_close_handle(data, slot);
}

/* Listeners are in use while a generation is current, everything else as long as it lives. */
static void stop_listening(struct master *m, struct living *living)
{
    if (living->listening)
        generation_unuse(living->generation, true, close_everywhere, m);
    living->listening = false;
}

struct living *reload_adopt(struct master *m, struct generation *gen)
{
    for (unsigned i = 0; i < MASTER_LIVING; i++) {
        struct living *living = &m->living[i];
        if (living->generation)
            continue;
        *living = (struct living){ .generation = gen, .id = gen->id, .loaded = clock_real_msec() };
        arena_runs_of(&gen->pool, &living->runs);
        generation_use(gen, false);
        generation_use(gen, true);
        living->listening = true;
        return living;
    }
    return NULL;
}

void reload_stop_listening(struct master *m)
{
    for (unsigned i = 0; i < MASTER_LIVING; i++)
        if (m->living[i].generation)
            stop_listening(m, &m->living[i]);
}

static bool held(const struct master *m, const struct living *living)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->rows[i].channel >= 0 && m->rows[i].holds & bit_of(m, living))
            return true;
    return false;
}

void reload_collect(struct master *m)
{
    for (unsigned i = 0; i < MASTER_LIVING; i++) {
        struct living *living = &m->living[i];
        if (!living->generation || living == m->current || living == m->next || held(m, living))
            continue;
        stop_listening(m, living);
        generation_unuse(living->generation, false, close_everywhere, m);
        struct generation *gen = living->generation;
        living->generation = NULL;
        generation_free(gen);
    }
}

static bool room(const struct master *m)
{
    for (unsigned i = 0; i < MASTER_LIVING; i++)
        if (!m->living[i].generation)
            return true;
    return false;
}

/* --- the end of a transaction ----------------------------------------------------------------- */

static void answer(struct master *m, bool done, const char *text)
{
    const long long took = (long long)(clock_msec() - m->began);
    char line[1024];
    struct fmt f;
    fmt_init_cut(&f, line, sizeof(line));
    if (done)
        fmt_print(&f, "generation %u is running (%lld ms)", m->current->id, took);
    else
        fmt_print(&f, "the configuration was not changed, generation %u goes on: %s",
                  m->current->id, text);
    log_write(log_process, done ? LOG_NOTICE : LOG_ERROR, 0, "%s", fmt_done(&f).at);
    notify_send("READY=1\nSTATUS=%s", fmt_done(&f).at);
    control_outcome(m, done, fmt_done(&f));
    free(m->report);
    m->report = NULL;
    m->why[0] = '\0';
}

static void apply_counts(struct master *m, const struct core_conf *old)
{
    const struct core_conf *now = m->current->generation->core;
    const bool replace = core_needs_new_workers(old, now);
    m->workers = (unsigned)now->worker_processes;
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        struct worker_row *row = &m->rows[i];
        if (row->state == ROW_LIVE && (replace || row->index >= m->workers))
            workers_quit(m, row, true);
    }
    workers_forget_dead(m, m->workers);
}

static void settle(struct master *m)
{
    const struct core_conf *old = m->next->generation->core;
    m->transaction = TRANSACTION_IDLE;
    stop_listening(m, m->next);         /* which was current */
    m->next = NULL;
    apply_counts(m, old);
    reload_collect(m);
    workers_spawn_missing(m, clock_msec());
    answer(m, true, NULL);
}

static void abort_it(struct master *m)
{
    const struct message message = { .type = MESSAGE_ABORT, .generation = m->next->id };
    struct living *failed = m->next;
    m->transaction = TRANSACTION_IDLE;
    m->next = NULL;
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        struct worker_row *row = &m->rows[i];
        if (row->channel >= 0 && row->holds & bit_of(m, failed) && !workers_send(row, &message))
            workers_kill(m, row);
    }
    reload_collect(m);
    workers_spawn_missing(m, clock_msec());
    answer(m, false, m->why);
}

/* From here on a worker obeys or is replaced.  Clients get into new sockets just before. */
static void commit(struct master *m)
{
    const struct message message = { .type = MESSAGE_COMMIT, .generation = m->next->id };
    const struct listening *which;
    if (!listening_start(m->next->generation, &which)) {
        fail(m, "listen() to %.*s failed (%d: %s)", STR_FMT(which->text), errno, strerror(errno));
        abort_it(m);
        return;
    }
    struct living *old = m->current;
    m->current = m->next;
    m->next = old;
    m->transaction = TRANSACTION_COMMITTING;
    m->deadline = clock_msec() + PREPARE_MS;
    m->waiting = 0;
    log_use(m->current->generation->core->log);
    log_redirect_stderr();
    for (unsigned i = 0; i < MASTER_ROWS; i++) {
        struct worker_row *row = &m->rows[i];
        m->awaited[i] = false;
        if (row->channel < 0 || !(row->holds & bit_of(m, m->current)))
            continue;
        m->awaited[i] = true;
        m->waiting++;
        if (!workers_send(row, &message))
            workers_kill(m, row);
    }
}

/* --- its middle ------------------------------------------------------------------------------- */

static void no_longer_awaited(struct master *m, const struct worker_row *row)
{
    const size_t i = (size_t)(row - m->rows);
    if (!m->awaited[i])
        return;
    m->awaited[i] = false;
    ASSERT(m->waiting > 0);
    m->waiting--;
}

void reload_lost(struct master *m, struct worker_row *row)
{
    if (m->transaction == TRANSACTION_IDLE || !m->awaited[row - m->rows])
        return;
    fail(m, "worker %u (process %d) died while it prepared", row->index, (int)row->pid);
    no_longer_awaited(m, row);
}

void reload_answer(struct master *m, struct worker_row *row, const struct message *message)
{
    const bool committing = m->transaction == TRANSACTION_COMMITTING;
    const struct living *wanted = committing ? m->current : m->next;
    if (m->transaction == TRANSACTION_IDLE || message->generation != wanted->id)
        return;                         /* an answer to what was aborted meanwhile */
    if (committing != (message->type == MESSAGE_COMMITTED))
        return;
    if (message->type == MESSAGE_REFUSED)
        fail(m, "worker %u (process %d) refused: %.*s", row->index, (int)row->pid,
             (int)strnlen(message->why, sizeof(message->why)), message->why);
    no_longer_awaited(m, row);
}

static void name_the_silent(struct master *m)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->awaited[i])
            fail(m, "worker %u (process %d) did not answer within %d s", m->rows[i].index,
                 (int)m->rows[i].pid, PREPARE_MS / 1000);
}

static void kill_the_silent(struct master *m)
{
    for (unsigned i = 0; i < MASTER_ROWS; i++)
        if (m->awaited[i])
            workers_kill(m, &m->rows[i]);
}

void reload_step(struct master *m, int64_t now)
{
    if (m->transaction == TRANSACTION_PREPARING) {
        if (m->waiting && now >= m->deadline)
            name_the_silent(m);
        if (m->why[0])
            abort_it(m);
        else if (m->waiting == 0)
            commit(m);
    }
    if (m->transaction == TRANSACTION_COMMITTING) {
        if (m->waiting && now >= m->deadline)
            kill_the_silent(m);
        if (m->waiting == 0)
            settle(m);
    }
}

/* --- its beginning ---------------------------------------------------------------------------- */

static void send_prepare(struct master *m, struct worker_row *row)
{
    const struct generation *gen = m->next->generation;
    struct message message = { .type = MESSAGE_PREPARE, .generation = gen->id };
    message.prepare.at = gen;
    message.prepare.runs = m->next->runs;
    message.prepare.workers = (unsigned)gen->core->worker_processes;
    row->holds |= bit_of(m, m->next);
    m->awaited[row - m->rows] = true;
    m->waiting++;
    if (!workers_send_handles(row, gen->handles, gen->nhandles) || !workers_send(row, &message))
        workers_kill(m, row);
}

static struct generation *make(struct master *m)
{
    struct pool temp;
    struct diag_list diag;
    struct fmt report;
    struct conf_file *files;
    pool_init(&temp, &pool_heap);
    diag_init(&diag, &temp);
    diag.silent = m->options.no_warn;
    struct generation *gen = generation_make(++m->last_id, &m->options.paths, m->options.global,
                                             false, &temp, &diag, &files);
    if (gen && !listening_open(gen, (unsigned)gen->core->worker_processes, &diag)) {
        generation_free(gen);
        gen = NULL;
    }
    if (gen)
        generation_seal(gen);
    fmt_init_pool(&report, &temp, 1024, 1 << 20);
    report_all(&diag, &report);
    report_log(&diag);
    if (!gen)
        fail(m, "%.*s", STR_FMT(report_first_error(&diag)));
    m->report = strndup(fmt_done(&report).at, fmt_done(&report).len);
    pool_free(&temp);
    return gen;
}

void reload_begin(struct master *m)
{
    ASSERT(m->transaction == TRANSACTION_IDLE);
    m->reload_pending = false;
    m->began = clock_msec();
    m->why[0] = '\0';
    notify_reloading();
    if (!room(m)) {
        fail(m, "%d generations live already: `weir generations` shows what holds them",
             MASTER_LIVING);
        answer(m, false, m->why);
        return;
    }
    struct generation *gen = make(m);
    if (!gen) {
        answer(m, false, m->why);
        return;
    }
    workers_spawn_missing(m, m->began);         /* who died meanwhile is replaced first */
    m->next = reload_adopt(m, gen);
    m->transaction = TRANSACTION_PREPARING;
    m->deadline = clock_msec() + PREPARE_MS;
    m->waiting = 0;
    memset(m->awaited, 0, sizeof(m->awaited));
    for (unsigned i = 0; i < MASTER_ROWS && !m->why[0]; i++)
        if (m->rows[i].channel >= 0 && m->rows[i].state == ROW_LIVE)
            send_prepare(m, &m->rows[i]);
}
