/*
 * One question, asked of DNS servers until one of them answers.
 *
 *     struct dns_ask
 *       ports    two connected UDP sockets, each of one server   ---> done(ask, answer)
 *       tcp      for an answer that did not fit
 *       timer    of this try: 1 s for each server, then 2 s, 4 s, 5 s ...
 *
 * Who forges an answer must guess the port, which the kernel draws for each socket, and the id,
 * which is drawn for each socket too; a socket that hears much else than its answer is closed, and
 * the question asked by TCP.  A server that says it cannot, or that nobody is, has no further time:
 * the next is asked.  When all servers say so, that is the answer.
 */
#ifndef EVENT_DNS_CLIENT_H
#define EVENT_DNS_CLIENT_H

#include "event/dns_message.h"
#include "event/loop.h"

struct dns_servers {
    const struct inet_address *at;
    unsigned count;                     /* at least one */
    unsigned serial;                    /* another when the servers are others */
    unsigned next;                      /* the first one of the next question */
    int64_t retry_ms;                   /* of the first tries */
    unsigned rounds;                    /* of all servers, until it is given up; 0: no limit */
    int64_t complained;                 /* the second of the last line about them */
};

struct dns_port {
    struct watch watch;
    struct dns_ask *ask;
    unsigned server, serial;
    unsigned strangers;                 /* what it has heard that is no answer */
    uint16_t id;
};

struct dns_tcp;

struct dns_ask {
    struct loop *loop;
    struct dns_servers *servers;
    enum dns_type type;
    struct dns_name name;
    /* The end: the answer has DNS_OK or DNS_NO_NAME, or what the last server said when none could;
     * it is valid in this call.  NULL: it was given up.  The question is freed after it. */
    void (*done)(struct dns_ask *ask, struct dns_answer *answer);
    /* Before each try but the first: whether somebody wants to know. */
    bool (*wanted)(struct dns_ask *ask);
    void *data;
    struct dns_port ports[2];
    struct dns_tcp *tcp;                /* or NULL */
    struct timer timer;
    unsigned server;                    /* asked last */
    unsigned port;                      /* opened last */
    unsigned tries, waits;              /* servers asked, and times that none said anything */
    unsigned failed;                    /* servers that failed since then */
    unsigned refusal;                   /* the last code of a server that could not; or 0 */
};

/* Asks; done() comes later, from the loop.  NULL: no memory. */
struct dns_ask *dns_ask_new(struct loop *loop, struct dns_servers *servers, enum dns_type type,
                            const struct dns_name *name,
                            void (*done)(struct dns_ask *ask, struct dns_answer *answer),
                            bool (*wanted)(struct dns_ask *ask), void *data);
/* done() will not come. */
void dns_ask_cancel(struct dns_ask *ask);

#endif
