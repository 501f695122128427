// The cheapest fake model provider: one thread, one epoll, canned answers.
//
//   upstream PORT        prints "ready" when it listens; PORT 0 is not supported
//
// The request's body chooses the answer: without "stream":true a chat completion of 931 bytes; with it 50 SSE
// events in one write; with "paced-EVENTS-MILLISECONDS" somewhere in the body, that many events, one per period.
// A request to a path that ends with /messages gets the same words as Anthropic's Messages API says them.
// Header values differ from answer to answer, as a real provider's do. A body that does not end with '}' gets 400:
// a proxy that cuts or pads bodies shows.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_IN_ANSWER = 50, BACKLOG = 4096, READY = 256, FIRST_BUFFER = 4096 };

struct connection {
    int fd;
    char *bytes;  // what was received and not answered yet, zero-terminated
    size_t length, capacity;
    // a paced answer in progress, in the list `paced`
    int next_event, events;
    uint64_t period_us, due_us;
    struct connection *next, *previous;
};

static struct connection paced;  // head of a doubly linked list

struct bytes { char bytes[65536]; size_t length; };
static struct bytes completion, message, stream_head, burst, message_burst, bad_request;
static struct { char bytes[512]; size_t length; } events[EVENTS_IN_ANSWER], tail;

static uint64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

// ---- the canned answers

#define ID "\"id\":\"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012\""

static const char COMPLETION[] =
    "{" ID ",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"gpt-4o-mini-2024-07-18\","
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"A reverse proxy accepts requests on "
    "behalf of one or more servers, forwards them, and returns the responses. It can balance load, terminate TLS, "
    "cache content and enforce limits. In front of language models it also counts tokens, applies retries and "
    "fallbacks, and keeps secrets away from clients. Good proxies stream bytes as they arrive.\",\"refusal\":null,"
    "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":112,"
    "\"completion_tokens\":98,\"total_tokens\":210,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
    "\"rejected_prediction_tokens\":0}},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}";

static void build_event(int index) {
    char delta[64], event[400];
    bool last = index == EVENTS_IN_ANSWER - 1;
    if (last) {
        snprintf(delta, sizeof delta, "\"delta\":{},\"finish_reason\":\"stop\"");
    } else {
        snprintf(delta, sizeof delta, "\"delta\":{\"content\":\" tok%02d\"},\"finish_reason\":null", index);
    }
    int length = snprintf(event, sizeof event,
                          "data: {" ID ",\"object\":\"chat.completion.chunk\",\"created\":1760000000,"
                          "\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,%s}]}\n\n", delta);
    events[index].length = (size_t)snprintf(events[index].bytes, sizeof events[index].bytes, "%x\r\n%s\r\n",
                                            (unsigned)length, event);
}

static void append(struct bytes *to, const char *bytes, size_t length) {
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static const char MESSAGE[] =
    "{\"model\":\"claude-sonnet-4-5-20250929\",\"id\":\"msg_01AbCdEfGhIjKlMnOpQrStUv\",\"type\":\"message\","
    "\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"A reverse proxy accepts requests on "
    "behalf of one or more servers, forwards them, and returns the responses. It can balance load, terminate TLS, "
    "cache content and enforce limits. In front of language models it also counts tokens, applies retries and "
    "fallbacks, and keeps secrets away from clients. Good proxies stream bytes as they arrive.\"}],"
    "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":112,"
    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"cache_creation\":"
    "{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":98,"
    "\"service_tier\":\"standard\"}}";

// One event of a Messages stream as one chunk.
static void append_event(const char *name, const char *data) {
    char event[600], text[640];
    int length = snprintf(event, sizeof event, "event: %s\ndata: %s\n\n", name, data);
    append(&message_burst, text, (size_t)snprintf(text, sizeof text, "%x\r\n%s\r\n", (unsigned)length, event));
}

// As many words as the burst of chat chunks has.
static void build_message_burst(void) {
    append(&message_burst, stream_head.bytes, stream_head.length);
    append_event("message_start", "{\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5-20250929\","
                 "\"id\":\"msg_01AbCdEfGhIjKlMnOpQrStUv\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],"
                 "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":112,"
                 "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}}}");
    append_event("content_block_start", "{\"type\":\"content_block_start\",\"index\":0,"
                 "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}");
    for (int i = 0; i < EVENTS_IN_ANSWER - 1; i++) {
        char delta[160];
        snprintf(delta, sizeof delta, "{\"type\":\"content_block_delta\",\"index\":0,"
                 "\"delta\":{\"type\":\"text_delta\",\"text\":\" tok%02d\"}}", i);
        append_event("content_block_delta", delta);
    }
    append_event("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}");
    append_event("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
                 "\"stop_sequence\":null},\"usage\":{\"output_tokens\":98}}");
    append_event("message_stop", "{\"type\":\"message_stop\"}");
    append(&message_burst, "0\r\n\r\n", 5);
}

static void build_whole(struct bytes *answer, const char *body, size_t length) {
    answer->length = (size_t)snprintf(answer->bytes, sizeof answer->bytes,
                                      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n"
                                      "x-request-id: req_0123456789abcdef0123456789abcdef\r\n"
                                      "openai-processing-ms: 1\r\nopenai-version: 2020-10-01\r\n"
                                      "x-ratelimit-limit-requests: 10000\r\n"
                                      "x-ratelimit-remaining-requests: 9999\r\n\r\n%s",
                                      length, body);
}

static void build_answers(void) {
    build_whole(&completion, COMPLETION, sizeof COMPLETION - 1);
    build_whole(&message, MESSAGE, sizeof MESSAGE - 1);
    stream_head.length = (size_t)snprintf(stream_head.bytes, sizeof stream_head.bytes,
                                          "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
                                          "cache-control: no-cache\r\n"
                                          "x-request-id: req_0123456789abcdef0123456789abcdef\r\n"
                                          "transfer-encoding: chunked\r\n\r\n");
    bad_request.length = (size_t)snprintf(bad_request.bytes, sizeof bad_request.bytes,
                                          "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    tail.length = (size_t)snprintf(tail.bytes, sizeof tail.bytes, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    append(&burst, stream_head.bytes, stream_head.length);
    for (int i = 0; i < EVENTS_IN_ANSWER; i++) {
        build_event(i);
        append(&burst, events[i].bytes, events[i].length);
    }
    append(&burst, tail.bytes, tail.length);
    build_message_burst();
}

// New values of the same length for the headers that a provider varies.
static void make_headers_unique(char *answer) {
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    char text[33];
    char *place = strstr(answer, "req_");
    if (place) {
        snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)state, (unsigned long long)~state);
        memcpy(place + 4, text, 32);
    }
    place = strstr(answer, "remaining-requests: ");
    if (place) {
        snprintf(text, sizeof text, "%04u", (unsigned)(1000 + (state >> 40) % 9000));
        memcpy(place + strlen("remaining-requests: "), text, 4);
    }
    place = strstr(answer, "processing-ms: ");
    if (place) place[strlen("processing-ms: ")] = (char)('1' + (state >> 50) % 9);
}

// ---- connections

static void send_all(struct connection *connection, const char *bytes, size_t length) {
    while (length > 0) {
        // MSG_NOSIGNAL: a peer that went away is an error here, not the end of the program.
        ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            usleep(50);
        } else {
            return;  // the next read closes the connection
        }
    }
}

static void pace_stop(struct connection *connection) {
    if (!connection->previous) return;
    connection->previous->next = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
    connection->next = connection->previous = NULL;
}

static void pace_start(struct connection *connection, int count, int milliseconds) {
    send_all(connection, stream_head.bytes, stream_head.length);
    send_all(connection, events[0].bytes, events[0].length);
    connection->next_event = 1;
    connection->events = count;
    connection->period_us = (uint64_t)milliseconds * 1000u;
    connection->due_us = now_us() + connection->period_us;
    connection->next = paced.next;
    connection->previous = &paced;
    if (paced.next) paced.next->previous = connection;
    paced.next = connection;
}

static void send_paced_event(struct connection *connection) {
    if (connection->next_event < connection->events - 1) {
        int index = connection->next_event % (EVENTS_IN_ANSWER - 1);
        send_all(connection, events[index].bytes, events[index].length);
        connection->next_event++;
        connection->due_us += connection->period_us;
    } else {
        char last[sizeof events[0].bytes + sizeof tail.bytes];
        size_t length = events[EVENTS_IN_ANSWER - 1].length;
        memcpy(last, events[EVENTS_IN_ANSWER - 1].bytes, length);
        memcpy(last + length, tail.bytes, tail.length);
        send_all(connection, last, length + tail.length);
        pace_stop(connection);
    }
}

static void send_due_events(void) {
    uint64_t now = now_us();
    for (struct connection *connection = paced.next, *next; connection; connection = next) {
        next = connection->next;
        if (connection->due_us <= now) send_paced_event(connection);
    }
}

static int milliseconds_until_due(void) {
    if (!paced.next) return -1;
    uint64_t now = now_us(), earliest = UINT64_MAX;
    for (struct connection *connection = paced.next; connection; connection = connection->next) {
        if (connection->due_us < earliest) earliest = connection->due_us;
    }
    return earliest <= now ? 0 : (int)((earliest - now + 999) / 1000);
}

// JSON objects end with '}'; a chunked body's last bytes are its framing.
static bool is_whole(const char *body, size_t length) {
    while (length > 0 && strchr("\r\n0 ", body[length - 1])) length--;
    return length > 0 && body[length - 1] == '}';
}

static void answer(struct connection *connection, char *body, size_t length, bool messages) {
    struct bytes *one_piece = messages ? &message : &completion, *stream_burst = messages ? &message_burst : &burst;
    char after = body[length];
    body[length] = 0;
    bool whole = is_whole(body, length);
    bool stream = strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true");
    char *pace = stream ? strstr(body, "paced-") : NULL;
    int count = EVENTS_IN_ANSWER, milliseconds = 5;
    if (pace) sscanf(pace, "paced-%d-%d", &count, &milliseconds);
    body[length] = after;
    if (!whole) {
        send_all(connection, bad_request.bytes, bad_request.length);
    } else if (!stream) {
        make_headers_unique(one_piece->bytes);
        send_all(connection, one_piece->bytes, one_piece->length);
    } else if (!pace) {
        make_headers_unique(stream_burst->bytes);
        send_all(connection, stream_burst->bytes, stream_burst->length);
    } else {
        make_headers_unique(stream_head.bytes);
        pace_start(connection, count, milliseconds);
    }
}

// Length of a chunked body that begins at `bytes` (framing included), or 0 when its end has not come yet.
static size_t chunked_length(const char *bytes, size_t available) {
    size_t at = 0;
    for (;;) {
        const char *line_end = memmem(bytes + at, available - at, "\r\n", 2);
        if (!line_end) return 0;
        size_t size = strtoul(bytes + at, NULL, 16);
        at = (size_t)(line_end - bytes) + 2 + size + 2;  // an empty last chunk ends with the empty trailer line
        if (at > available) return 0;
        if (size == 0) return at;
    }
}

// Answers the first message in the buffer if it is complete.
static bool answer_first(struct connection *connection) {
    char *bytes = connection->bytes;
    char *head_end = memmem(bytes, connection->length, "\r\n\r\n", 4);
    if (!head_end) return false;
    char *body = head_end + 4;
    size_t available = connection->length - (size_t)(body - bytes);
    *head_end = 0;  // the searches below stay in the head
    char *length_header = strcasestr(bytes, "\ncontent-length:");
    bool chunked = strcasestr(bytes, "\ntransfer-encoding: chunked") != NULL;
    size_t length = length_header ? strtoul(length_header + strlen("\ncontent-length:"), NULL, 10) : 0;
    bool messages = strstr(bytes, "/messages HTTP/1.1") != NULL;
    *head_end = '\r';
    if (chunked) length = chunked_length(body, available);
    if (available < length || (chunked && length == 0)) return false;
    answer(connection, body, length, messages);
    connection->length = available - length;
    memmove(bytes, body + length, connection->length);
    bytes[connection->length] = 0;
    return true;
}

static void connection_close(struct connection *connection) {
    pace_stop(connection);
    close(connection->fd);
    free(connection->bytes);
    free(connection);
}

static void connection_read(struct connection *connection) {
    if (connection->length == connection->capacity) {
        connection->capacity *= 2;
        connection->bytes = realloc(connection->bytes, connection->capacity + 1);
    }
    ssize_t length = read(connection->fd, connection->bytes + connection->length,
                          connection->capacity - connection->length);
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) {
        connection_close(connection);
        return;
    }
    connection->length += (size_t)length;
    connection->bytes[connection->length] = 0;
    while (answer_first(connection)) {
    }
}

static void accept_all(int epoll_fd, int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = calloc(1, sizeof *connection);
        connection->fd = fd;
        connection->capacity = FIRST_BUFFER;
        connection->bytes = malloc(FIRST_BUFFER + 1);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) {
        perror("upstream: listen");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: upstream PORT\n", stderr);
        return 2;
    }
    build_answers();
    int listener = listen_on(atoi(argv[1])), epoll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[READY];
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll_fd, ready, READY, milliseconds_until_due());
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr) {
                connection_read(ready[i].data.ptr);
            } else {
                accept_all(epoll_fd, listener);
            }
        }
        send_due_events();
    }
}
