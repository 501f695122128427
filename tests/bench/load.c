// HTTP/1.1 load on keep-alive connections, one thread, one epoll.
//
//   load --port P --body FILE [--connections N] [--warm S] [--seconds S] [--rate R] [--hold] [--expect BYTES]
//        [--key K] [--path PATH] [--same-headers]
//
// Closed loop: every connection sends the next request when the last is answered. With --rate
// requests are due at even intervals, whether earlier ones are answered or not: each takes the connection that was
// freed last, or opens another one while there are fewer than N; when all N wait for an answer it is not sent at all
// (`unsent`). Their times count from when they were due. With --hold every connection sends exactly one request and stays: that is
// how many slow streams at once are measured. Every request has its own traceparent and x-request-id, because
// identical headers flatter caches (--same-headers turns that off).
//
// Prints "started" when the measured window begins (with --hold: when also every stream has), "stopped" when it
// ends, then one JSON object. Microseconds; only what was answered inside the window counts. `failed` counts broken
// and unexpectedly closed answers, `non200` other statuses, `short_bodies` answers whose body was not the expected
// length.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "response.h"

enum { BODY_LIMIT = 8 << 20, HEADERS_ROOM = 4096, READ_SIZE = 256 << 10, EVENTS = 256, SAMPLES = 2 << 20,
       MANY = 500, LOOK_NS = 500000 };

struct options {
    int port, connections;
    double warm, seconds;
    double rate;  // requests per second; 0: each connection sends when it has its answer
    bool hold, same_headers;
    long expected_bytes;  // -1: not checked
    const char *body_file, *key, *path;
};

struct connection {
    int fd;
    uint64_t sent_at, first_byte_at, due_at;  // due_at: --hold
    bool holding;                             // --hold: the one request was sent
    bool free;                                // --rate: nothing is asked on it
    struct response response;
};

static struct options options = {.connections = 1, .warm = 0.3, .seconds = 1.5, .expected_bytes = -1, .key = "sk-bench",
                                 .path = "/v1/chat/completions"};
static struct connection *connections, **free_ones;
static int opened, free_count;  // --rate
static uint64_t next_due;
static int epoll_fd;
static uint64_t window_start, window_end;

static char *request;
static size_t request_length;
static char *request_id, *trace_id;  // places inside `request` that every send rewrites

static struct {
    long answered, failed, non200, short_bodies, reconnected, held, samples;
    long wanted, sent, good, shed, shed_with_retry_after;  // inside the window; shed: 503
    uint64_t body_bytes;    // of the answers counted above
    uint64_t window_bytes;  // payload that arrived inside the window, of finished answers or not
    uint64_t *total_ns, *first_byte_ns, *good_ns, *shed_ns;  // good: of status 200 only
} count;

static uint64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(2);
}

// ---- the request

static void build_request(void) {
    FILE *file = fopen(options.body_file, "rb");
    if (!file) die(options.body_file);
    char *body = malloc(BODY_LIMIT);
    size_t body_length = fread(body, 1, BODY_LIMIT, file);
    fclose(file);
    request = malloc(body_length + HEADERS_ROOM);
    int head = snprintf(request, HEADERS_ROOM,
                        "POST %s HTTP/1.1\r\n"
                        "host: 127.0.0.1:%d\r\n"
                        "user-agent: OpenAI/Python 1.99.0\r\n"
                        "accept: application/json\r\n"
                        "content-type: application/json\r\n"
                        "authorization: Bearer %s\r\n"
                        "x-stainless-lang: python\r\n"
                        "x-stainless-retry-count: 0\r\n"
                        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
                        "x-request-id: 0123456789abcdef\r\n"
                        "content-length: %zu\r\n\r\n",
                        options.path, options.port, options.key, body_length);
    memcpy(request + head, body, body_length);
    request_length = (size_t)head + body_length;
    trace_id = strstr(request, "traceparent: 00-") + strlen("traceparent: 00-");
    request_id = strstr(request, "x-request-id: ") + strlen("x-request-id: ");
    free(body);
}

static uint64_t next_random(void) {  // xorshift64
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void write_hex(char *at, uint64_t value) {
    for (int digit = 15; digit >= 0; digit--, value >>= 4) at[digit] = "0123456789abcdef"[value & 15];
}

static void make_headers_unique(void) {
    write_hex(trace_id, next_random());
    write_hex(trace_id + 16, next_random());
    write_hex(trace_id + 33, next_random());  // the parent's span id, after the dash
    write_hex(request_id, next_random());
}

// ---- connections

static void connection_open(struct connection *connection) {
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
    connection->response.state = RESPONSE_IDLE;
}

static void connection_reopen(struct connection *connection) {
    close(connection->fd);
    count.reconnected++;
    connection_open(connection);
}

static void connection_send(struct connection *connection, uint64_t due) {
    if (!options.same_headers) make_headers_unique();
    response_start(&connection->response);
    connection->first_byte_at = 0;
    connection->sent_at = due;
    if (connection->sent_at >= window_start && connection->sent_at < window_end) count.sent++;
    const char *bytes = request;
    size_t left = request_length;
    while (left > 0 && now_ns() < window_end) {
        ssize_t written = write(connection->fd, bytes, left);
        if (written >= 0) {
            bytes += written;
            left -= (size_t)written;
        } else if (errno == EAGAIN) {
            usleep(20);  // only bodies larger than the socket's buffer come here
        } else {
            return;  // the read side will see the closed connection
        }
    }
}

static void connection_next(struct connection *connection) {
    if (options.hold) return;
    uint64_t now = now_ns();
    if (options.rate > 0) {
        if (!connection->free) free_ones[free_count++] = connection;
        connection->free = true;
    } else if (now < window_end) {
        connection_send(connection, now);
    }
}

static void record_answer(struct connection *connection) {
    uint64_t now = now_ns();
    struct response *response = &connection->response;
    if (now < window_start || now >= window_end) return;
    count.answered++;
    count.body_bytes += response->body_bytes;
    if (response->status != 200) count.non200++;
    if (response->status == 503) {
        if (count.shed < SAMPLES) count.shed_ns[count.shed] = now - connection->sent_at;
        count.shed++;
        if (strcasestr(response->head, "\nretry-after:")) count.shed_with_retry_after++;
    }
    if (response->status == 200) {
        if (count.good < SAMPLES) count.good_ns[count.good] = now - connection->sent_at;
        count.good++;
    }
    if (options.expected_bytes >= 0 && response->body_bytes != (size_t)options.expected_bytes) count.short_bodies++;
    if (count.samples < SAMPLES) {
        count.total_ns[count.samples] = now - connection->sent_at;
        count.first_byte_ns[count.samples++] = connection->first_byte_at - connection->sent_at;
    }
}

static void connection_read(struct connection *connection) {
    static char bytes[READ_SIZE];
    ssize_t length = read(connection->fd, bytes, sizeof bytes);
    if (length < 0 && errno == EAGAIN) return;
    struct response *response = &connection->response;
    if (length <= 0) {
        if (response->state != RESPONSE_IDLE && response->state != RESPONSE_DONE) count.failed++;
        connection_reopen(connection);
        connection_next(connection);
        return;
    }
    if (!connection->first_byte_at) {
        connection->first_byte_at = now_ns();
        count.held++;
    }
    size_t before = response->body_bytes;
    response_feed(response, bytes, (size_t)length);
    count.window_bytes += response->body_bytes - before;
    if (response->state == RESPONSE_BROKEN) {
        count.failed++;
        connection_reopen(connection);
        connection_next(connection);
    } else if (response->state == RESPONSE_DONE) {
        record_answer(connection);
        if (response->closes) connection_reopen(connection);
        connection_next(connection);
    }
}

// ---- the run

// One that nothing is asked on, the last that was freed, so that few are used as long as few are enough.
static struct connection *connection_take(void) {
    struct connection *connection = NULL;
    if (free_count > 0) {
        connection = free_ones[--free_count];
    } else if (opened < options.connections) {
        connection = &connections[opened++];
        connection_open(connection);
    }
    if (connection) connection->free = false;
    return connection;
}

// --rate: sends what is due; returns how long to wait for the next.
static uint64_t send_at_rate(uint64_t now) {
    while (next_due <= now && now < window_end) {
        if (next_due >= window_start) count.wanted++;
        struct connection *connection = connection_take();
        if (connection) connection_send(connection, next_due);
        next_due += (uint64_t)(1e9 / options.rate);
    }
    return next_due > now ? next_due - now : 0;
}

// Sends what is due; returns how long to wait for the next, at most 20 ms.
static uint64_t send_due(uint64_t now) {
    static uint64_t look_at;  // of many connections: to look at all of them after each answer would be most of the work
    uint64_t next = now + 20000000u;
    if (options.rate > 0) return send_at_rate(now);
    if (!options.hold) return next - now;
    if (options.connections > MANY) {
        if (now < look_at) return look_at - now;
        next = look_at = now + LOOK_NS;
    }
    for (int i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        bool free_to_send = connection->response.state == RESPONSE_IDLE || connection->response.state == RESPONSE_DONE;
        if (!free_to_send || connection->holding) continue;
        if (connection->due_at <= now) {
            connection->holding = options.hold;
            connection_send(connection, now);
        } else if (connection->due_at < next) {
            next = connection->due_at;
        }
    }
    return next - now;
}

static void open_all(void) {
    connections = calloc((size_t)options.connections, sizeof *connections);
    free_ones = calloc((size_t)options.connections, sizeof *free_ones);
    uint64_t start = now_ns();
    // Held streams begin one by one over half of the warm-up, so that no burst inflates what is measured.
    uint64_t spread = (uint64_t)(options.warm * 0.5e9);
    for (int i = 0; i < options.connections && options.rate == 0; i++) {
        connection_open(&connections[i]);
        connections[i].due_at = start + spread * (uint64_t)i / (uint64_t)options.connections;
    }
    start = next_due = now_ns();
    window_start = start + (uint64_t)(options.warm * 1e9);
    window_end = window_start + (uint64_t)(options.seconds * 1e9);
    if (options.rate == 0 && !options.hold) {
        for (int i = 0; i < options.connections; i++) connection_send(&connections[i], start);
    }
}

static void say(const char *word) {
    puts(word);
    fflush(stdout);
}

// On a slow machine the window waits until every stream has begun, ten seconds at most.
static void wait_for_streams(uint64_t now) {
    static int waited;
    if (options.hold && now >= window_start && count.held < options.connections && waited++ < 100) {
        window_start += 100000000u;
        window_end += 100000000u;
    }
}

static void run(void) {
    struct epoll_event events[EVENTS];
    bool started = false;
    for (;;) {
        uint64_t now = now_ns();
        if (!started) wait_for_streams(now);
        if (!started && now >= window_start) {
            started = true;
            count.window_bytes = 0;
            say("started");
        }
        if (now >= window_end) break;
        uint64_t wait = send_due(now);
        struct timespec timeout = {.tv_nsec = (long)wait};
        int ready = epoll_pwait2(epoll_fd, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < ready; i++) connection_read(events[i].data.ptr);
    }
    say("stopped");
}

// ---- the report

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double quantile_of(const uint64_t *sorted, long samples, double q) {
    return samples ? (double)sorted[(long)((double)(samples - 1) * q)] / 1000.0 : 0.0;
}

static double quantile_us(const uint64_t *sorted, double q) { return quantile_of(sorted, count.samples, q); }

static void report(void) {
    size_t samples = (size_t)count.samples;
    qsort(count.total_ns, samples, sizeof(uint64_t), compare);
    qsort(count.first_byte_ns, samples, sizeof(uint64_t), compare);
    long good_samples = count.good < SAMPLES ? count.good : SAMPLES;
    qsort(count.good_ns, (size_t)good_samples, sizeof(uint64_t), compare);
    long shed_samples = count.shed < SAMPLES ? count.shed : SAMPLES;
    qsort(count.shed_ns, (size_t)shed_samples, sizeof(uint64_t), compare);
    printf("{\"answered\": %ld, \"per_second\": %.1f, \"failed\": %ld, \"non200\": %ld, \"short_bodies\": %ld, "
           "\"reconnected\": %ld, \"held\": %ld, \"window_bytes\": %llu, \"bytes_per_answer\": %.1f, \"p50_us\": %.1f, "
           "\"p90_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f, \"first_byte_p50_us\": %.1f, "
           "\"first_byte_p99_us\": %.1f, \"sent\": %ld, \"good\": %ld, \"shed\": %ld, "
           "\"shed_with_retry_after\": %ld, \"good_p50_us\": %.1f, \"good_p99_us\": %.1f, \"wanted\": %ld, "
           "\"opened\": %d, \"shed_p50_us\": %.1f, \"shed_p99_us\": %.1f}\n",
           count.answered, (double)count.answered / options.seconds, count.failed, count.non200, count.short_bodies,
           count.reconnected, options.hold ? count.held : 0, (unsigned long long)count.window_bytes,
           count.answered ? (double)count.body_bytes / (double)count.answered : 0.0, quantile_us(count.total_ns, 0.5),
           quantile_us(count.total_ns, 0.9), quantile_us(count.total_ns, 0.99), quantile_us(count.total_ns, 1.0),
           quantile_us(count.first_byte_ns, 0.5), quantile_us(count.first_byte_ns, 0.99), count.sent, count.good,
           count.shed, count.shed_with_retry_after, quantile_of(count.good_ns, good_samples, 0.5),
           quantile_of(count.good_ns, good_samples, 0.99), count.wanted, opened,
           quantile_of(count.shed_ns, shed_samples, 0.5), quantile_of(count.shed_ns, shed_samples, 0.99));
}

static void read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"port", required_argument, NULL, 'p'},      {"body", required_argument, NULL, 'b'},
        {"connections", required_argument, NULL, 'c'}, {"warm", required_argument, NULL, 'w'},
        {"seconds", required_argument, NULL, 's'},   {"rate", required_argument, NULL, 'r'},     
        {"hold", no_argument, NULL, 'h'},            {"expect", required_argument, NULL, 'e'},
        {"key", required_argument, NULL, 'k'},       {"same-headers", no_argument, NULL, 'i'},
        {"path", required_argument, NULL, 'a'},
        {NULL, 0, NULL, 0},
    };
    for (int name; (name = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (name) {
            case 'p': options.port = atoi(optarg); break;
            case 'b': options.body_file = optarg; break;
            case 'c': options.connections = atoi(optarg); break;
            case 'w': options.warm = atof(optarg); break;
            case 's': options.seconds = atof(optarg); break;
            case 'r': options.rate = atof(optarg); break;
            case 'h': options.hold = true; break;
            case 'e': options.expected_bytes = atol(optarg); break;
            case 'k': options.key = optarg; break;
            case 'a': options.path = optarg; break;
            case 'i': options.same_headers = true; break;
            default: exit(2);
        }
    }
    if (!options.port || !options.body_file || options.connections < 1) {
        fputs("load: --port, --body and at least one connection are needed\n", stderr);
        exit(2);
    }
}

int main(int argc, char **argv) {
    prctl(PR_SET_TIMERSLACK, 1000);  // nanoseconds: paced sends at their time, not 50 us later
    read_options(argc, argv);
    build_request();
    count.total_ns = malloc(SAMPLES * sizeof(uint64_t));
    count.first_byte_ns = malloc(SAMPLES * sizeof(uint64_t));
    count.good_ns = malloc(SAMPLES * sizeof(uint64_t));
    count.shed_ns = malloc(SAMPLES * sizeof(uint64_t));
    epoll_fd = epoll_create1(0);
    open_all();
    run();
    report();
}
